import type { Person } from "../support/person";
import type { Server } from "../support/server";
import { expect, test } from "../support/test";

const CLOSED = {
  "en-US": { words: "This room was closed.", away: "Go to the lobby", gone: "There is no such room", banned: "You are banned here." },
  "ko-KR": { words: "이 방은 닫혔어요.", away: "로비로 가기", gone: "없는 방이에요", banned: "이 서버를 이용할 수 없어요." },
} as const;
const LOCALES = ["en-US", "ko-KR"] as const;

/** The id of the room on screen. */
const roomOf = (person: Person) => new URL(person.page.url()).pathname.split("/")[2]!;

/** Whatever is in the box can be read and copied, and no longer sent. */
async function keepsForReading(person: Person, draft: string): Promise<void> {
  await expect(person.composer).toHaveValue(draft);
  await expect(person.composer).not.toBeEditable();
  await expect(person.page.locator(".send")).toBeHidden();
  await person.composer.focus();
  await person.page.keyboard.press("Control+A");
  expect(await person.page.evaluate(() => getSelection()!.toString())).toBe(draft);
  await person.page.keyboard.press("Enter");
  await person.page.keyboard.press("Control+Enter");
  await expect(person.composer).toHaveValue(draft);
  await expect(person.page.locator(".message.failed, .message.pending")).toHaveCount(0);
}

