import * as hands from "../support/hands";
import type { Person } from "../support/person";
import { expect, test } from "../support/test";

const DRAWN_ANEW = /It was drawn anew/;
const BODIES = ["write to kim@mail.example today", "call 02-123-4567 now", "two lines,\nand the rest"];

/** A page that the test hands over does not count as one of this machine, and needs leave to connect to it. */
const REWRITTEN = ["local-network-access"];

/** Holds the page's wasm back until released. */
async function holdWasm(person: Person): Promise<() => void> {
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await person.page.route(/\.wasm(\?|$)/, async (route) => {
    await released;
    await route.continue().catch(() => undefined);
  });
  return release;
}

/** Changes the HTML of each page on its way. */
async function rewrite(person: Person, change: (html: string) => string): Promise<void> {
  await person.page.route(/\/r\//, async (route) => {
    const answer = await route.fetch();
    const body = change(await answer.text());
    await route.fulfill({ response: answer, body });
  });
}

type Join = (arrival?: { name?: string; path?: string | null; permissions?: string[] }) => Promise<Person>;

/** Ben, who has written, and Ada, who has not opened the page yet. */
async function joined(join: Join, options: { permissions?: string[] } = {}): Promise<{ ada: Person; ben: Person }> {
  const ben = await join({ name: "Ben" });
  for (const body of BODIES) await ben.post(body);
  return { ada: await join({ name: "Ada", path: null, ...options }), ben };
}

/** Opens the page, begins a text, and changes the page before it is alive. */
async function touched(ada: Person, hand: () => void): Promise<void> {
  const release = await holdWasm(ada);
  await ada.page.goto(`${ada.base}/r/lobby`);
  await ada.composer.pressSequentially("begun");
  await ada.page.evaluate(hand);
  release();
}

/** The browser's report of a page that was drawn anew. */
function complaints(person: Person): string[] {
  const said: string[] = [];
  person.page.on("console", (message) => {
    if (DRAWN_ANEW.test(message.text())) said.push(message.text());
  });
  return said;
}

/** The page works: what was typed is kept, a message is seen, one is sent, and both once. */
async function lives(ada: Person, ben: Person): Promise<void> {
  await ada.alive();
  await ada.connected();
  await expect(ada.composer).toHaveValue("begun");
  await expect(ada.composer).toBeFocused();
  await ben.post("a new one");
  await expect(ada.message("a new one")).toHaveCount(1);
  await ada.composer.press("Enter");
  await ada.sent("begun");
  await ben.reads([...BODIES, "a new one", "begun"]);
}

const before: [string, () => void][] = [
  ["an address was split in three texts", hands.splitAddress],
  ["an address was hidden in a link", hands.linkAddress],
  ["a telephone number became a link", hands.linkTelephone],
  ["a translator replaced all texts", hands.translate],
  ["comments were stripped", hands.stripComments],
  ["white space stands between all tags", hands.spaceTags],
  ["an element stands before the composer's box", hands.insertBeforeBox],
  ["an element stands in the composer's box", hands.insertIntoBox],
  ["elements like ours were inserted", hands.insertTwin],
  ["an element was removed", hands.removeElement],
  ["the page was wrapped", hands.wrapPage],
  ["the page was unwrapped", hands.unwrapPage],
  ["texts were joined", hands.joinTexts],
  ["the page's data were removed", hands.forgetData],
];

for (const [what, hand] of before) {
  test(`where ${what}, the page lives`, async ({ guard, join }) => {
    guard.allow(DRAWN_ANEW);
    const { ada, ben } = await joined(join);
    const said = complaints(ada);
    await touched(ada, hand);
    await lives(ada, ben);
    await ada.reads([...BODIES, "a new one", "begun"]);
    expect(said, "it is said once").toHaveLength(1);
  });
}

const harmless: [string, () => void][] = [
  ["elements stand at the start of the body", hands.prependToBody],
  ["the body was wrapped", hands.wrapBody],
  ["every element has more attributes", hands.decorate],
];

for (const [what, hand] of harmless) {
  test(`where ${what}, the page is not drawn anew`, async ({ join }) => {
    const { ada, ben } = await joined(join);
    await touched(ada, hand);
    await lives(ada, ben);
  });
}

test("HTML rewritten by a proxy is drawn anew and logged once", async ({ guard, join, server }) => {
  guard.allow(DRAWN_ANEW);
  const { ada, ben } = await joined(join, { permissions: REWRITTEN });
  await rewrite(ada, (html) =>
    html
      .replace("kim@mail.example", '<a href="/cdn-cgi/l/email-protection">[email&#160;protected]</a>')
      .replace(/<!--.*?-->|<!>/g, ""),
  );
  for (const path of ["/r/lobby", "/r/lobby/2"]) {
    await ada.visit(path);
    await ada.reads(BODIES);
  }
  await expect.poll(() => server.metric("madang_pages_redrawn_total")).toBe(2);
  expect(server.log.match(/drew the page anew/g)).toHaveLength(1);
  await ben.post("still here");
  await expect(ada.message("still here")).toHaveCount(1);
});

