import type { Person } from "../support/person";
import { expect, test } from "../support/test";

/** What stands beside the author of a message. */
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

  // Who comes later, and the server's own rendering.
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
