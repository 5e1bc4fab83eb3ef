import type { Person } from "../support/person";
import { expect, test } from "../support/test";

const numbered = (count: number, word = "line") => Array.from({ length: count }, (_, at) => `${word} ${at + 1}`);

test.beforeEach(({ guard }) => guard.allowLostConnections());

/** The tab ends without a word, as when the browser runs out of memory; the same person opens a new one. */
async function crash(person: Person): Promise<Person> {
  const crashed = person.page.waitForEvent("crash");
  const devtools = await person.context.newCDPSession(person.page);
  void devtools.send("Page.crash").catch(() => undefined);
  await crashed;
  const next = new (person.constructor as typeof Person)(await person.context.newPage(), person.base);
  await person.page.close();
  await next.page.goto(`${next.base}/r/lobby`);
  await next.alive();
  return next;
}

test("twenty messages written offline and reloaded arrive once, in order", async ({ gate, join }) => {
  const ada = await join({ name: "Ada", through: gate });
  const ben = await join({ name: "Ben" });
  gate.refuseConnections();
  await ada.disconnected();
  const bodies = numbered(20);
  for (const body of bodies) await ada.say(body);
  await ada.reload();
  await ada.reads(bodies);
  await expect(ada.page.locator(".message.pending")).toHaveCount(20);
  gate.open();
  await ben.reads(bodies);
  await ada.reads(bodies);
  await expect(ada.page.locator(".message.pending")).toHaveCount(0);
  await ada.reload();
  await ada.connected();
  await ada.reads(bodies);
  await ben.reads(bodies);
});

test("unsent messages and the draft survive a crash of the tab", async ({ gate, join }) => {
  const ada = await join({ name: "Ada", through: gate });
  const ben = await join({ name: "Ben" });
  gate.refuseConnections();
  await ada.disconnected();
  await ada.say("one");
  await ada.say("two");
  await ada.composer.pressSequentially("and thr");
  const again = await crash(ada);
  await again.reads(["one", "two"]);
  await expect(again.composer).toHaveValue("and thr");
  gate.open();
  await ben.reads(["one", "two"]);
  await again.composer.pressSequentially("ee");
  await again.composer.press("Enter");
  await ben.reads(["one", "two", "and three"]);
  await again.reads(["one", "two", "and three"]);
});

test("a crash in the middle of sending loses and doubles nothing", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const ben = await join({ name: "Ben" });
  const bodies = numbered(12);
  for (const body of bodies) await ada.say(body);
  const again = await crash(ada);
  await again.connected();
  await ben.reads(bodies);
  await again.reads(bodies);
});

test("each room has its own draft, over reloads, until it is sent", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  await ada.composer.fill("for the lobby");
  await ada.open("Kitchen");
  await expect(ada.composer).toHaveValue("");
  await ada.composer.fill("for the kitchen");
  await ada.enter("Lobby");
  await expect(ada.composer).toHaveValue("for the lobby");
  await ada.reload();
  await expect(ada.composer).toHaveValue("for the lobby");
  await ada.composer.press("Enter");
  await ada.sent("for the lobby");
  await ada.enter("Kitchen");
  await expect(ada.composer).toHaveValue("for the kitchen");
  await ada.enter("Lobby");
  await expect(ada.composer).toHaveValue("");
});

test("nobody finds the drafts and the outbox of another person", async ({ gate, join }) => {
  const ada = await join({ name: "Ada", through: gate });
  gate.refuseConnections();
  await ada.disconnected();
  await ada.say("from Ada");
  await ada.composer.fill("Ada's secret");
  const login = await ada.context.cookies();
  await ada.context.clearCookies();
  await ada.reload();
  gate.open();
  await ada.connected();
  await expect(ada.composer).toHaveValue("");
  await expect(ada.messages).toHaveCount(0);
  await ada.post("from somebody else");
  await ada.context.clearCookies();
  await ada.context.addCookies(login);
  await ada.reload();
  await expect(ada.composer).toHaveValue("Ada's secret");
  await ada.reads(["from somebody else", "from Ada"]);
});

test("an older page's storage is migrated once", async ({ gate, join }) => {
  const ada = await join({ name: "Ada", through: gate });
  gate.refuseConnections();
  await ada.disconnected();
  await ada.say("kept long ago");
  // As the older page kept it: the same text, under another name, elsewhere.
  await ada.page.evaluate(async () => {
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open("madang");
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const change = database.transaction("outbox", "readwrite").objectStore("outbox");
    const all = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve) => (request.onsuccess = () => resolve(request.result)));
    const [keys, texts] = [await all(change.getAllKeys()), await all(change.getAll())];
    localStorage.setItem(`madang.outbox.${String(keys[0])}`, String(texts[0]));
    localStorage.setItem("madang.draft.lobby", "begun long ago");
    await all(change.clear());
    database.close();
  });
  await ada.reload();
  await ada.reads(["kept long ago"]);
  await expect(ada.composer).toHaveValue("begun long ago");
  await expect.poll(() => ada.page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("madang.")))).toEqual([]);
  gate.open();
  await ada.sent("kept long ago");
  await ada.reload();
  await expect(ada.composer).toHaveValue("begun long ago");
});

test("without a database, unsent text lasts as long as the page", async ({ gate, guard, join }) => {
  guard.allow(/this browser keeps nothing over a reload/);
  const ada = await join({ name: "Ada", through: gate, path: null });
  await ada.context.addInitScript(() => Object.defineProperty(window, "indexedDB", { value: undefined }));
  await ada.visit();
  gate.close();
  await ada.disconnected();
  await ada.say("kept in memory");
  await ada.composer.fill("a draft");
  gate.open();
  await ada.sent("kept in memory");
  await expect(ada.composer).toHaveValue("a draft");
});

test("two people write on through restarts of the server", async ({ server, join }) => {
  const ada = await join({ name: "Ada" });
  const ben = await join({ name: "Ben" });
  const said: string[] = [];
  const both = async (round: string) => {
    for (const [person, name] of [[ada, "Ada"], [ben, "Ben"]] as const) {
      await person.say(`${name}, ${round}`);
      said.push(`${name}, ${round}`);
    }
  };
  for (const [end, round] of [[() => server.kill(), "killed"], [() => server.stop(), "stopped"]] as const) {
    await both(`before it was ${round}`);
    const ended = end();
    await both(`while it was ${round}`);
    await ended;
    await server.start();
    await both(`after it was ${round}`);
  }
  const sorted = [...said].sort();
  for (const person of [ada, ben]) {
    await expect.poll(async () => (await person.bodies()).sort(), { timeout: 60_000 }).toEqual(sorted);
  }
  const [mine, yours] = [await ada.bodies(), await ben.bodies()];
  expect(mine).toEqual(yours);
  for (const name of ["Ada", "Ben"]) {
    expect(mine.filter((body) => body.startsWith(name))).toEqual(said.filter((body) => body.startsWith(name)));
  }
});
