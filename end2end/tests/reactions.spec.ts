import type { Locator } from "@playwright/test";
import { isAccessible } from "../support/axe";
import type { Person } from "../support/person";
import { expect, test } from "../support/test";

/** The chips of a message, as they are read. */
const chips = (person: Person, text: string): Locator => person.message(text).locator("> .reactions > .chip");

/** Chooses an emoji among a message's actions. */
async function choose(person: Person, text: string, emoji: string): Promise<void> {
  await person.act(text, "Add a reaction");
  await person.message(text).getByRole("group").getByRole("button", { name: emoji }).click();
}

test("a reaction shows for everyone, with its count and names", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const ben = await join({ name: "Ben" });
  await ada.post("The bell is mended");
  await expect(ben.message("The bell is mended")).toBeVisible();
  await choose(ben, "The bell is mended", "🎉");
  for (const person of [ada, ben]) await expect(chips(person, "The bell is mended")).toHaveText(["🎉 1"]);
  await expect(chips(ada, "The bell is mended")).toHaveAttribute("title", "Ben");
  await expect(chips(ada, "The bell is mended")).toHaveAttribute("aria-pressed", "false");
  await expect(chips(ben, "The bell is mended")).toHaveAttribute("aria-pressed", "true");

  await chips(ada, "The bell is mended").click();
  for (const person of [ada, ben]) {
    await expect(chips(person, "The bell is mended")).toHaveText(["🎉 2"]);
    await expect(chips(person, "The bell is mended")).toHaveAttribute("aria-pressed", "true");
    await expect(chips(person, "The bell is mended")).toHaveAttribute("title", /Ben, Ada/);
  }
  await isAccessible(ada, "reactions");
  await ben.act("The bell is mended", "Add a reaction");
  await isAccessible(ben, "emoji to choose from");

  await ada.reload();
  await expect(chips(ada, "The bell is mended")).toHaveText(["🎉 2"]);
  await chips(ada, "The bell is mended").click();
  for (const person of [ada, ben]) await expect(chips(person, "The bell is mended")).toHaveText(["🎉 1"]);
});

test("reactions are given and taken back by the keyboard", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const ben = await join({ name: "Ben" });
  await ada.post("one");
  const { keyboard } = ada.page;
  await ada.log.focus();
  await keyboard.press("ArrowUp");
  await expect(ada.message("one")).toBeFocused();
  for (let stop = 0; stop < 5; stop++) await keyboard.press("Tab");
  const button = ada.message("one").getByRole("button", { name: "Add a reaction" });
  await expect(button).toBeFocused();
  await expect(button).toHaveAttribute("aria-expanded", "false");
  await keyboard.press("Enter");
  await expect(button).toHaveAttribute("aria-expanded", "true");
  await expect(ada.page.locator(":focus")).toHaveText("👍");
  await keyboard.press("Tab");
  await keyboard.press("Space");
  await expect(ada.message("one")).toBeFocused();
  await expect(chips(ben, "one")).toHaveText(["❤️ 1"]);

  await chips(ben, "one").press("Enter");
  await expect(chips(ben, "one")).toHaveText(["❤️ 2"]);
  await expect(chips(ben, "one")).toBeFocused();
  await ben.page.keyboard.press("Enter");
  await expect(chips(ada, "one")).toHaveText(["❤️ 1"]);
  await expect(chips(ben, "one")).toBeFocused();

  await keyboard.press("Tab");
  await expect(chips(ada, "one")).toBeFocused();
  await keyboard.press("Enter");
  for (const person of [ada, ben]) await expect(chips(person, "one")).toHaveCount(0);
  await expect(ada.message("one")).toBeFocused();
});

test("a deleted message loses its reactions", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const ben = await join({ name: "Ben" });
  await ada.post("gone soon");
  await choose(ada, "gone soon", "😢");
  await expect(chips(ben, "gone soon")).toHaveText(["😢 1"]);
  await ada.act("gone soon", "Delete");
  await ada.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  for (const person of [ada, ben]) {
    await expect(person.messages.locator(".gone")).toBeVisible();
    await expect(person.page.locator(".chip")).toHaveCount(0);
  }
});

test("what one reads stays where it is when a reaction comes", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const ben = await join({ name: "Ben" });
  await ada.post("first");
  await ada.post("last");
  const bottom = async () => {
    const [log, row] = [await ada.log.boundingBox(), await ada.message("last").boundingBox()];
    return log!.y + log!.height - (row!.y + row!.height);
  };
  const before = await bottom();
  const height = (await ada.message("last").boundingBox())!.height;
  await ada.act("last", "Add a reaction");
  expect((await ada.message("last").boundingBox())!.height).toBe(height);
  await choose(ben, "last", "👍");
  await expect(chips(ada, "last")).toHaveText(["👍 1"]);
  expect(await bottom()).toBeCloseTo(before, 0);
});

test("Korean pages name reactions in Korean", async ({ join }) => {
  const ada = await join({ name: "Ada", locale: "ko-KR" });
  await ada.post("안녕");
  await ada.act("안녕", "반응 달기");
  await ada.message("안녕").getByRole("group").getByRole("button", { name: "😂" }).click();
  await expect(chips(ada, "안녕")).toHaveText(["😂 1"]);
});

test("the page of a message offers reactions among its actions alone", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.post("one");
  const seq = await ada.message("one").getAttribute("data-seq");
  await ada.visit(`/r/lobby/${seq}`);
  const below = ada.message("one").locator("> .reactions");
  await expect(below).toHaveCount(1);
  await expect(below).toBeHidden();
  await choose(ada, "one", "🎉");
  await expect(below.getByRole("button")).toHaveText(["🎉 1", ""]);
});
