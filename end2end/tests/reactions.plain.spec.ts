import { expect, test } from "../support/test";

test("reactions are given and taken back without a script", async ({ join, wire }) => {
  const [seq] = await (await wire("Ben")).postAll("lobby", ["The gate was open"]);
  const ada = await join({ name: "Ada" });
  const row = ada.message("The gate was open");
  const chips = row.locator(".chip");
  await expect(chips).toHaveCount(0);
  await row.locator(".stamp").click();
  await expect(ada.page).toHaveURL(new RegExp(`/r/lobby/${seq}$`));
  await expect(chips).toHaveText(["👍", "❤️", "😂", "🎉", "😮", "😢"]);
  await chips.filter({ hasText: "🎉" }).click();
  await expect(ada.page).toHaveURL(/\/r\/lobby$/);
  await expect(chips).toHaveText(["🎉 1"]);
  await expect(chips).toHaveAttribute("aria-pressed", "true");
  await expect(chips).toHaveAttribute("title", /Ada/);
  await chips.click();
  await expect(row).toBeVisible();
  await expect(chips).toHaveCount(0);
});
