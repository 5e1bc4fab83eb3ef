import type { Person } from "../support/person";
import { expect, test, UNLIMITED } from "../support/test";

/** More than twice what a page keeps. */
const MANY = 600;
/** The window of 200, and dividers. */
const MOST_ROWS = 205;

const told = Array.from({ length: MANY }, (_, at) => `story ${at + 1}${at % 7 ? "" : "\nwith a second line"}`);

test.use({ limits: UNLIMITED });

const rowCount = (person: Person) => person.log.locator(".rows > *").count();
const first = (person: Person) => person.messages.first().getAttribute("data-seq").then(Number);
const last = (person: Person) => person.messages.last().getAttribute("data-seq").then(Number);

/** Turns the wheel over the log until `there`, and watches that rows never pile up. */
async function wheel(person: Person, step: number, there: () => Promise<boolean>): Promise<number> {
  let most = 0;
  await person.log.hover();
  await expect
    .poll(
      async () => {
        await person.page.mouse.wheel(0, step);
        most = Math.max(most, await rowCount(person));
        return there();
      },
      { timeout: 60_000, intervals: [50] },
    )
    .toBe(true);
  return most;
}

/** Where a row stands below the top of the log. */
const standing = (person: Person, seq: number) =>
  person.log.evaluate((log, seq) => {
    const row = log.querySelector(`[data-seq="${seq}"]`);
    return row ? row.getBoundingClientRect().top - log.getBoundingClientRect().top : Number.NaN;
  }, seq);

/** The topmost row in view. */
const topmost = (person: Person) =>
  person.log.evaluate((log) => {
    const top = log.getBoundingClientRect().top;
    const rows = [...log.querySelectorAll(".message")];
    return Number(rows.find((row) => row.getBoundingClientRect().top >= top)?.getAttribute("data-seq"));
  });

const hasNewest = (person: Person, text: string) => expect(person.message(text)).toBeInViewport();

test("scrolling reaches the first message and back with bounded rows", async ({ join, wire }) => {
  await (await wire("Ada")).postAll("lobby", told);
  const ben = await join({ name: "Ben" });
  await hasNewest(ben, "story 600");
  await expect(ben.messages).toHaveCount(50);
  const beginning = ben.page.getByText("This is where it all began.");
  let most = await wheel(ben, -1_500, () => beginning.isVisible());
  await expect(ben.messages.first()).toContainText("story 1");
  most = Math.max(most, await wheel(ben, 1_500, () => ben.message("story 600").isVisible()));
  console.log(`    most rows on the page while scrolling over ${MANY} messages: ${most}`);
  expect(most).toBeLessThanOrEqual(MOST_ROWS);
  const seqs = await ben.messages.evaluateAll((rows) => rows.map((row) => Number(row.getAttribute("data-seq"))));
  expect(seqs).toEqual(seqs.map((_, at) => seqs[0]! + at));
});

test("the visible row keeps its place when older ones load", async ({ join, wire }) => {
  await (await wire("Ada")).postAll("lobby", told);
  const ben = await join();
  await hasNewest(ben, "story 600");
  for (let turn = 0; turn < 3; turn++) {
    const oldest = await first(ben);
    await ben.log.evaluate((log) => log.scrollBy({ top: -log.clientHeight * 3, behavior: "instant" }));
    const eyed = await topmost(ben);
    const before = await standing(ben, eyed);
    await expect.poll(() => first(ben)).toBeLessThan(oldest);
    expect(Math.abs((await standing(ben, eyed)) - before), `row ${eyed}`).toBeLessThanOrEqual(2);
  }
});

test("new messages are counted and do not move a scrolled-up reader", async ({ join, wire }) => {
  const ada = await wire("Ada");
  await ada.postAll("lobby", told.slice(0, 120));
  const ben = await join({ name: "Ben" });
  await hasNewest(ben, "story 120");
  await ben.log.hover();
  await ben.page.mouse.wheel(0, -900);
  const jump = ben.page.locator(".jump");
  await expect(jump).toHaveText("Jump to the latest");
  const eyed = await topmost(ben);
  const before = await standing(ben, eyed);
  for (const body of ["news 1", "news 2", "news 3"]) await ada.post("lobby", body);
  await expect(jump).toHaveText("3 new messages");
  expect(Math.abs((await standing(ben, eyed)) - before)).toBeLessThanOrEqual(2);
  // Nobody has seen them yet.
  await expect(ben.page).toHaveTitle("(3) Lobby · Madang");
  await jump.click();
  await hasNewest(ben, "news 3");
  await expect(jump).toHaveCount(0);
  await expect(ben.page).toHaveTitle("Lobby · Madang");
});

