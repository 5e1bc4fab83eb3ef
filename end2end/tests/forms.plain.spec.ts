import { isAccessible } from "../support/axe";
import type { Person } from "../support/person";
import { expect, test, UNLIMITED } from "../support/test";

/** Writes a message and presses the button; the answer is a page. */
async function post(person: Person, text: string): Promise<void> {
  await person.composer.fill(text);
  await person.page.getByRole("button", { name: "Send" }).click();
  await expect(person.message(text)).toBeVisible();
}

test("a room can be read without a script", async ({ join, wire }) => {
  await (await wire("Ben")).postAll("lobby", ["first", "see https://example.org/", "last"]);
  const ada = await join();
  await ada.reads(["first", "see ", "last"]);
  await expect(ada.messages.first().locator(".author")).toHaveText("Ben");
  await expect(ada.message("see").getByRole("link", { name: "https://example.org/" })).toBeVisible();
  await expect(ada.message("last")).toBeInViewport();
  await expect(ada.message("last").locator("time")).toBeVisible();
});

test("the server's HTML holds the last messages", async ({ server, wire }) => {
  await (await wire("Ben")).postAll("lobby", ["first", "last"]);
  const html = await (await fetch(`${server.url}/r/lobby`)).text();
  expect(html).toMatch(/<article[^]*first[^]*<article[^]*last/);
});

test("a form posts, and those with a script see it", async ({ browser, guard, server, join }) => {
  const context = await browser.newContext({ javaScriptEnabled: true });
  guard.watch(context, () => [new URL(server.url).host]);
  const page = await context.newPage();
  await page.goto(`${server.url}/r/lobby`);
  await expect(page.locator("html")).toHaveAttribute("data-alive", "");
  const ada = await join({ name: "Ada" });
  await post(ada, "one");
  await post(ada, "two\nwith a second line");
  await ada.reads(["one", "two\nwith a second line"]);
  await expect(page.locator(".message")).toHaveCount(2);
  await expect(page.locator(".message").first()).toContainText("one");
  await context.close();
});

test("a form that is sent twice posts once", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const form = ada.page.locator("form.composer");
  const cmid = await form.locator("input[name=cmid]").inputValue();
  const action = ada.base + (await form.getAttribute("action"));
  for (let time = 0; time < 2; time++) {
    const answer = await ada.context.request.post(action, { form: { cmid, body: "impatient" } });
    await expect(answer).toBeOK();
  }
  await ada.page.reload();
  await ada.reads(["impatient"]);

  await ada.composer.fill("double click");
  await ada.page.getByRole("button", { name: "Send" }).dblclick();
  await expect(ada.message("double click")).toBeVisible();
  await ada.page.goto(`${ada.base}/r/lobby`);
  await ada.reads(["impatient", "double click"]);
});

test("a refusal is shown on the page", async ({ guard, join }) => {
  guard.allow(/40\d|42\d/);
  const ada = await join({ name: "Ada" });
  await ada.composer.fill("  \n ");
  await ada.page.getByRole("button", { name: "Send" }).click();
  await expect(ada.page.getByRole("alert").filter({ hasText: "There is nothing in it yet." })).toBeVisible();
});

test.describe("with much history", () => {
  test.use({ limits: UNLIMITED });

  test("links page back to the first message and forward to the last", async ({ join, wire }) => {
    const bodies = Array.from({ length: 130 }, (_, at) => `story ${at + 1}`);
    await (await wire("Ben")).postAll("lobby", bodies);
    const ada = await join();
    const seen = new Set(await ada.bodies());
    for (const [link, end] of [["Earlier messages", "story 1"], ["Later messages", "story 130"]] as const) {
      const next = ada.page.getByRole("link", { name: link });
      while (await next.isVisible()) {
        const address = ada.page.url();
        await next.click();
        await ada.page.waitForURL((url) => url.href !== address);
        for (const body of await ada.bodies()) seen.add(body);
      }
      expect(await ada.bodies()).toContain(end);
    }
    expect([...seen].toSorted()).toEqual(bodies.toSorted());
  });

  test("a permanent link shows its message", async ({ join, wire }) => {
    await (await wire("Ben")).postAll("lobby", Array.from({ length: 130 }, (_, at) => `story ${at + 1}`));
    const ada = await join({ path: "/r/lobby/31" });
    await expect(ada.log.locator(".focused")).toContainText("story 30");
    await expect(ada.log.locator(".focused")).toBeInViewport();
  });
});

test("a message of one's own can be edited and deleted", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await post(ada, "a tpyo");
  await post(ada, "a slip");
  await ada.message("a tpyo").getByRole("link", { name: "Actions for this message" }).click();
  const field = ada.page.getByRole("textbox", { name: "Edit the message" });
  await expect(field).toHaveValue("a tpyo");
  await field.fill("a typo");
  await ada.page.getByRole("button", { name: "Save" }).first().click();
  await ada.reads(["a typo", "a slip"]);
  await expect(ada.message("a typo").locator(".edited")).toBeVisible();

  await ada.message("a slip").getByRole("link", { name: "Actions for this message" }).click();
  await expect(field).toHaveValue("a slip");
  await ada.page.getByRole("button", { name: "Delete" }).click();
  await ada.reads(["a typo", "This message was deleted."]);
});

