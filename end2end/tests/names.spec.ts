import type { Person } from "../support/person";
import { expect, test } from "../support/test";

/** Marks beside the author of a message. */
const beside = (person: Person, text: string) => person.message(text).locator(".who .tag");

/** The end of the author's id, as the wire has it. */
async function tagOf(person: Person): Promise<string> {
  const id = await person.page.evaluate(() => JSON.parse((window as never as { __RESOLVED_RESOURCES: string[] }).__RESOLVED_RESOURCES[0]!).you.id as string);
  return id.slice(-4);
}

test("names that look alike show their difference, and no longer", async ({ join }) => {
  const ada = await join({ name: "Kim" });
  await ada.post("hello from Kim");
  const ben = await join({ name: "Ben" });
  await ben.post("hello from Ben");
  const eve = await join({ name: "Eve" });
  await expect(beside(eve, "from Kim")).toHaveCount(0);

  await ben.rename("K\u200bіm");
  for (const reader of [eve, ada, ben]) {
    await expect(beside(reader, "from Ben")).toHaveText(await tagOf(ben));
    await expect(beside(reader, "from Kim")).toHaveText(await tagOf(ada));
    await expect(reader.message("from Kim").locator(".author")).toHaveText("Kim");
  }
  await expect(beside(eve, "from Kim")).toHaveAttribute("title", /looks the same/);
  const people = eve.page.locator("#people .person").filter({ hasText: "Kim" }).locator(".tag");
  await expect(people).toHaveText([await tagOf(ada)]);

  // A later visitor, and the server's own rendering.
  const late = await join({ locale: "ko-KR" });
  await expect(beside(late, "from Kim")).toHaveText(await tagOf(ada));
  await expect(beside(late, "from Kim")).toHaveAttribute("title", /비슷해 보이는/);
  await ada.composer.pressSequentially("typing");
  await expect(late.page.locator(".typing")).toContainText(`Kim · ${await tagOf(ada)} 님`);

  await ben.rename("Ben");
  for (const reader of [eve, ada, late]) {
    await expect(beside(reader, "from Kim")).toHaveCount(0);
    await expect(beside(reader, "from Ben")).toHaveCount(0);
  }
});

test("a bot is marked wherever its name stands", async ({ join, server }) => {
  const token = (await server.command("token", "create", "--name", "Build bot")).trim();
  const post = async (body: string) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const answer = await fetch(`${server.url}/api/rooms/lobby/messages`, { method: "POST", headers, body: JSON.stringify({ body }) });
    expect(answer.status).toBe(201);
  };
  await post("build 7 is green");
  const ada = await join();
  await expect(beside(ada, "build 7")).toHaveText("bot");
  await expect(beside(ada, "build 7")).toHaveAttribute("title", "A program, not a person");
  await ada.post("thanks");
  await expect(beside(ada, "thanks")).toHaveCount(0);
  const minsu = await join({ locale: "ko-KR" });
  await post("build 8 is green");
  await expect(beside(minsu, "build 8")).toHaveText("봇");
});

test("an avatar shows the first visible character, before and after hydration", async ({ join, wire }) => {
  const names: [string, string][] = [
    ["👨‍👩‍👧 Kim", "👨‍👩‍👧"],
    ["🇰🇷대한", "🇰🇷"],
    ["\u0301\u202eada", "A"],
    ["\u2800민수", "민"],
    ["\u1112\u1161\u11ab결", "한"],
    ["7up", "7"],
    ["1\ufe0f\u20e3st", "1\ufe0f\u20e3"],
    ["e\u0331cho", "E\u0331"],
    ["ada", "A"],
  ];
  for (const [at, [name]] of names.entries()) await (await wire(name)).post("lobby", `from ${at}`);
  const ada = await join({ path: null });
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await ada.page.route(/\.wasm(\?|$)/, async (route) => {
    await released;
    await route.continue();
  });
  await ada.page.goto(`${ada.base}/r/lobby`);
  const initials = ada.log.locator(".message .avatar");
  const shown = names.map(([, initial]) => initial);
  await expect(initials).toHaveText(shown);
  release();
  await ada.alive();
  await expect(initials).toHaveText(shown);
  for (const avatar of await initials.all()) {
    const fits = await avatar.evaluate((box) => getComputedStyle(box).overflow !== "visible");
    expect(fits).toBe(true);
  }
  // Live, too.
  const ben = await join({ name: "Ben" });
  await ben.post("live");
  await ben.rename("🏴󠁧󠁢󠁥󠁮󠁧󠁿 Ben");
  await expect(ada.message("live").locator(".avatar")).toHaveText("🏴󠁧󠁢󠁥󠁮󠁧󠁿");
});

test("the name field follows a name chosen elsewhere", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const tab = await ada.tab();
  const settings = await ada.openSettings();
  const field = settings.locator("input[name=name]");
  await expect(field).toHaveValue("Ada");
  const me = async (name: string) => {
    await expect(await ada.context.request.post(`${ada.base}/me`, { form: { name } })).toBeOK();
  };

  await tab.rename("Ada of the second tab");
  await expect(field).toHaveValue("Ada of the second tab");
  await me("Ada of another device");
  await expect(field).toHaveValue("Ada of another device");

  // Unsaved text stays.
  await field.fill("typed he");
  await me("Ada elsewhere");
  await expect(ada.page.locator(".you-name")).toHaveText("Ada elsewhere");
  await expect(field).toHaveValue("typed he");
  await expect(tab.page.locator("#settings input[name=name]")).toHaveValue("Ada elsewhere");
  await field.pressSequentially("re");
  await settings.getByRole("button", { name: "Save" }).click();
  await expect(settings.getByRole("status")).toHaveText("Saved");
  await expect(field).toHaveValue("typed here");

  // Once it is saved, the field follows again; a name that was tidied up is shown so.
  await me("Ada at last");
  await expect(field).toHaveValue("Ada at last");
  await field.fill("  two   words ");
  await settings.getByRole("button", { name: "Save" }).click();
  await expect(field).toHaveValue("two words");
  await expect(ada.page.locator(".you-name")).toHaveText("two words");
});

test("a name that is refused stays in the field", async ({ guard, join }) => {
  guard.allow(/422/);
  const ada = await join({ name: "Ada" });
  const settings = await ada.openSettings();
  const field = settings.locator("input[name=name]");
  await field.fill("system");
  await settings.getByRole("button", { name: "Save" }).click();
  await expect(settings.getByRole("status")).not.toBeEmpty();
  await expect(field).toHaveValue("system");
});

test("long names stay within the list of people", async ({ join }) => {
  await join({ name: "W".repeat(40) });
  await join({ name: "별명이마흔글자까지될수있으므로이렇게길게지어보는사람도있기마련" });
  const ada = await join({ name: "Ada", viewport: { width: 1180, height: 800 } });
  const people = ada.page.locator("#people");
  await expect(people.locator(".person")).toHaveCount(3);
  const [within, widths] = await people.evaluate((list) => [list.clientWidth, [...list.querySelectorAll(".person")].map((row) => row.getBoundingClientRect().width)] as const);
  for (const width of widths) expect(width).toBeLessThanOrEqual(within);
  expect(await people.evaluate((list) => list.scrollWidth - list.clientWidth)).toBe(0);
});
