import { KoreanKeyboard } from "../support/keyboard";
import { expect, test } from "../support/test";

const HELLO = [
  ["ㅇ", "아", "안"],
  ["ㄴ", "녀", "녕"],
];

test("Enter sends, Shift+Enter breaks the line", async ({ join }) => {
  const ada = await join();
  await ada.composer.pressSequentially("one");
  await ada.composer.press("Shift+Enter");
  await ada.composer.pressSequentially("two");
  await expect(ada.composer).toHaveValue("one\ntwo");
  await expect(ada.messages).toHaveCount(0);
  await ada.composer.press("Enter");
  await ada.reads(["one\ntwo"]);
  await expect(ada.composer).toHaveValue("");
});

for (const press of ["enter", "enterTwiceReported"] as const) {
  test(`one press of Enter is one whole Korean message (${press})`, async ({ join }) => {
    const ada = await join();
    const ben = await join();
    await ada.composer.focus();
    const keyboard = await KoreanKeyboard.of(ada);
    for (const count of [1, 2, 3]) {
      await keyboard.compose(...HELLO);
      await expect(ada.composer).toHaveValue("안녕");
      await keyboard[press]("녕");
      await ben.reads(Array<string>(count).fill("안녕"));
      await expect(ada.composer).toHaveValue("");
    }
    await ada.reads(["안녕", "안녕", "안녕"]);
    await ben.reload();
    await ben.reads(["안녕", "안녕", "안녕"]);
  });
}

test("a Korean message is whole when the button sends it", async ({ join }) => {
  const ada = await join();
  await ada.composer.focus();
  await (await KoreanKeyboard.of(ada)).compose(...HELLO);
  await ada.page.getByRole("button", { name: "Send" }).click();
  await ada.reads(["안녕"]);
  await expect(ada.composer).toHaveValue("");
});

test("one press of Enter saves a message that is edited in Korean", async ({ join }) => {
  const ada = await join();
  await ada.post("처음: ");
  await ada.composer.press("ArrowUp");
  const field = ada.page.getByRole("textbox", { name: "Edit the message" });
  await expect(field).toBeFocused();
  const keyboard = await KoreanKeyboard.of(ada);
  await keyboard.compose(...HELLO);
  await keyboard.enterTwiceReported("녕");
  await expect(field).toHaveCount(0);
  await expect(ada.messages).toHaveCount(1);
  await expect(ada.message("안녕").locator(".edited")).toBeVisible();
  await expect(ada.composer).toHaveValue("");
});

test("an Enter that picks Japanese characters sends nothing yet", async ({ join }) => {
  const ada = await join();
  await ada.composer.focus();
  const keyboard = await KoreanKeyboard.of(ada);
  await keyboard.compose(["k", "か", "かな"]);
  await keyboard.enter("仮名");
  await expect(ada.composer).toHaveValue("仮名");
  await expect(ada.messages).toHaveCount(0);
  await ada.composer.press("Enter");
  await ada.reads(["仮名"]);
});

test("↑ in the empty box edits the last message of one's own", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const ben = await join({ name: "Ben" });
  await ada.post("mine, eariler");
  await ben.post("not mine");
  await expect(ada.message("not mine")).toBeVisible();
  await ada.composer.fill("unsent");
  await ada.composer.press("ArrowUp");
  await expect(ada.page.locator(".edit-form, form.edit")).toHaveCount(0);
  await ada.composer.fill("");
  await ada.composer.press("ArrowUp");
  const field = ada.page.getByRole("textbox", { name: "Edit the message" });
  await expect(field).toHaveValue("mine, eariler");
  await field.press("Escape");
  await expect(field).toHaveCount(0);
  await expect(ada.composer).toBeFocused();
  await ada.composer.press("ArrowUp");
  await field.fill("mine, earlier");
  await field.press("Enter");
  await ben.reads(["mine, earlier", "not mine"]);
});

test("the keyboard alone reaches everything", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  for (const body of ["one", "two", "three"]) await ada.post(body);
  await ada.reload();
  const { keyboard } = ada.page;
  const focused = ada.page.locator(":focus");

  // The first stop is a way past everything.
  await keyboard.press("Tab");
  await expect(focused).toHaveText("Skip to writing a message");
  await expect(focused).toBeInViewport();
  await keyboard.press("Enter");
  await expect(ada.composer).toBeFocused();

  // The log is one stop, whatever it holds, and arrows walk within it.
  await ada.log.focus();
  await keyboard.press("ArrowUp");
  await expect(focused).toContainText("three");
  await keyboard.press("Home");
  await expect(focused).toContainText("one");
  await keyboard.press("ArrowDown");
  await expect(focused).toContainText("two");
  await keyboard.press("ArrowUp");
  await keyboard.press("ArrowUp");
  await expect(focused).toContainText("one");
  await keyboard.press("End");
  await expect(focused).toContainText("three");

  // The actions of the message follow it.
  await keyboard.press("Tab");
  await expect(focused).toHaveAttribute("aria-label", "Reply");
  await keyboard.press("Tab");
  await keyboard.press("Tab");
  await expect(focused).toHaveAttribute("aria-label", "Edit");
  await keyboard.press("Tab");
  await expect(focused).toHaveAttribute("aria-label", "Delete");
  await keyboard.press("Enter");
  const question = ada.page.getByRole("dialog", { name: "Delete this message?" });
  await expect(question).toBeVisible();
  await keyboard.press("Escape");
  await expect(question).toBeHidden();
});

test("every stop of the Tab key can be seen and has a name", async ({ join }) => {
  const ada = await join({ name: "Ada", reducedMotion: "reduce" });
  await ada.post("one");
  await ada.reload();
  await ada.connected();
  const names: string[] = [];
  for (let stop = 0; stop < 25; stop++) {
    await ada.page.keyboard.press("Tab");
    const found = await ada.page.evaluate(stopOfTab);
    if (!found) break;
    const where = `stop ${names.length}: ${found.name || `nameless, after ${names.at(-1)}`}`;
    expect(found, where).toMatchObject({ large: true, marked: true, name: expect.stringMatching(/./) });
    names.push(found.name);
  }
  expect(names).toEqual(expect.arrayContaining(["Skip to writing a message", "Lobby", "Message to Lobby", "Send"]));
});

/** Returns the focused element, and whether its focus is visible. Runs in the browser. */
function stopOfTab() {
  const element = document.activeElement;
  if (!(element instanceof HTMLElement) || element === document.body) return null;
  const look = () => {
    const boxes = [element, element.parentElement, element.parentElement?.parentElement];
    return boxes.map((box) => {
      if (!box) return "";
      const { boxShadow, outline, borderColor, transform } = getComputedStyle(box);
      return [boxShadow, outline, borderColor, transform].join();
    });
  };
  const focused = look().join();
  const { width, height } = element.getBoundingClientRect();
  const labels = (element as HTMLInputElement).labels ?? [];
  const name = element.getAttribute("aria-label") ?? (element.textContent || labels[0]?.textContent || "");
  element.blur();
  const marked = look().join() !== focused;
  element.focus();
  return { name: name.trim(), large: width > 4 && height > 4, marked };
}