test("the form to edit a message shows its markup as text", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const markup = "</textarea><b>bold</b> &amp;";
  await post(ada, markup);
  await ada.message(markup).locator(".more").click();
  await expect(ada.page.locator(".edit-text")).toHaveValue(markup);
  await ada.page.getByRole("button", { name: "Save" }).first().click();
  await ada.reads([markup]);
});

test("a nickname can be chosen", async ({ join }) => {
  const ada = await join();
  await post(ada, "hello");
  await ada.page.getByRole("button", { name: "Choose a name" }).click();
  const settings = ada.page.locator("#settings");
  await settings.getByRole("textbox", { name: "Nickname" }).fill("Ada");
  await settings.getByRole("button", { name: "Save" }).click();
  await expect(ada.message("hello").locator(".author")).toHaveText("Ada");
  await expect(ada.page.locator(".you-name")).toHaveText("Ada");
});

test("a room can be opened, and people go from room to room", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.open("Garden");
  await expect(ada.page).toHaveURL(/\/r\/[a-z0-9]{12}$/);
  await post(ada, "in the garden");
  await ada.enter("Lobby");
  await expect(ada.messages).toHaveCount(0);
  await ada.enter("Garden");
  await ada.reads(["in the garden"]);
});

test("language and colours can be chosen", async ({ join }) => {
  const ada = await join({ colorScheme: "light" });
  const settings = await ada.openSettings();
  await settings.getByRole("radio", { name: "한국어" }).check();
  await settings.getByRole("radio", { name: "Dark" }).check();
  await settings.getByRole("button", { name: "Apply" }).click();
  const html = ada.page.locator("html");
  await expect(html).toHaveAttribute("lang", "ko");
  await expect(html).toHaveAttribute("data-theme", "dark");
  await ada.page.reload();
  await expect(html).toHaveAttribute("lang", "ko");
  await expect(html).toHaveAttribute("data-theme", "dark");
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const locale of ["en-US", "ko-KR"]) {
    test(`the plain pages are accessible (${locale}, ${colorScheme})`, async ({ guard, join, wire }) => {
      guard.allow(/404/);
      const ben = await wire("Ben");
      await ben.postAll("lobby", ["one", "two https://example.org/"]);
      // The audit is a script itself: here the page's own scripts are held back instead of all.
      const ada = await join({ name: "Ada", locale, colorScheme, javaScriptEnabled: true, path: null });
      const nothing = "export default async () => {}; export const hydrate = () => {}; export const step = () => false;";
      await ada.page.route(/\/pkg\/.*\.js/, (route) =>
        route.fulfill({ contentType: "text/javascript", body: nothing }),
      );
      await ada.page.goto(`${ada.base}/r/lobby`);
      await isAccessible(ada, "a room without a script");
      await ada.composer.fill("mine");
      await ada.page.locator(".send").click();
      await ada.message("mine").locator(".more").click();
      await expect(ada.page.locator(".edit-text")).toHaveValue("mine");
      await isAccessible(ada, "the form to edit or delete a message");
      await ada.openSettings();
      await isAccessible(ada, "the settings without a script");
      await ada.page.goto(`${ada.base}/r/nowhere`);
      await isAccessible(ada, "no such room, without a script");
    });
  }
}

test("a long message unfolds without a script", async ({ join, wire }) => {
  await (await wire("Ben")).post("lobby", Array.from({ length: 60 }, (_, at) => `line ${at + 1}`).join("\n"));
  const ada = await join();
  const [text, box] = [ada.message("line 60").locator(".text"), ada.message("line 60").getByRole("checkbox", { name: "Show all" })];
  const folded = (await text.boundingBox())!.height;
  await box.check();
  expect((await text.boundingBox())!.height).toBeGreaterThan(2 * folded);
  await box.uncheck();
  expect((await text.boundingBox())!.height).toBe(folded);
});

test("a closed room leads to the lobby, which says so", async ({ guard, join, server, wire }) => {
  guard.allow(/404/);
  const room = await (await wire("Ben")).open("Garden");
  const ada = await join({ path: `/r/${room}` });
  await ada.composer.fill("too late");
  await server.command("room", "close", room);
  await ada.page.getByRole("button", { name: "Send" }).click();
  await expect(ada.page.getByRole("alert")).toContainText("There is no such room");
  await ada.page.goto(`${ada.base}/r/${room}`);
  await expect(ada.page.getByRole("alert")).toContainText("There is no such room");
  await expect(ada.room("Garden")).toHaveCount(0);
  await post(ada, "in the lobby, then");
});
