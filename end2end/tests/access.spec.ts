import { isAccessible } from "../support/axe";
import { expect, test } from "../support/test";

const looks = (["en-US", "ko-KR"] as const).flatMap((locale) =>
  (["light", "dark"] as const).map((colorScheme) => ({ locale, colorScheme })),
);

for (const look of looks) {
  test(`every screen is accessible (${look.locale}, ${look.colorScheme})`, async ({ guard, gate, join, wire }) => {
    // A dozen screens, each looked at by axe: a third of the usual limit on a quiet machine.
    test.slow();
    guard.allow(/404/);
    guard.allowLostConnections();
    const ben = await wire("Ben");
    const ada = await join({ ...look, name: "Ada", through: gate });
    await isAccessible(ada, "an empty room");

    const asked = await ben.post("lobby", "Did you see https://example.org/ today?\nI liked it.");
    await ben.post("lobby", "이 링크 보셨어요?", asked);
    const taken = await ben.post("lobby", "a slip");
    await ben.delete("lobby", taken);
    await ada.post("I did");
    await ada.reload();
    await ada.connected();
    await isAccessible(ada, "a room");

    const garden = await ben.open("Garden");
    await ben.post(garden, "unread");
    await expect(ada.room("Garden").locator(".badge")).toBeVisible();
    await ada.page.locator(".new-room summary").click();
    await ada.message("I did").hover();
    await expect(ada.message("I did").getByRole("group")).toBeVisible();
    await isAccessible(ada, "unread messages, the form for a room, and a message's actions");

    await ada.openSettings();
    await isAccessible(ada, "the settings");
    await ada.page.keyboard.press("Escape");

    await ada.composer.press("ArrowUp");
    await expect(ada.page.locator(".edit-text")).toBeFocused();
    await isAccessible(ada, "a message that is edited");
    await ada.page.keyboard.press("Escape");

    await ada.message("I did").hover();
    await ada.message("I did").locator(".tool.danger").click();
    await expect(ada.page.locator("dialog[open]")).toBeVisible();
    await isAccessible(ada, "the question before a deletion");
    await ada.page.keyboard.press("Escape");

    await ada.page.setViewportSize({ width: 900, height: 700 });
    await ada.page.locator(".here-button").click();
    await expect(ada.page.locator("#people")).toBeVisible();
    await isAccessible(ada, "the people, over a narrow page");
    await ada.page.keyboard.press("Escape");

    gate.close();
    await ada.say("waits");
    await expect(ada.connection.getByRole("button")).toBeVisible();
    await isAccessible(ada, "a lost connection, and a message that waits");
    gate.open();

    await ada.page.goto(`${ada.base}/r/nowhere`);
    await ada.alive();
    await isAccessible(ada, "no such room");
  });
}