test("a hydration that fails all the same is followed by a drawing", async ({ guard, join, server }) => {
  guard.allow(DRAWN_ANEW, /panicked at|unreachable/, UNOPTIMISED);
  const { ada, ben } = await joined(join, { permissions: REWRITTEN });
  const said = complaints(ada);
  // Whatever the shape, hydration is tried.
  await rewrite(ada, (html) =>
    html.replace("=== root.dataset.shape", '!== ""').replace("kim@mail.example", "<b>kim@mail.example</b>"),
  );
  const release = await holdWasm(ada);
  await ada.page.goto(`${ada.base}/r/lobby`);
  await ada.composer.pressSequentially("begun");
  release();
  await lives(ada, ben);
  expect(said).toHaveLength(1);
  expect(await server.metric("madang_sessions"), "what failed does not connect").toBe(2);
});

test("a form to edit that was touched keeps what was typed", async ({ guard, join }) => {
  guard.allow(DRAWN_ANEW);
  const ada = await join({ name: "Ada" });
  await ada.post("a tpyo");
  const seq = await ada.messages.first().getAttribute("data-seq");
  const tab = await join({ path: null });
  await tab.context.addCookies(await ada.context.cookies());
  const release = await holdWasm(tab);
  await tab.page.goto(`${tab.base}/r/lobby/${seq}/edit`);
  const field = tab.page.locator(".edit-text");
  await field.fill("a typo");
  await tab.page.evaluate(hands.stripComments);
  release();
  await tab.alive();
  await expect(field).toHaveValue("a typo");
  await field.press("Enter");
  await ada.reads(["a typo"]);
});

/** Message that leptos adds where it is built unoptimised, as `cargo leptos end-to-end` does, when its nodes are not where they were. */
const UNOPTIMISED = /A hydration error occurred while trying to hydrate|Non-fatal error at \S+tachys/;

const DISMANTLED = /this page broke, and is loaded anew/;

const dismantled: [string, () => void][] = [
  ["its comments are stripped", hands.stripComments],
  ["its rows are taken away", hands.removeRows],
  ["its rows are written anew", hands.rewriteRows],
  ["it is emptied", hands.emptyBody],
  ["its program panics", hands.panic],
];

for (const [what, hand] of dismantled) {
  test(`a page that lives recovers when ${what}`, async ({ guard, join, server }) => {
    guard.allow(DISMANTLED, /its nodes are gone|unreachable/, UNOPTIMISED);
    const { ada, ben } = await joined(join);
    await ada.visit();
    await ada.composer.pressSequentially("begun");
    await ada.page.evaluate(hand);
    await ben.post("a new one");
    await expect(ada.message("a new one")).toHaveCount(1);
    await ada.alive();
    await ada.connected();
    await expect(ada.composer).toHaveValue("begun");
    await ada.composer.press("Enter");
    await ada.sent("begun");
    await ben.reads([...BODIES, "a new one", "begun"]);
    await ada.reads([...BODIES, "a new one", "begun"]);
    expect(await server.metric("madang_pages_redrawn_total")).toBe(1);
    expect(await server.metric("madang_sessions"), "what broke is not connected").toBe(2);
  });
}

test("an edit that is being typed outlives a panic", async ({ guard, join }) => {
  guard.allow(DISMANTLED, /unreachable/);
  const ada = await join({ name: "Ada" });
  await ada.post("first words");
  await ada.composer.press("ArrowUp");
  await ada.page.locator(".edit-text").fill("other words");
  await ada.page.evaluate(hands.panic);
  await ada.page.waitForURL(/\/edit$/);
  await ada.alive();
  await expect(ada.page.locator(".edit-text")).toHaveValue("other words");
  await ada.page.locator(".edit-text").press("Enter");
  await ada.reads(["other words"]);
});

test("a page that breaks twice stays as the server made it", async ({ guard, join }) => {
  guard.allow(DISMANTLED, /unreachable/);
  const ada = await join({ name: "Ada" });
  for (const expected of [1, 2]) {
    const loaded = ada.page.waitForEvent("load");
    await ada.page.evaluate(hands.panic);
    await loaded;
    if (expected === 1) await ada.alive();
  }
  await expect(ada.page.locator(".plain-only").first()).toBeAttached();
  await ada.composer.fill("by the form");
  await ada.page.getByRole("button", { name: "Send" }).click();
  await expect(ada.message("by the form")).toBeVisible();
  await expect(ada.page.locator("html")).not.toHaveAttribute("data-alive");
});

test("browsers are asked to leave the page as it is", async ({ join }) => {
  const ada = await join({ path: null });
  const answer = await ada.page.goto(`${ada.base}/r/lobby`);
  expect(answer!.headers()["cache-control"]).toContain("no-transform");
  const meta = ada.page.locator('meta[name="format-detection"]');
  await expect(meta).toHaveAttribute("content", /telephone=no.*email=no/);
  await ada.alive();
});