for (const locale of LOCALES) {
  const t = CLOSED[locale];

  test(`a room closed on screen says so (${locale})`, async ({ guard, join, server }) => {
    guard.allow(/404/);
    const ada = await join({ name: "Ada", locale });
    const ben = await join({ name: "Ben", locale });
    await ada.visit(`/r/${await opened(server, "Garden")}`);
    await ada.post("said before");
    await ben.enter("Garden");
    await ben.enter(locale === "ko-KR" ? "로비" : "Lobby");
    await ada.composer.fill("a draft\nof two lines");
    const room = roomOf(ada);
    await server.command("room", "close", room);

    await expect(ada.page.getByText(t.words)).toBeVisible();
    await expect(ada.page.getByText(t.gone)).toHaveCount(0);
    await expect(ada.message("said before")).toBeVisible();
    await keepsForReading(ada, "a draft\nof two lines");
    for (const person of [ada, ben]) await expect(person.room("Garden")).toHaveCount(0);
    await ada.message("said before").hover();
    await expect(ada.message("said before").getByRole("group")).toBeHidden();

    // They go, and come back for the draft.
    await ada.page.locator(".below").getByRole("link", { name: t.away }).click();
    await expect(ada.page).toHaveURL(/\/r\/lobby$/);
    await expect(ada.page.getByText(t.words)).toHaveCount(0);
    await expect(ada.composer).toBeEditable();
    await ada.page.goBack();
    await expect(ada.page.getByText(t.words)).toBeVisible();
    await keepsForReading(ada, "a draft\nof two lines");
    // The address leads nowhere any more: the lobby says so.
    await ada.reload();
    await expect(ada.page.getByRole("alert").filter({ hasText: t.gone })).toBeVisible();
    await expect(ada.composer).toBeEditable();
    await ada.connected();
    await ada.post("on in the lobby");
  });

  test(`a banned person reads so and keeps the draft (${locale})`, async ({ guard, join, server }) => {
    guard.allow(/403/);
    const ada = await join({ name: "Ada", locale, path: null });
    const sockets: string[] = [];
    ada.page.on("websocket", (socket) => sockets.push(socket.url()));
    await ada.visit();
    await ada.post("said before");
    await ada.composer.fill("a draft");
    expect(sockets).toHaveLength(1);
    await server.command("ban", "Ada");

    await expect(ada.page.locator(".connection-words")).toContainText(t.banned);
    await expect(ada.connection).toHaveAttribute("data-ready-state", "CLOSED");
    await expect(ada.connection).not.toHaveAttribute("data-retry-at");
    await expect(ada.composer).toHaveValue("a draft");
    await expect(ada.message("said before")).toBeVisible();
    // Nothing that usually brings a page back does.
    await ada.page.evaluate(() => {
      for (const event of ["offline", "online", "focus", "pageshow"]) dispatchEvent(new Event(event));
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await expect(ada.connection).toHaveAttribute("data-ready-state", "CLOSED");
    expect(sockets).toHaveLength(1);
    // By hand it asks once, and is told the same.
    await ada.page.locator(".connection button").click();
    await expect.poll(() => sockets.length).toBe(2);
    await expect(ada.connection).toHaveAttribute("data-ready-state", "CLOSED");
    await expect(ada.page.locator(".connection-words")).toContainText(t.banned);

    await server.command("unban", "Ada");
    await ada.reload();
    await ada.connected();
    await expect(ada.composer).toHaveValue("a draft");
    await ada.composer.press("Enter");
    await ada.sent("a draft");
  });
}

/** A room with this title, made by nobody on screen. */
async function opened(server: Server, title: string): Promise<string> {
  const headers = { accept: "application/json" };
  const answer = await fetch(`${server.url}/rooms`, { method: "POST", headers, body: new URLSearchParams({ title }) });
  return ((await answer.json()) as { room: string }).room;
}

test("every tab of a banned person says so", async ({ guard, join, server }) => {
  guard.allow(/403/);
  const ada = await join({ name: "Ada" });
  await ada.post("said before");
  const tab = await ada.tab();
  await tab.composer.fill("a draft of the second");
  await server.command("ban", "Ada");
  for (const page of [ada, tab]) {
    await expect(page.page.locator(".connection-words")).toContainText(CLOSED["en-US"].banned);
    await expect(page.connection).toHaveAttribute("data-ready-state", "CLOSED");
  }
  await expect(tab.composer).toHaveValue("a draft of the second");
  await server.command("unban", "Ada");
  await tab.page.locator(".connection button").click();
  for (const page of [ada, tab]) await page.connected();
  await tab.composer.press("Enter");
  await ada.sent("a draft of the second");
});

test("a banned person on plain HTTP reads so", async ({ gate, guard, join, server }) => {
  guard.allowLostConnections();
  gate.refuseSockets();
  const ada = await join({ name: "Ada", through: gate });
  await ada.connectedBy("eventsource");
  await ada.post("said before");
  await server.command("ban", "Ada");
  await expect(ada.page.locator(".connection-words")).toContainText(CLOSED["en-US"].banned);
  await expect(ada.connection).not.toHaveAttribute("data-retry-at");
});

test("a banned person's writes wait until they are unbanned", async ({ guard, join, server }) => {
  guard.allow(/403/);
  const ada = await join({ name: "Ada" });
  await ada.post("said before");
  await server.command("ban", "Ada");
  await expect(ada.page.locator(".connection-words")).toContainText(CLOSED["en-US"].banned);
  await ada.say("said while banned");
  await expect(ada.page.locator(".connection-words")).toContainText("1 message is waiting");
  await server.command("unban", "Ada");
  await ada.page.locator(".connection button").click();
  await ada.sent("said while banned");
});

test("a banned address reads so, and comes again", async ({ guard, join, server }) => {
  guard.allow(/403/);
  const ada = await join({ name: "Ada", locale: "ko-KR" });
  await ada.composer.fill("쓰던 글");
  await server.command("ban", "127.0.0.1");
  await expect(ada.page.locator(".connection-words")).toContainText(CLOSED["ko-KR"].banned);
  await expect(ada.composer).toHaveValue("쓰던 글");
  await server.command("unban", "127.0.0.1");
  await ada.reload();
  await ada.connected();
  await expect(ada.composer).toHaveValue("쓰던 글");
});

test("rooms closed while one was away are gone", async ({ gate, guard, join, server }) => {
  guard.allowLostConnections();
  const ada = await join({ name: "Ada", through: gate });
  await ada.open("Garden");
  await ada.post("said before");
  const garden = roomOf(ada);
  await ada.open("Kitchen");
  const kitchen = roomOf(ada);
  await ada.enter("Garden");
  await ada.composer.fill("a draft");
  gate.refuseConnections();
  await ada.disconnected();
  await ada.say("written meanwhile");
  await ada.composer.fill("another draft");
  for (const room of [garden, kitchen]) await server.command("room", "close", room);
  gate.open();
  await expect(ada.page.getByText(CLOSED["en-US"].words)).toBeVisible();
  for (const title of ["Garden", "Kitchen"]) await expect(ada.room(title)).toHaveCount(0);
  await expect(ada.composer).toHaveValue("another draft");
  await expect(ada.message("written meanwhile")).toContainText("There is no such room.");
});

test("a room renamed on screen has its new name everywhere", async ({ join, server }) => {
  const ada = await join({ name: "Ada" });
  await ada.open("Garden");
  await ada.post("said before");
  await ada.composer.fill("a draft");
  const ben = await join({ name: "Ben" });
  await expect(ben.room("Garden")).toHaveCount(1);
  await server.command("room", "rename", roomOf(ada), "정원 & <b>Garten</b>");
  for (const person of [ada, ben]) {
    await expect(person.room("정원 & <b>Garten</b>")).toHaveCount(1);
    await expect(person.page.locator(".room-link")).toHaveCount(2);
  }
  await expect(ada.page.getByRole("heading", { level: 1 })).toHaveText("정원 & <b>Garten</b>");
  await expect(ada.page).toHaveTitle("정원 & <b>Garten</b> · Madang");
  await expect(ada.composer).toHaveAccessibleName(/정원 & <b>Garten<\/b>/);
  await expect(ada.composer).toHaveValue("a draft");
  await ada.composer.press("Enter");
  await ada.sent("a draft");
  await ada.reload();
  await expect(ada.page.getByRole("heading", { level: 1 })).toHaveText("정원 & <b>Garten</b>");
});
