import { translate } from "../support/hands";
import type { Person } from "../support/person";
import { expect, test, UNLIMITED } from "../support/test";

/**
 * A translator as browsers have them: it replaces the texts that there are, and from then on whatever comes, in the
 * same moment. Its words are the page's own, in quotes.
 */
async function translated(person: Person): Promise<void> {
  await person.page.evaluate(`(${() => {
    const all = (window as unknown as { translateAll: () => void }).translateAll;
    const watch = { childList: true, characterData: true, subtree: true };
    const observer = new MutationObserver(() => {
      observer.disconnect();
      all();
      observer.observe(document.body, watch);
    });
    all();
    observer.observe(document.body, watch);
  }})()`.replace(/^/, `window.translateAll = ${translate};`));
}

test("an edit is shown in a translated page, again and again", async ({ join }) => {
  const ben = await join({ name: "Ben" });
  await ben.post("first words");
  await ben.post("second words, https://example.org/x and more");
  const ada = await join({ name: "Ada" });
  await translated(ada);
  await expect(ada.message("«first words»")).toHaveCount(1);
  let now = "first words";
  for (const next of ["first words, edited", "see https://example.org/y", "and text again"]) {
    await edit(ben, now, next);
    await expect(ada.messages.first().locator(".text")).toHaveText(new RegExp(`^«${next.split("https")[0]}`));
    now = next;
  }
  await expect(ada.messages.first().locator(".edited")).toHaveCount(1);
  await ben.act("second words", "Delete");
  await ben.page.getByRole("button", { name: "Delete", exact: true }).last().click();
  await expect(ada.messages.nth(1).locator(".text")).toHaveText("«This message was deleted.»");
});

test.describe("with a flood", () => {
  test.use({ limits: UNLIMITED });

  test("counters go on in a translated page", async ({ join, wire }) => {
    const ben = await wire("Ben");
    const ada = await join({ name: "Ada" });
    await ada.open("Garden");
    await translated(ada);
    const lobby = ada.room("Lobby");
    for (let unread = 1; unread <= 3; unread++) {
      await ben.post("lobby", `in the lobby ${unread}`);
      await expect(lobby.locator(".badge")).toHaveText(String(unread));
      await expect(lobby.locator(".hidden")).toHaveText(new RegExp(`«.*${unread}.*»`));
      await expect(ada.page).toHaveTitle(new RegExp(`^\\(${unread}\\) `));
    }
    await lobby.click();
    await expect(ada.page.getByRole("heading", { level: 1 })).toHaveText("«Lobby»");
    await expect(lobby.locator(".badge")).toHaveCount(0);
  });

  test("the way back counts on in a translated page", async ({ join, wire }) => {
    const ben = await wire("Ben");
    await ben.postAll("lobby", Array.from({ length: 60 }, (_, at) => `line ${at}`));
    const ada = await join({ name: "Ada" });
    await translated(ada);
    await ada.log.evaluate((log) => log.scrollBy(0, -1000));
    const jump = ada.page.locator(".jump");
    await expect(jump).toBeVisible();
    for (let fresh = 1; fresh <= 3; fresh++) {
      await ben.post("lobby", `fresh ${fresh}`);
      await expect(jump).toHaveText(new RegExp(`«.*${fresh}.*»`));
    }
  });
});

test("presence and typing are right in a translated page", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await translated(ada);
  const names = ada.page.locator(".people-list .person-name");
  await expect(names).toHaveText(["Ada"]);
  const ben = await join({ name: "Ben" });
  // In the order of ids, which are random.
  const present = async () => (await names.allTextContents()).sort();
  await expect.poll(present).toEqual(["Ada", "Ben"]);
  await expect(ada.page.locator(".here-count")).toHaveText(/«.*2.*»/);
  await ben.composer.pressSequentially("he");
  await expect(ada.page.locator(".typing")).toHaveText(/«Ben .*»/);
  await ben.say("hello");
  await expect(ada.page.locator(".typing")).toHaveText("");
  await ben.rename("Bennie");
  await expect.poll(present).toEqual(["Ada", "Bennie"]);
  await expect(ada.message("hello").locator(".author")).toHaveText("Bennie");
  await ben.context.close();
  await expect(names).toHaveText(["Ada"]);
});

test("the connection's words are right in a translated page", async ({ guard, join, server }) => {
  guard.allowLostConnections();
  const ada = await join({ name: "Ada" });
  await translated(ada);
  await server.kill();
  const words = ada.page.locator(".connection-words");
  await expect(words).toHaveText(/«.+»/);
  await ada.say("written meanwhile");
  await expect(words).toHaveText(/1.*»/);
  await expect(ada.message("written meanwhile").locator(".status")).toHaveText(/«.+»/);
  await server.start();
  await ada.connected();
  await ada.sent("written meanwhile");
  await expect(words).toHaveText("");
  await expect(ada.message("written meanwhile").locator(".status")).toHaveCount(0);
});

test("rooms and their titles change in a translated page", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await translated(ada);
  const form = ada.page.locator(".new-room");
  await form.locator("summary").click();
  await form.getByRole("textbox").fill("Garden");
  await form.getByRole("button").click();
  const heading = ada.page.getByRole("heading", { level: 1 });
  await expect(heading).toHaveText("«Garden»");
  await ada.room("Lobby").click();
  await expect(heading).toHaveText("«Lobby»");
  await expect(ada.page).toHaveTitle(/^Lobby/);
});

test("a reply is quoted and called off in a translated page", async ({ join }) => {
  const ben = await join({ name: "Ben" });
  await ben.post("a question");
  const ada = await join({ name: "Ada" });
  await translated(ada);
  await ada.message("a question").hover();
  await ada.message("a question").getByLabel("Reply", { exact: true }).click();
  await expect(ada.page.locator(".replying-words")).toHaveText(/«.*Ben.*»/);
  await ada.say("an answer");
  await expect(ada.message("an answer").locator(".quote-text")).toHaveText("«a question»");
  await edit(ben, "a question", "a better question");
  await expect(ada.message("an answer").locator(".quote-text")).toHaveText("«a better question»");
});

test("names, times and counters are not for translation", async ({ join, wire }) => {
  const ben = await wire("Ben");
  const ada = await join({ name: "Ada" });
  await ada.open("Garden");
  await ben.post("lobby", "https://example.org/x");
  await expect(ada.room("Lobby").locator(".badge")).toHaveText("1");
  await ada.room("Lobby").click();
  await ada.post("mine");
  for (const part of [".author", ".message time", ".message .avatar", ".text a", ".you-name", ".person-name", ".brand-name"]) {
    await expect(ada.page.locator(part).first(), part).toHaveAttribute("translate", "no");
  }
});

async function edit(person: Person, body: string, text: string): Promise<void> {
  const row = person.message(body).first();
  await row.hover();
  await row.getByRole("group").getByLabel("Edit", { exact: true }).click();
  const field = person.page.locator(".edit-text");
  await field.fill(text);
  await field.press("Enter");
  await expect(field).toHaveCount(0);
}
