import type { Locator } from "@playwright/test";
import { isAccessible } from "../support/axe";
import { KoreanKeyboard } from "../support/keyboard";
import type { Person } from "../support/person";
import { expect, test } from "../support/test";

/** The part of the page that has the picker. */
const PART = /\/parts\/.*picker/;

/** The chips of a message, as they are read. */
const chips = (person: Person, text: string): Locator => person.message(text).locator("> .reactions > .chip");
// By attributes: among two thousand options, roles and names take a busy machine long to work out.
const picker = (person: Person): Locator => person.page.locator("dialog.picker");
const search = (person: Person): Locator => picker(person).locator("[role=combobox]");
const options = (person: Person, group = ""): Locator => picker(person).locator(`[role=listbox] [role=group]${group} > [role=option]`);
const selected = (person: Person): Locator => picker(person).locator("[aria-selected=true]");
const named = (name: string) => `[aria-label="${name}"]`;

/** Opens the picker among a message's actions. */
async function open(person: Person, text: string, react = "Add a reaction", more = "More emoji"): Promise<void> {
  await person.act(text, react);
  await person.message(text).getByRole("group").getByRole("button", { name: more }).click();
  await expect(search(person)).toBeFocused();
}

test("an emoji is found by English and Korean words and chosen by the mouse", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const ben = await join({ name: "Ben", locale: "ko-KR" });
  await ada.post("The well is clean");
  await open(ada, "The well is clean");
  await search(ada).fill("Heart");
  await expect(options(ada).first()).toHaveText("❤️");
  await search(ada).fill("하트");
  await expect(options(ada).first()).toHaveAccessibleName("red heart");
  await search(ada).fill("하트".normalize("NFD"));
  await expect(options(ada).first()).toHaveText("❤️");
  await search(ada).fill("purple heart");
  await expect(options(ada)).toHaveText(["💜", "💟"]);
  await expect(picker(ada).locator("[role=status]")).toHaveText("2 emoji found");
  await options(ada).first().click();
  await expect(picker(ada)).toHaveCount(0);
  await expect(ada.message("The well is clean")).toBeFocused();
  for (const person of [ada, ben]) await expect(chips(person, "The well is clean")).toHaveText(["💜 1"]);

  await ben.message("The well is clean").getByRole("button", { name: "이모지 더 보기" }).click();
  await expect(picker(ben)).toHaveAccessibleName("이모지 고르기");
  await search(ben).fill("웃");
  await expect(options(ben).filter({ hasText: "😀" })).toHaveAccessibleName("활짝 웃는 얼굴");
  await search(ben).fill("보라 하트");
  await options(ben).first().click();
  for (const person of [ada, ben]) await expect(chips(person, "The well is clean")).toHaveText(["💜 2"]);
  await expect(ben.message("The well is clean").getByRole("button", { name: "이모지 더 보기" })).toBeFocused();
});

test("the picker works by the keyboard and returns the focus", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const { keyboard } = ada.page;
  await ada.post("one");
  await ada.log.focus();
  await keyboard.press("ArrowUp");
  for (let stop = 0; stop < 5; stop++) await keyboard.press("Tab");
  await keyboard.press("Enter");
  await expect(ada.page.locator(":focus")).toHaveText("👍");
  for (let stop = 0; stop < 6; stop++) await keyboard.press("Tab");
  const more = ada.message("one").getByRole("button", { name: "More emoji" });
  await expect(more).toBeFocused();
  await keyboard.press("Enter");
  await expect(search(ada)).toBeFocused();
  await keyboard.press("Escape");
  await expect(picker(ada)).toHaveCount(0);
  await expect(more).toBeFocused();

  await keyboard.press("Enter");
  await expect(search(ada)).toBeFocused();
  await keyboard.press("Enter");
  await expect(picker(ada), "nothing is chosen that nobody pointed at").toBeVisible();
  await keyboard.press("ArrowDown");
  await expect(selected(ada)).toHaveText("😀");
  await expect(search(ada)).toHaveAttribute("aria-activedescendant", "pick-0");
  await keyboard.press("ArrowRight");
  await expect(selected(ada)).toHaveText("😃");
  await keyboard.press("ArrowDown");
  const [above, below] = [await options(ada).nth(1).boundingBox(), await selected(ada).boundingBox()];
  expect(below!.x).toBeCloseTo(above!.x, 0);
  expect(below!.y).toBeGreaterThan(above!.y);
  for (let row = 0; row < 30; row++) await keyboard.press("ArrowDown");
  await expect(selected(ada)).toBeInViewport();
  await keyboard.type("rocket");
  await expect(selected(ada)).toHaveText("🚀");
  await keyboard.press("Enter");
  await expect(picker(ada)).toHaveCount(0);
  await expect(chips(ada, "one")).toHaveText(["🚀 1"]);
  await expect(ada.message("one")).toBeFocused();
});

