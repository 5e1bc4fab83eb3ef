import { type Browser, chromium, type Page } from "@playwright/test";
import { Person } from "../support/person";
import { expect, test } from "../support/test";

// The browser that the other tests share keeps no page for its back button.
let browser: Browser;

test.beforeAll(async ({ launchOptions }) => {
  browser = await chromium.launch({ ...launchOptions, ignoreDefaultArgs: ["--disable-back-forward-cache"] });
});

test.afterAll(() => browser.close());

interface Kept {
  back?: { persisted: boolean; reasons: unknown };
}

/** Goes to another page of the server, and back; resolves to what the browser says of it. */
async function thereAndBack(page: Page, base: string, away: () => Promise<void>): Promise<Kept["back"]> {
  await page.evaluate(() => {
    addEventListener("pageshow", ({ persisted }) => Object.assign(window, { back: { persisted } }));
  });
  await page.goto(`${base}/robots.txt`);
  await away();
  await page.evaluate(() => history.back());
  await page.waitForURL(/\/r\/lobby$/, { waitUntil: "commit" });
  const back = () =>
    page.evaluate(() => {
      const [visit] = performance.getEntriesByType("navigation") as unknown as [{ notRestoredReasons?: unknown }];
      return (window as Kept).back ?? { persisted: false, reasons: JSON.stringify(visit.notRestoredReasons) };
    });
  await expect.poll(async () => (await back())?.persisted, { message: JSON.stringify(await back()) }).toBe(true);
  return back();
}

for (const [where, prepare] of [
  ["with locks", () => {}],
  ["without locks", () => Object.defineProperty(navigator, "locks", { value: undefined })],
] as const) {
  test(`a page that was left resumes when one goes back, ${where}`, async ({ server, wire, guard }) => {
    const context = await browser.newContext();
    guard.watch(context, () => [new URL(server.url).host]);
    await context.addInitScript(prepare);
    const ada = new Person(await context.newPage(), server.url);
    const ben = await wire("Ben");
    await ada.visit();
    await ben.post("lobby", "before");
    await ada.reads(["before"]);
    await ada.composer.pressSequentially("half a sent");
    const sessions = await server.metric("madang_sessions");
    await thereAndBack(ada.page, ada.base, async () => {
      await expect.poll(() => server.metric("madang_sessions")).toBe(sessions - 1);
      await ben.post("lobby", "meanwhile");
    });
    await ada.connected();
    await ada.reads(["before", "meanwhile"]);
    await expect(ada.composer).toHaveValue("half a sent");
    await ada.composer.pressSequentially("ence");
    await ada.composer.press("Enter");
    await ada.sent("half a sentence");
    await context.close();
  });
}
