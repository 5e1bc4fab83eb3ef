import type { Person } from "../support/person";
import { expect, test } from "../support/test";

/** A letter with so many marks heaped on it, above and below. */
const heaped = (letter: string, marks: number) =>
  letter + Array.from({ length: marks }, (_, at) => String.fromCodePoint(at % 2 ? 0x0323 : 0x0301)).join("");

const ZALGO = Array.from("zalgo text", (letter) => (letter === " " ? letter : heaped(letter, 60))).join("");

const LONG = Array.from({ length: 60 }, (_, at) => `line ${at + 1}`).join("\n");

const phone = { hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } };

const height = async (person: Person, text: string) => (await person.message(text).locator(".text").boundingBox())!.height;

for (const [device, options] of [["desktop", {}], ["phone", phone]] as const) {
  test(`heaped marks do not cover the neighbours (${device})`, async ({ join, wire }) => {
    const ben = await wire("Ben");
    await ben.post("lobby", "the line before");
    const heap = await ben.post("lobby", ZALGO);
    await ben.post("lobby", "the line after");
    const ada = await join(options);
    const pictures = async () => {
      const rows = [ada.message("the line before"), ada.message("the line after")];
      return Promise.all(rows.map(async (row) => (await row.locator(".text").screenshot({ animations: "disabled" })).toString("base64")));
    };
    const beside = await pictures();
    const text = ada.messages.nth(1).locator(".text");
    await ben.edit("lobby", heap, "plain text");
    await expect(text).toContainText("plain text");
    expect(await pictures(), "not a pixel of the neighbours is another without the marks").toEqual(beside);
  });

  test(`a long message folds and unfolds (${device})`, async ({ join }) => {
    const ada = await join(options);
    await ada.say(LONG);
    await ada.sent("line 60");
    await ada.post("short");
    const folded = await height(ada, "line 60");
    const line = await height(ada, "short");
    expect(folded).toBeLessThan(line * 24);
    const box = ada.message("line 60").getByRole("checkbox", { name: "Show all" });
    if (device === "phone") await ada.message("line 60").locator(".unfold").tap();
    else await ada.message("line 60").locator(".unfold").click();
    await expect(box).toBeChecked();
    expect(await height(ada, "line 60")).toBeGreaterThan(line * 50);
    await box.uncheck({ force: true });
    expect(await height(ada, "line 60")).toBe(folded);
  });
}

test("a long message unfolds by the keyboard", async ({ join }) => {
  const ada = await join();
  await ada.say(LONG);
  await ada.sent("line 60");
  const folded = await height(ada, "line 60");
  const box = ada.message("line 60").getByRole("checkbox", { name: "Show all" });
  await box.focus();
  await expect(box).toBeFocused();
  await ada.page.keyboard.press("Space");
  await expect(box).toBeChecked();
  expect(await height(ada, "line 60")).toBeGreaterThan(2 * folded);
});

for (const [locale, all, less] of [["en-US", "Show all", "Show less"], ["ko-KR", "모두 보기", "접기"]] as const) {
  test(`the fold is a control of words alone (${locale})`, async ({ join }) => {
    const ada = await join({ locale });
    await ada.say(LONG);
    await ada.sent("line 60");
    await ada.composer.focus();
    const row = ada.message("line 60");
    const unfold = row.locator(".unfold");
    const box = row.getByRole("checkbox", { name: all });
    const words = () =>
      unfold.locator("span").evaluateAll((all) => all.filter((span) => getComputedStyle(span).clipPath === "none").map((span) => span.textContent));
    // The browser's own box is not seen, and lies where the words are: pressing it is pressing them.
    await expect(box).toHaveCSS("opacity", "0");
    expect(await box.boundingBox()).toEqual(await unfold.boundingBox());
    expect(await words()).toEqual([all]);
    await expect(unfold).toHaveCSS("box-shadow", "none");

    // Shift+Tab from the box where one writes leads to it, and Tab back: a ring shows it.
    await box.focus();
    await ada.page.keyboard.press("Tab");
    await ada.page.keyboard.press("Shift+Tab");
    await expect(box).toBeFocused();
    await expect(unfold).not.toHaveCSS("box-shadow", "none");
    await expect(unfold).toBeInViewport({ ratio: 1 });
    await ada.page.keyboard.press("Space");
    expect(await words()).toEqual([less]);
    await expect(box).toBeChecked();
    await ada.page.keyboard.press("Space");
    expect(await words()).toEqual([all]);
  });
}

test("a finger finds the fold", async ({ join }) => {
  const ada = await join(phone);
  await ada.say(LONG);
  await ada.sent("line 60");
  const { width, height } = (await ada.message("line 60").locator(".unfold").boundingBox())!;
  expect(Math.min(width, height)).toBeGreaterThanOrEqual(44);
});

test("a long message is shown whole by its permanent link", async ({ join }) => {
  const ada = await join();
  await ada.say(LONG);
  await ada.sent("line 60");
  const folded = await height(ada, "line 60");
  const seq = await ada.message("line 60").getAttribute("data-seq");
  await ada.visit(`/r/lobby/${seq}`);
  expect(await height(ada, "line 60")).toBeGreaterThan(2 * folded);
});

test("a quote begins at the first line with a mark", async ({ join, wire }) => {
  const ben = await wire("Ben");
  const bodies: [string, string][] = [
    ["\u2800\n\u3164\n  seen at last\nmore", "seen at last"],
    ["```rust\nfn main() {}\n```", "fn main() {}"],
    ["~~~\n\n코드\n~~~", "코드"],
    ["\n\n👍", "👍"],
  ];
  for (const [at, [body]] of bodies.entries()) await ben.post("lobby", `answer ${at}`, await ben.post("lobby", body));
  const ada = await join();
  for (const [at, [, quote]] of bodies.entries()) await expect(ada.message(`answer ${at}`).locator(".quote-text")).toHaveText(quote);
});