test("the chosen emoji stays chosen while the others are drawn", async ({ join }) => {
  const ada = await join({ name: "Ada", path: null });
  await ada.page.clock.install();
  await ada.visit();
  await ada.post("one");
  await ada.page.clock.pauseAt(await ada.page.evaluate(() => Date.now() + 100));
  await open(ada, "one");
  await expect(options(ada), "the first are there, the others wait for the clock").toHaveCount(64);
  for (const arrow of ["ArrowDown", "ArrowRight"]) await ada.page.keyboard.press(arrow);
  await expect(selected(ada)).toHaveText("😃");
  await ada.page.clock.runFor(100);
  await expect.poll(() => options(ada).count()).toBeGreaterThan(64);
  await expect(selected(ada)).toHaveText("😃");
  await ada.page.clock.resume();
  await ada.page.keyboard.press("Enter");
  await expect(chips(ada, "one")).toHaveText(["😃 1"]);
});

for (const press of ["enter", "enterTwiceReported"] as const) {
  test(`a Korean word is one composition and one choice (${press})`, async ({ join }) => {
    const ada = await join({ locale: "ko-KR" });
    await ada.post("안녕");
    await open(ada, "안녕", "반응 달기", "이모지 더 보기");
    const keyboard = await KoreanKeyboard.of(ada);
    await keyboard.compose(["ㅎ", "하", "핱"]);
    await expect(options(ada).first(), "the last letter may begin the next syllable").toBeVisible();
    await ada.page.keyboard.press("Backspace");
    await search(ada).fill("");
    await keyboard.compose(["ㅎ", "하"], ["ㅌ", "트"]);
    await expect(options(ada).first()).toHaveText("❤️");
    await expect(picker(ada), "composing chooses nothing").toBeVisible();
    await keyboard[press]("트");
    await expect(picker(ada)).toHaveCount(0);
    await expect(chips(ada, "안녕")).toHaveText(["❤️ 1"]);
  });
}

test("Escape that ends a composition closes nothing", async ({ join }) => {
  const ada = await join({ locale: "ko-KR" });
  await ada.post("안녕");
  await open(ada, "안녕", "반응 달기", "이모지 더 보기");
  const devtools = await ada.context.newCDPSession(ada.page);
  await (await KoreanKeyboard.of(ada)).compose(["ㅎ", "하"]);
  const key = { code: "Escape", key: "Escape", windowsVirtualKeyCode: 229 };
  await devtools.send("Input.dispatchKeyEvent", { type: "rawKeyDown", ...key });
  await devtools.send("Input.dispatchKeyEvent", { type: "keyUp", ...key });
  await expect(picker(ada)).toBeVisible();
  await (await KoreanKeyboard.of(ada)).commit("하");
  await ada.page.keyboard.press("Escape");
  await expect(picker(ada)).toHaveCount(0);
});

test("emoji that were used last come first, and are taken back", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.post("one");
  await open(ada, "one");
  await search(ada).fill("rocket");
  await options(ada).first().click();
  await expect(chips(ada, "one")).toHaveText(["🚀 1"]);
  await ada.reload();
  await ada.connected();
  await ada.message("one").getByRole("button", { name: "More emoji" }).click();
  const recent = options(ada, named("Recently used"));
  await expect(recent).toHaveText(["🚀"]);
  await recent.click();
  await expect(chips(ada, "one")).toHaveCount(0);
});

test("groups are reached by their buttons", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.post("one");
  await open(ada, "one");
  await search(ada).fill("rocket");
  for (const group of ["Flags", "Animals and nature"]) {
    await picker(ada).locator(`button${named(group)}`).click();
    await expect(search(ada)).toHaveValue("");
    await expect(options(ada, named(group)).first()).toBeInViewport();
  }
});

