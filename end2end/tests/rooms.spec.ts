import { expect, test } from "../support/test";

test("a room that someone opens is in everyone's list", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const ben = await join({ name: "Ben" });
  await ada.open("Weekend hikes");
  await expect(ada.page).toHaveURL(/\/r\/[a-z0-9]{12}$/);
  await expect(ada.page.getByText("The courtyard is quiet")).toBeVisible();
  await expect(ada.page).toHaveTitle("Weekend hikes · Madang");
  await ada.post("Who comes along?");
  await ben.enter("Weekend hikes");
  await ben.reads(["Who comes along?"]);
  await ben.post("I do");
  await ada.reads(["Who comes along?", "I do"]);
});

test("a room without a name is not opened", async ({ guard, join }) => {
  guard.allow(/400|422/);
  const ada = await join();
  const form = ada.page.locator(".new-room");
  await form.locator("summary").click();
  await form.getByRole("textbox").fill("   ");
  await form.getByRole("button").click();
  await expect(form.getByRole("alert")).not.toBeEmpty();
  await expect(ada.page).toHaveURL(/\/r\/lobby$/);
});

test("messages in another room are counted, new ones follow a divider", async ({ join, wire }) => {
  const ben = await join({ name: "Ben" });
  const ada = await wire("Ada");
  const room = await ada.open("Garden");
  const line = ben.room("Garden");
  await expect(line).toBeVisible();
  await line.click();
  await ben.enter("Garden");
  await ada.post(room, "old news");
  await ben.reads(["old news"]);
  await ben.enter("Lobby");
  for (const body of ["one", "two", "three"]) await ada.post(room, body);
  await expect(line.locator(".badge")).toHaveText("3");
  await expect(line).toContainText("3 unread messages");
  await expect(ben.page).toHaveTitle("(3) Lobby · Madang");

  await ben.enter("Garden");
  const divider = ben.log.locator(".new-line");
  await expect(divider).toHaveText("New");
  await expect(divider.locator("xpath=following-sibling::article[1]")).toContainText("one");
  await expect(line.locator(".badge")).toHaveCount(0);
  await expect(ben.page).toHaveTitle("Garden · Madang");
  // It stays while they read, and is gone when they come again.
  await ada.post(room, "four");
  await ben.reads(["old news", "one", "two", "three", "four"]);
  await expect(divider).toHaveCount(1);
  await ben.enter("Lobby");
  await ben.enter("Garden");
  await ben.reads(["old news", "one", "two", "three", "four"]);
  await expect(divider).toHaveCount(0);
});

test("a read marker holds across tabs and a reload", async ({ join, wire }) => {
  const ben = await join({ name: "Ben" });
  const ada = await wire("Ada");
  const room = await ada.open("Garden");
  await ben.enter("Garden");
  await ben.enter("Lobby");
  const tab = await ben.tab();
  await ada.postAll(room, ["one", "two"]);
  for (const page of [ben, tab]) await expect(page.room("Garden").locator(".badge")).toHaveText("2");
  await tab.enter("Garden");
  await expect(ben.room("Garden").locator(".badge")).toHaveCount(0);
  await ben.reload();
  await ben.connected();
  await expect(ben.room("Garden").locator(".badge")).toHaveCount(0);
});

test("one's own messages are not unread", async ({ join }) => {
  const ben = await join({ name: "Ben" });
  await ben.open("Garden");
  await ben.post("my own");
  await ben.enter("Lobby");
  await expect(ben.room("Garden")).toBeVisible();
  await ben.reload();
  await ben.connected();
  await expect(ben.room("Garden").locator(".badge")).toHaveCount(0);
});

test("back and forward lead from room to room", async ({ join }) => {
  const ada = await join();
  await ada.post("in the lobby");
  await ada.open("Garden");
  await ada.post("in the garden");
  await ada.page.goBack();
  await expect(ada.page).toHaveURL(/\/r\/lobby$/);
  await ada.reads(["in the lobby"]);
  await ada.page.goForward();
  await ada.reads(["in the garden"]);
});

test("each room keeps its own draft", async ({ join }) => {
  const ada = await join();
  await ada.open("Garden");
  await ada.composer.fill("for the garden");
  await ada.enter("Lobby");
  await expect(ada.composer).toHaveValue("");
  await ada.composer.fill("for the lobby");
  await ada.enter("Garden");
  await expect(ada.composer).toHaveValue("for the garden");
  await ada.enter("Lobby");
  await expect(ada.composer).toHaveValue("for the lobby");
});

test("a link to a room that is not there says so", async ({ guard, join }) => {
  guard.allow(/404/);
  const ada = await join({ path: null });
  const answer = await ada.page.goto(`${ada.base}/r/nowhere`);
  expect(answer?.status()).toBe(404);
  await ada.alive();
  await expect(ada.page.getByText("There is no such room").first()).toBeVisible();
});
