import { isAccessible } from "../support/axe";
import type { Person } from "../support/person";
import { expect, test, UNLIMITED } from "../support/test";

/** Minimum size of a touch target. CSS pixels. */
const FINGER = 44;

/** Everything in view that can be pressed, and is smaller than a finger. Links within a text are as high as its lines. */
const tooSmall = (person: Person) =>
  person.page.evaluate((least) => {
    const pressed = document.querySelectorAll<HTMLElement>("button, a[href], summary, input, textarea, label.option");
    return [...pressed]
      .filter((element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
      .filter((element) => !element.closest(".text, .quote, .skip, label.option > *, .stamp"))
      .map((element) => ({ element, box: element.getBoundingClientRect() }))
      .filter(({ box }) => box.width > 1 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth)
      .filter(({ box }) => Math.min(box.width, box.height) < least - 0.5)
      .map(({ element, box }) => `${element.outerHTML.slice(0, 90)} ${box.width.toFixed(0)}×${box.height.toFixed(0)}`);
  }, FINGER);

/** How far the page can be scrolled sideways, and what is cut off at a side instead. */
const overflow = (person: Person) =>
  person.page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    const cut = [...document.querySelectorAll("body :is(header, main, nav, form, button, input, textarea, article, .text, h1, h2)")]
      .filter((element) => element.checkVisibility())
      .filter((element) => {
        const { left, right } = element.getBoundingClientRect();
        return left < -0.5 || right > clientWidth + 0.5;
      });
    return [`${scrollWidth - clientWidth} px`, ...cut.map((element) => element.outerHTML.slice(0, 90))];
  });

test("the rooms are a drawer", async ({ join, wire }) => {
  const ben = await wire("Ben");
  const garden = await ben.open("Garden");
  const ada = await join({ name: "Ada" });
  await ben.post(garden, "unread");
  const drawer = ada.page.locator("#rooms");
  const menu = ada.page.getByRole("button", { name: "Rooms" });
  await expect(drawer).toBeHidden();
  await expect(menu).toHaveClass(/unread/);
  await menu.tap();
  await expect(drawer).toBeVisible();
  await expect(ada.room("Garden").locator(".badge")).toHaveText("1");
  await ada.room("Garden").tap();
  await expect(drawer).toBeHidden();
  await ada.reads(["unread"]);

  await menu.tap();
  await expect(drawer).toBeVisible();
  await ada.page.touchscreen.tap(380, 400);
  await expect(drawer).toBeHidden();
});

test("a finger finds the people and a message's actions", async ({ join, wire }) => {
  const ben = await wire("Ben");
  await ben.post("lobby", "hello");
  const ada = await join({ name: "Ada" });
  await ada.page.getByRole("button", { name: "Here now" }).tap();
  await expect(ada.page.locator("#people")).toContainText("Ada");
  await ada.page.locator("#people").getByRole("button", { name: "Close" }).tap();
  await expect(ada.page.locator("#people")).toBeHidden();

  await ada.composer.fill("mine");
  await ada.page.getByRole("button", { name: "Send" }).tap();
  await ada.sent("mine");
  // The keyboard stays: the box has the focus still.
  await expect(ada.composer).toBeFocused();
  await ada.message("mine").locator(".more").tap();
  await ada.message("mine").getByRole("button", { name: "Edit" }).tap();
  await expect(ada.page.locator(".edit-text")).toHaveValue("mine");
  await ada.page.locator(".edit-text").fill("mine, edited");
  await ada.page.getByRole("button", { name: "Save" }).first().tap();
  await ada.reads(["hello", "mine, edited"]);
});

test("everything is large enough for a finger", async ({ join, wire }) => {
  await (await wire("Ben")).postAll("lobby", ["one", "two"]);
  const ada = await join();
  await ada.post("three");
  expect(await tooSmall(ada), "a room").toEqual([]);
  await ada.message("three").locator(".more").tap();
  await expect(ada.message("three").getByRole("button", { name: "Edit" })).toBeVisible();
  expect(await tooSmall(ada), "a message's actions").toEqual([]);
  await ada.page.getByRole("button", { name: "Rooms" }).tap();
  await expect(ada.page.locator("#rooms")).toBeInViewport({ ratio: 0.9 });
  await ada.page.locator(".new-room summary").tap();
  expect(await tooSmall(ada), "the drawer").toEqual([]);
  await ada.page.locator(".you").tap();
  await expect(ada.page.locator("#settings")).toBeVisible();
  expect(await tooSmall(ada), "the settings").toEqual([]);
});

test.describe("in a busy room", () => {
  test.use({ limits: UNLIMITED });

  test("composer and newest message stay in view above a keyboard", async ({ join, wire }) => {
    await (await wire("Ben")).postAll("lobby", Array.from({ length: 60 }, (_, at) => `story ${at + 1}`));
    const ada = await join({ name: "Ada" });
    for (const size of [
      { width: 390, height: 844 },
      // Height above a keyboard: the page asks that it resizes its contents.
      { width: 390, height: 460 },
      { width: 844, height: 390 },
      { width: 844, height: 220 },
    ]) {
      await ada.page.setViewportSize(size);
      await ada.composer.tap();
      const seen = () =>
        ada.composer.evaluate((composer) => {
          const { top, bottom } = composer.getBoundingClientRect();
          const view = visualViewport!;
          return top >= view.offsetTop && bottom <= view.offsetTop + view.height;
        });
      await expect.poll(seen, { message: `${size.width}×${size.height}` }).toBe(true);
      await expect(ada.message("story 60")).toBeInViewport();
    }
  });
});

for (const width of [320, 390]) {
  test(`nothing is wider than ${width} px`, async ({ join, wire }) => {
    const ben = await wire("A person with a nickname of 40 letters,");
    await ben.post("lobby", `${"word".repeat(60)} https://example.org/${"path/".repeat(40)}`);
    await ben.open("A room with a title that is as long as titles of rooms may be, which is 80 chars");
    const ada = await join({ viewport: { width, height: 640 } });
    await ada.post("short");
    expect(await overflow(ada), "a room").toEqual(["0 px"]);
    await ada.composer.press("ArrowUp");
    expect(await overflow(ada), "an edit form").toEqual(["0 px"]);
    await ada.page.keyboard.press("Escape");
    await ada.page.getByRole("button", { name: "Rooms" }).tap();
    await ada.page.locator(".new-room summary").tap();
    expect(await overflow(ada), "the drawer").toEqual(["0 px"]);
    await ada.page.locator(".you").tap();
    expect(await overflow(ada), "the settings").toEqual(["0 px"]);
  });
}

for (const locale of ["en-US", "ko-KR"]) {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`every screen is accessible (${locale}, ${colorScheme})`, async ({ join, wire }) => {
      const ben = await wire("Ben");
      await ben.post("lobby", "hello");
      await ben.post(await ben.open("Garden"), "unread");
      const ada = await join({ locale, colorScheme });
      await isAccessible(ada, "a room");
      await ada.page.locator(".menu").tap();
      await expect(ada.page.locator("#rooms")).toBeVisible();
      await isAccessible(ada, "the drawer");
      await ada.page.locator("#rooms .drawer-close").tap();
      await ada.page.locator(".here-button").tap();
      await expect(ada.page.locator("#people")).toBeVisible();
      await isAccessible(ada, "the people");
      await ada.page.locator("#people .drawer-close").tap();
      await ada.page.locator(".welcome .button").tap();
      await expect(ada.page.locator("#settings")).toBeVisible();
      await isAccessible(ada, "the settings");
    });
  }
}