test("a result of nothing says so, and a press beside the picker closes it", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.post("one");
  await open(ada, "one");
  await search(ada).fill("xyzzy");
  await expect(options(ada)).toHaveCount(0);
  await expect(picker(ada).locator("[role=status]")).toHaveText(/^No emoji found/);
  await isAccessible(ada, "nothing found");
  await ada.page.mouse.click(5, 5);
  await expect(picker(ada)).toHaveCount(0);
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`everyone can use the picker (${colorScheme})`, async ({ join }) => {
    const ada = await join({ name: "Ada", colorScheme });
    await ada.post("one");
    await open(ada, "one");
    // All are alike, and each takes the check its time.
    await options(ada).evaluateAll((options) => options.slice(20).forEach((option) => option.parentElement!.children.length > 3 && option.remove()));
    await isAccessible(ada, "the picker");
    await search(ada).fill("heart");
    await expect(selected(ada)).toHaveText("❤️");
    await isAccessible(ada, "results");
  });
}

test("the picker is fetched once actions are shown, and opens soon then", { tag: "@parts" }, async ({ join }) => {
  const ada = await join({ name: "Ada", path: null });
  const asked: string[] = [];
  ada.page.on("request", (request) => PART.test(request.url()) && asked.push(request.url()));
  const panels = ada.page.waitForResponse(/\/parts\/.*panels/);
  await ada.visit();
  await ada.post("one");
  await panels;
  expect(asked, "nobody looked at actions yet").toEqual([]);
  const fetched = ada.page.waitForResponse(PART);
  await ada.message("one").hover();
  const size = (await (await fetched).request().sizes()).responseBodySize;
  await ada.act("one", "Add a reaction");
  const took = await ada.page.evaluate(async () => {
    const start = performance.now();
    document.querySelector<HTMLElement>(".tools .all-emoji")!.click();
    while (!document.querySelector("dialog[open].picker")) await new Promise((go) => setTimeout(go));
    await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
    return performance.now() - start;
  });
  console.log(`    the picker (${(size / 1_000).toFixed(1)} KB) was on the screen ${took.toFixed(0)} ms after the click`);
  // A tenth of a second on a machine that has nothing else to do; this one may have.
  expect(took).toBeLessThan(2_000);
  expect(asked).toHaveLength(1);
});

test("a picker that is asked for before it arrived opens then", { tag: "@parts" }, async ({ join }) => {
  let release = () => {};
  const released = new Promise<void>((go) => (release = go));
  const ada = await join({ name: "Ada", path: null });
  await ada.page.route(PART, async (route) => {
    await released;
    await route.continue();
  });
  await ada.visit();
  await ada.post("one");
  await ada.act("one", "Add a reaction");
  await ada.message("one").getByRole("group").getByRole("button", { name: "More emoji" }).click();
  await expect(picker(ada)).toHaveCount(0);
  release();
  await expect(search(ada)).toBeFocused();
  await search(ada).fill("rocket");
  await ada.page.keyboard.press("Enter");
  await expect(chips(ada, "one")).toHaveText(["🚀 1"]);
});

test("a picker that cannot load says so, and nothing breaks", { tag: "@parts" }, async ({ join, guard }) => {
  guard.allow(/ERR_CONNECTION_REFUSED|TypeError|HTTP status code is not ok/);
  const ada = await join({ name: "Ada", path: null });
  await ada.page.route(PART, (route) => route.abort("connectionrefused"));
  await ada.visit();
  await ada.post("one");
  const more = ada.message("one").getByRole("group").getByRole("button", { name: "More emoji" });
  await ada.act("one", "Add a reaction");
  await more.click();
  await expect(ada.page.locator(".toast")).toContainText("Reload the page");
  await ada.message("one").getByRole("group").getByRole("button", { name: "👍" }).click();
  await expect(chips(ada, "one")).toHaveText(["👍 1"]);
  await ada.page.unroute(PART);
  await open(ada, "one");
});

test("more kinds of reactions than a message may have are refused in words", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.post("one");
  const seq = await ada.message("one").getAttribute("data-seq");
  for (let kind = 0; kind < 20; kind++) {
    const react = String.fromCodePoint(0x1f400 + kind);
    await expect(await ada.context.request.post(`${ada.base}/r/lobby/${seq}/react`, { form: { react } })).toBeOK();
  }
  await expect(chips(ada, "one")).toHaveCount(20);
  await ada.message("one").locator("> .reactions > .all-emoji").click();
  await search(ada).fill("rocket");
  await ada.page.keyboard.press("Enter");
  await expect(ada.page.getByText("This message has as many reactions as it may have.")).toBeVisible();
  await expect(chips(ada, "one")).toHaveCount(20);
});
