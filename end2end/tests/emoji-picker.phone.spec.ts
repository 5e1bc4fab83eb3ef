import { isAccessible } from "../support/axe";
import { expect, test } from "../support/test";

test("the picker fits a small phone and is used by a finger", async ({ join }) => {
  const ada = await join({ name: "Ada", viewport: { width: 320, height: 640 } });
  await ada.post("one");
  const row = ada.message("one");
  await row.locator(".more").tap();
  await row.getByRole("button", { name: "Add a reaction" }).tap();
  const more = row.getByRole("group").getByRole("button", { name: "More emoji" });
  const tools = await row.locator(".tools").boundingBox();
  expect(tools!.x).toBeGreaterThanOrEqual(0);
  await more.tap();
  const picker = ada.page.locator("dialog.picker");
  await expect(picker).toBeVisible();
  await expect(picker.locator("[role=combobox]"), "no keyboard rises before it is wanted").not.toBeFocused();
  for (const target of [picker.locator("[role=option]").first(), picker.locator("button").first(), picker.locator("button[aria-label=Flags]")]) {
    const box = await target.boundingBox();
    expect(Math.min(box!.width, box!.height)).toBeGreaterThanOrEqual(44);
  }
  const wide = await ada.page.evaluate(() => document.documentElement.scrollWidth);
  expect(wide).toBeLessThanOrEqual(320);
  const dialog = await picker.boundingBox();
  expect(dialog!.x).toBeGreaterThanOrEqual(0);
  expect(dialog!.x + dialog!.width).toBeLessThanOrEqual(320);
  await picker.locator("[role=combobox]").tap();
  await picker.locator("[role=combobox]").fill("tada party");
  await isAccessible(ada, "the picker on a phone");
  await picker.locator("[role=option]").first().tap();
  await expect(row.locator("> .reactions > .chip")).toHaveText(["🎉 1"]);
});
