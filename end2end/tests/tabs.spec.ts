import type { Person } from "../support/person";
import type { Server } from "../support/server";
import { expect, test } from "../support/test";

const numbered = (count: number, word = "line") => Array.from({ length: count }, (_, at) => `${word} ${at + 1}`);

// The lead passes on, also to tabs that are about to be closed, and what they were opening is given up.
test.beforeEach(({ guard }) => guard.allowLostConnections());

/** So many sessions are open, no matter how many tabs. */
async function sessions(server: Server, count: number): Promise<void> {
  await expect.poll(() => server.metric("madang_sessions"), { timeout: 40_000 }).toBe(count);
}

/** Posts until a message gets through, and gives how long that took. */
async function nextMessage(by: Person, to: Person, text: string): Promise<number> {
  const start = performance.now();
  await by.say(text);
  await expect(to.message(text)).toHaveCount(1);
  await expect(by.message(text)).toHaveAttribute("data-seq", /^\d+$/);
  return performance.now() - start;
}

test("two tabs are one session, and both read and write", async ({ join, server }) => {
  const ada = await join({ name: "Ada" });
  const second = await ada.tab();
  await ada.connectedBy("websocket");
  await second.connectedBy("tab");
  await sessions(server, 1);
  await ada.post("from the first tab");
  await second.post("from the second tab");
  const ben = await join({ name: "Ben" });
  await ben.post("from Ben");
  for (const person of [ada, second, ben]) {
    await person.reads(["from the first tab", "from the second tab", "from Ben"]);
  }
  await sessions(server, 2);
});

test("tabs in two rooms share the session with their own rooms", async ({ join, server }) => {
  const ada = await join({ name: "Ada" });
  await ada.open("Kitchen");
  const second = await ada.tab("/r/lobby");
  await second.connectedBy("tab");
  const ben = await join({ name: "Ben" });
  await ben.post("in the lobby");
  await second.reads(["in the lobby"]);
  await ben.enter("Kitchen");
  await ben.post("in the kitchen");
  await ada.reads(["in the kitchen"]);
  await second.enter("Kitchen");
  await second.reads(["in the kitchen"]);
  await sessions(server, 2);
});

test("a leader closed during sends loses, doubles and reorders nothing", async ({ join, server }) => {
  const first = await join({ name: "Ada" });
  const second = await first.tab();
  const ben = await join({ name: "Ben" });
  const usual = await nextMessage(second, ben, "as usual");
  const bodies = numbered(10);
  for (const body of bodies) await first.say(body);
  await first.page.close();
  const took = await nextMessage(second, ben, "from the second tab");
  console.log(`    the next message ${took.toFixed(0)} ms after the leader was closed (usually ${usual.toFixed(0)} ms)`);
  await second.connectedBy("websocket");
  await ben.reads(["as usual", ...bodies, "from the second tab"]);
  await second.reads(["as usual", ...bodies, "from the second tab"]);
  await expect(second.page.locator(".pending")).toHaveCount(0);
  await sessions(server, 2);
  expect(took - usual).toBeLessThan(1_000);
});

test("a frozen leader is replaced within a second", async ({ join, server }) => {
  const first = await join({ name: "Ada" });
  const second = await first.tab();
  const ben = await join({ name: "Ben" });
  const usual = await nextMessage(second, ben, "as usual");
  const devtools = await first.context.newCDPSession(first.page);
  await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
  const took = await nextMessage(second, ben, "after the frost");
  console.log(`    the next message ${took.toFixed(0)} ms after the leader was frozen (usually ${usual.toFixed(0)} ms)`);
  await devtools.send("Page.setWebLifecycleState", { state: "active" });
  await ben.post("welcome back");
  await first.reads(["as usual", "after the frost", "welcome back"]);
  await second.reads(["as usual", "after the frost", "welcome back"]);
  await sessions(server, 2);
  expect(took - usual).toBeLessThan(1_000);
});

test("the tab that leads hangs: the other takes over", async ({ join, server }) => {
  const first = await join({ name: "Ada" });
  const second = await first.tab();
  const ben = await join({ name: "Ben" });
  const hung = first.page.evaluate(() => {
    const until = Date.now() + 6_000;
    while (Date.now() < until);
  });
  const took = await nextMessage(second, ben, "after the hang");
  console.log(`    the next message ${took.toFixed(0)} ms after the leader hung`);
  await hung;
  await ben.post("welcome back");
  await first.reads(["after the hang", "welcome back"]);
  await second.reads(["after the hang", "welcome back"]);
  await sessions(server, 2);
  expect(took).toBeLessThan(5_000);
});

test("another tab shows and sends unsent messages", async ({ gate, join }) => {
  const first = await join({ name: "Ada", through: gate });
  const second = await first.tab();
  const ben = await join({ name: "Ben" });
  gate.close();
  await first.disconnected();
  await second.disconnected();
  await second.say("one, from the second tab");
  await first.say("two, from the first");
  await second.say("three, from the second");
  const bodies = ["one, from the second tab", "two, from the first", "three, from the second"];
  await first.reads(bodies);
  await second.reads(bodies);
  await second.page.close();
  gate.open();
  await ben.reads(bodies);
  await first.reads(bodies);
  await expect(first.page.locator(".pending")).toHaveCount(0);
});

test("a page in the back/forward cache drops its session and reconnects", async ({ join, server }) => {
  const ada = await join({ name: "Ada" });
  // Events of a browser that keeps pages which were left. Chromium keeps none that must not be stored.
  const say = (name: string) =>
    ada.page.evaluate((name) => window.dispatchEvent(new PageTransitionEvent(name, { persisted: true })), name);
  await say("pagehide");
  await sessions(server, 0);
  const ben = await join({ name: "Ben" });
  await ben.post("while you were away");
  await say("pageshow");
  await ada.reads(["while you were away"]);
  await ada.connectedBy("websocket");
  await ada.post("and back");
  await ben.reads(["while you were away", "and back"]);
});

test("a page that was left leaves no session behind", async ({ join, server }) => {
  const ada = await join({ name: "Ada" });
  await ada.page.goto("about:blank");
  await sessions(server, 0);
  await ada.page.goBack();
  await ada.alive();
  await ada.connectedBy("websocket");
});

for (const [what, remove] of [
  ["locks", () => Object.defineProperty(Navigator.prototype, "locks", { value: undefined })],
  ["a channel between tabs", () => Reflect.deleteProperty(window, "BroadcastChannel")],
] as const) {
  test(`in a browser without ${what}, each tab has a session of its own`, async ({ join, server }) => {
    const first = await join({ name: "Ada", path: null });
    await first.context.addInitScript(remove);
    await first.visit();
    const second = await first.tab();
    await second.connectedBy("websocket");
    await sessions(server, 2);
    await first.post("one");
    await second.post("two");
    await first.reads(["one", "two"]);
    await second.reads(["one", "two"]);
  });
}
