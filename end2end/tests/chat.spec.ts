import { measureArrivals, median } from "../support/latency";
import { expect, test } from "../support/test";

test("a message appears for another person, with its author", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const ben = await join({ name: "Ben" });
  await ada.say("Is anyone in the courtyard?");
  await expect(ben.message("Is anyone in the courtyard?").locator(".author")).toHaveText("Ada");
  await ben.say("The gate was open.");
  for (const person of [ada, ben]) {
    await person.reads(["Is anyone in the courtyard?", "The gate was open."]);
    await person.sent("The gate was open.");
  }
});

test("a message arrives sooner than a page loads", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const ben = await join({ name: "Ben" });
  const arrivals = await measureArrivals(ada, ben, 20);
  const started = performance.now();
  await ben.reload();
  const load = performance.now() - started;
  const [middle, worst] = [median(arrivals), Math.max(...arrivals)];
  console.log(
    `    Enter to the other screen: median ${middle.toFixed(1)} ms, worst ${worst.toFixed(1)} ms of ${arrivals.length}; a page alive: ${load.toFixed(0)} ms`,
  );
  expect(middle).toBeLessThan(load);
});

test("one's own message shows immediately, pending until acknowledged", async ({ gate, join }) => {
  const ada = await join({ through: gate });
  gate.hold();
  await ada.say("On its way");
  const row = ada.message("On its way");
  await expect(row).toHaveClass(/pending/);
  await expect(row.locator(".status")).toHaveText("Sending…");
  await row.evaluate((row) => row.setAttribute("data-same", ""));
  gate.open();
  await ada.sent("On its way");
  await expect(row.locator(".status")).toHaveCount(0);
  // The row was not made anew: whoever selects its text or listens to it is not disturbed.
  await expect(row).toHaveAttribute("data-same", "");
});

test("messages of one author form a group, days have dividers", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const ben = await join({ name: "Ben" });
  await ada.post("one");
  await ada.post("two");
  await expect(ben.message("two")).toBeVisible();
  await ben.post("three");
  await ada.reads(["one", "two", "three"]);
  await expect(ada.log.locator(".message.starts")).toHaveCount(2);
  // Out of sight, but not for who hears the page.
  const height = async (text: string) => (await ada.message(text).locator(".author").boundingBox())?.height;
  expect(await height("one")).toBeGreaterThan(10);
  expect(await height("two")).toBeLessThanOrEqual(1);
  await expect(ada.message("two").locator(".author")).toHaveText("Ada");
  await expect(ada.log.locator(".day")).toHaveText(["Today"]);
});

test("an edited message is edited for everyone", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const ben = await join({ name: "Ben" });
  await ada.post("See you at sevn");
  await ada.act("See you at sevn", "Edit");
  const field = ada.page.getByRole("textbox", { name: "Edit the message" });
  await expect(field).toBeFocused();
  await expect(field).toHaveValue("See you at sevn");
  await field.fill("See you at seven");
  await ada.page.getByRole("button", { name: "Save" }).first().click();
  await expect(ada.composer).toBeFocused();
  for (const person of [ada, ben]) {
    await person.reads(["See you at seven"]);
    await expect(person.message("See you at seven").locator(".edited")).toHaveText("edited");
  }
  await ben.reload();
  await expect(ben.message("See you at seven").locator(".edited")).toBeVisible();
});

test("a deleted message is gone for everyone, after a question", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const ben = await join({ name: "Ben" });
  await ada.post("I should not have said this");
  await expect(ben.message("I should not have said this")).toBeVisible();
  const question = ada.page.getByRole("dialog", { name: "Delete this message?" });
  await ada.act("I should not have said this", "Delete");
  await question.getByRole("button", { name: "Cancel" }).click();
  await expect(question).toBeHidden();
  await ada.act("I should not have said this", "Delete");
  await question.getByRole("button", { name: "Delete" }).click();
  for (const person of [ada, ben]) {
    await person.reads(["This message was deleted."]);
    expect(await person.page.content()).not.toContain("I should not have said this");
  }
});

test("nobody can change the message of another", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const ben = await join({ name: "Ben" });
  await ada.post("Mine");
  await ben.message("Mine").hover();
  const actions = ben.message("Mine").getByRole("group");
  await expect(actions.getByLabel("Reply")).toBeVisible();
  await expect(actions.getByLabel("Edit")).toHaveCount(0);
  await expect(actions.getByLabel("Delete")).toHaveCount(0);
});

test("a reply shows what it answers, and leads there", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const ben = await join({ name: "Ben" });
  await ada.post("Who brings the tea?");
  await ben.act("Who brings the tea?", "Reply");
  await expect(ben.page.locator(".replying")).toContainText("Replying to Ada");
  await expect(ben.composer).toBeFocused();
  await ben.post("I do");
  await expect(ben.page.locator(".replying")).toHaveCount(0);
  const quote = ada.message("I do").locator(".quote");
  await expect(quote).toContainText("Who brings the tea?");
  await expect(quote).toContainText("Ada");
  await quote.click();
  await expect(ada.page).toHaveURL(/\/r\/lobby\/\d+$/);
  await expect(ada.log.locator(".focused")).toContainText("Who brings the tea?");
});

test("a nickname is seen by everyone, also on what was written before", async ({ join }) => {
  const ada = await join();
  const ben = await join({ name: "Ben" });
  await expect(ada.page.getByText(/^Welcome! You are here as Guest \w{4}/)).toBeVisible();
  await ada.post("Hello");
  await expect(ben.message("Hello").locator(".author")).toHaveText(/^Guest \w{4}$/);
  await ada.page.getByRole("button", { name: "Choose a name" }).click();
  await ada.page.keyboard.press("Escape");
  await ada.rename("Ada Lovelace");
  await expect(ben.message("Hello").locator(".author")).toHaveText("Ada Lovelace");
  await expect(ada.page.getByText(/^Welcome!/)).toBeHidden();
  await ada.rename("Ada");
  await expect(ben.message("Hello").locator(".author")).toHaveText("Ada");
  await ada.reload();
  await expect(ada.message("Hello").locator(".author")).toHaveText("Ada");
});

test("everyone sees who is here, and who types", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const ben = await join({ name: "Ben" });
  const here = ada.page.locator("#people .person");
  await expect(here).toHaveCount(2);
  await expect(ada.page.locator("#people")).toContainText("Ben");
  await expect(ada.page.locator(".here-count")).toHaveText("2 here");
  await ben.composer.pressSequentially("Let me th");
  await expect(ada.page.getByText("Ben is typing…")).toBeVisible();
  await expect(ben.page.getByText(/is typing…/)).toBeHidden();
  await ben.composer.press("Enter");
  await expect(ada.message("Let me th")).toBeVisible();
  await expect(ada.page.getByText("Ben is typing…")).toBeHidden();
  await ben.context.close();
  await expect(here).toHaveCount(1);
});

test("a reload keeps the login, the messages and the draft", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.post("first");
  await ada.post("second");
  await ada.composer.fill("not yet fin");
  await ada.reload();
  await ada.reads(["first", "second"]);
  await expect(ada.page.locator(".you-name")).toHaveText("Ada");
  await expect(ada.composer).toHaveValue("not yet fin");
  await expect(ada.message("second")).toHaveClass(/mine/);
});

test("two tabs of one person are one person", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const tab = await ada.tab();
  await ada.post("from the first");
  await expect(tab.message("from the first")).toHaveClass(/mine/);
  await tab.post("from the second");
  await ada.reads(["from the first", "from the second"]);
  await expect(ada.page.locator("#people .person")).toHaveCount(1);
});