test("a reader near the bottom follows, with a composer of any height", async ({ join, wire }) => {
  const ada = await wire("Ada");
  await ada.postAll("lobby", told.slice(0, 60));
  const ben = await join();
  await hasNewest(ben, "story 60");
  await ben.log.evaluate((log) => log.scrollBy({ top: -40, behavior: "instant" }));
  await ada.post("lobby", "news 1");
  await hasNewest(ben, "news 1");
  await ben.composer.fill("one\ntwo\nthree\nfour\nfive");
  await hasNewest(ben, "news 1");
  await ada.postAll("lobby", ["news 2", "news 3\nwith\nfour\nlines"]);
  await hasNewest(ben, "news 3");
});

test("writing leads back to the newest message", async ({ join, wire }) => {
  await (await wire("Ada")).postAll("lobby", told.slice(0, 120));
  const ben = await join();
  await hasNewest(ben, "story 120");
  await ben.log.hover();
  await ben.page.mouse.wheel(0, -900);
  await expect(ben.page.locator(".jump")).toBeVisible();
  await ben.say("here I am");
  await hasNewest(ben, "here I am");
});

test("from far back, the latest is one press away", async ({ join, wire }) => {
  const ada = await wire("Ada");
  await ada.postAll("lobby", told);
  const ben = await join({ path: "/r/lobby/100" });
  await ada.post("lobby", "the very latest");
  await ben.page.locator(".jump").click();
  await hasNewest(ben, "the very latest");
  await expect.poll(() => last(ben)).toBe(MANY + 2);
});

test("a permanent link shows its message in the middle of its time", async ({ join, wire }) => {
  await (await wire("Ada")).postAll("lobby", told);
  const ben = await join({ path: "/r/lobby/300" });
  const focused = ben.log.locator(".focused");
  await expect(focused).toHaveCount(1);
  await expect(focused).toContainText("story 299");
  await expect(focused).toBeInViewport();
  await wheel(ben, -1_500, async () => (await first(ben)) < 250);
  await wheel(ben, 1_500, () => ben.message("story 600").isVisible());
});

test("a permanent link holds for an early typist", async ({ join, wire }) => {
  await (await wire("Ada")).postAll("lobby", told);
  const ben = await join({ path: null });
  // The browser takes nobody to a row while something else has the focus: the page opens at its bottom.
  await ben.page.addInitScript(() =>
    addEventListener("DOMContentLoaded", () => document.querySelector("textarea")?.focus()),
  );
  await ben.visit("/r/lobby/300");
  const focused = ben.log.locator(".focused");
  await expect(focused).toContainText("story 299");
  await expect(focused).toBeInViewport();
  await expect(ben.page.locator("textarea").first()).toBeFocused();
});

test("the view stays while newer messages join an older stretch", async ({ join, wire }) => {
  await (await wire("Ada")).postAll("lobby", told);
  const ben = await join({ path: "/r/lobby/100" });
  await expect(ben.log.locator(".focused")).toBeInViewport();
  const end = await last(ben);
  await ben.log.evaluate((log) => log.scrollTo(0, 0));
  await expect.poll(() => last(ben)).toBeGreaterThan(end);
  await expect(ben.log.locator(`[data-seq="${end}"]`)).toBeInViewport();
  expect(await last(ben)).toBeLessThan(MANY / 2);
});

test("a message's time is its permanent link, without a page load", async ({ join, wire }) => {
  await (await wire("Ada")).postAll("lobby", told.slice(0, 30));
  const ben = await join();
  await ben.page.evaluate(() => Object.assign(window, { samePage: true }));
  await ben.message("story 29").locator(".stamp").click();
  await expect(ben.page).toHaveURL(/\/r\/lobby\/30$/);
  await expect(ben.log.locator(".focused")).toContainText("story 29");
  expect(await ben.page.evaluate(() => "samePage" in window)).toBe(true);
});
