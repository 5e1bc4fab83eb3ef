import { KoreanKeyboard } from "../support/keyboard";
import type { Person } from "../support/person";
import { expect, test } from "../support/test";

/** Chooses what Enter does, in the settings. */
async function choose(person: Person, choice: string, group = "The Enter key"): Promise<void> {
  const settings = await person.openSettings();
  await settings.getByRole("group", { name: group }).getByRole("radio", { name: choice, exact: true }).click();
  await person.page.keyboard.press("Escape");
  await expect(settings).toBeHidden();
}

/** A press of Enter makes a line. */
async function breaks(person: Person): Promise<void> {
  await person.composer.fill("one");
  await person.composer.press("Enter");
  await expect(person.composer).toHaveValue("one\n");
  await person.composer.fill("");
}

/** A press of Enter sends `text`. */
async function sends(person: Person, text: string, key = "Enter"): Promise<void> {
  await person.composer.fill(text);
  await person.composer.press(key);
  await person.sent(text);
  await expect(person.composer).toHaveValue("");
}

const touch = { hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } };

test("Enter breaks lines once that is chosen, at once", async ({ join }) => {
  const ada = await join();
  await sends(ada, "by itself");
  await choose(ada, "New line");
  await breaks(ada);
  await sends(ada, "with Control", "Control+Enter");
  await ada.composer.fill("by the button");
  await ada.page.getByRole("button", { name: "Send" }).click();
  await ada.sent("by the button");
  await expect.poll(async () => (await ada.context.cookies()).find((cookie) => cookie.name === "madang_enter")?.value).toBe("never");
  await ada.reload();
  await breaks(ada);
  await choose(ada, "Automatic");
  await sends(ada, "by itself again");
  await expect.poll(async () => (await ada.context.cookies()).some((cookie) => cookie.name === "madang_enter")).toBe(false);
});

test("Enter breaks lines on touch screens unless chosen otherwise", async ({ join }) => {
  const ada = await join(touch);
  await breaks(ada);
  await expect(ada.composer).toHaveAttribute("enterkeyhint", "enter");
  await ada.composer.fill("by the button");
  await ada.page.getByRole("button", { name: "Send" }).tap();
  await ada.sent("by the button");
  await ada.page.getByRole("button", { name: "Rooms" }).tap();
  await choose(ada, "Sends");
  await expect(ada.composer).toHaveAttribute("enterkeyhint", "send");
  await ada.page.keyboard.press("Escape");
  await sends(ada, "by the key");
  await ada.reload();
  await sends(ada, "by the key again");
});

for (const press of ["enter", "enterTwiceReported"] as const) {
  test(`Enter that ends a composition sends nothing where it breaks lines (${press})`, async ({ join }) => {
    const ada = await join();
    await choose(ada, "New line");
    await ada.composer.focus();
    const keyboard = await KoreanKeyboard.of(ada);
    await keyboard.compose(["ㅇ", "아", "안"], ["ㄴ", "녀", "녕"]);
    await keyboard[press]("녕");
    await expect(ada.composer).toHaveValue(press === "enter" ? "안녕" : "안녕\n");
    await ada.composer.fill("");
    await sends(ada, "끝", "Control+Enter");
    await ada.reads(["끝"]);
  });
}

test("an edit is saved by the Enter that was chosen", async ({ join }) => {
  const ada = await join({ locale: "ko-KR" });
  await ada.post("first");
  await choose(ada, "줄 바꾸기", "Enter 키");
  await ada.composer.press("ArrowUp");
  const field = ada.page.locator(".edit-text");
  await field.press("Enter");
  await expect(field).toHaveValue("first\n");
  await field.fill("second");
  await field.press("Control+Enter");
  await ada.reads(["second"]);
});
