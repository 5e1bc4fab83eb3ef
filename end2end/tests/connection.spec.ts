import type { Person } from "../support/person";
import { expect, test } from "../support/test";

const numbered = (count: number, word = "line") => Array.from({ length: count }, (_, at) => `${word} ${at + 1}`);

/** Writes many, quicker than they can be sent. */
async function sayAll(person: Person, bodies: string[]): Promise<void> {
  for (const body of bodies) await person.say(body);
}

test.beforeEach(({ guard }) => guard.allowLostConnections());

test("twenty messages written while the server is away arrive once, in order", async ({ server, join }) => {
  const ada = await join({ name: "Ada" });
  const ben = await join({ name: "Ben" });
  await server.stop();
  await ada.disconnected();
  const bodies = numbered(20);
  await sayAll(ada, bodies);
  await expect(ada.messages.and(ada.page.locator(".pending"))).toHaveCount(20);
  await expect(ada.connection).toHaveAttribute("data-waiting", "20");
  await server.start();
  await ben.reads(bodies);
  await ada.reads(bodies);
  await expect(ada.page.locator(".pending")).toHaveCount(0);
  await expect(ada.connection).toHaveAttribute("data-waiting", "0");
  await ben.reload();
  await ben.reads(bodies);
});

test("a kill -9 in the middle of writing loses and doubles nothing", async ({ server, join }) => {
  const ada = await join({ name: "Ada" });
  const ben = await join({ name: "Ben" });
  const bodies = numbered(24);
  await sayAll(ada, bodies.slice(0, 12));
  const killed = server.kill();
  await sayAll(ada, bodies.slice(12));
  await killed;
  await server.start();
  await ben.reads(bodies);
  await ada.reads(bodies);
  for (const person of [ada, ben]) {
    await person.reload();
    await person.reads(bodies);
  }
});

test("a message whose answer was lost is not posted twice", async ({ gate, join }) => {
  const ada = await join({ name: "Ada", through: gate });
  const ben = await join({ name: "Ben" });
  gate.holdAnswers();
  await ada.say("once");
  await expect(ben.message("once")).toHaveCount(1);
  await expect(ada.message("once")).toHaveClass(/pending/);
  gate.cut();
  gate.open();
  await ada.sent("once");
  await ada.post("twice");
  await ben.reads(["once", "twice"]);
  await ada.reads(["once", "twice"]);
});

test("unsent messages survive a reload", async ({ gate, join }) => {
  const ada = await join({ name: "Ada", through: gate });
  const ben = await join({ name: "Ben" });
  gate.refuseConnections();
  await ada.disconnected();
  const bodies = numbered(5);
  await sayAll(ada, bodies);
  await ada.reload();
  await ada.reads(bodies);
  await expect(ada.page.locator(".message.pending")).toHaveCount(5);
  await ada.say("line 6");
  gate.open();
  await ben.reads([...bodies, "line 6"]);
  await ada.reads([...bodies, "line 6"]);
  await expect(ada.page.locator(".message.pending")).toHaveCount(0);
  await ada.reload();
  await ada.connected();
  await ben.reads([...bodies, "line 6"]);
});

test("edits and deletions made while one was away are there on return", async ({ gate, join, wire }) => {
  const ben = await join({ name: "Ben", through: gate });
  const ada = await wire("Ada");
  const [first, second] = await ada.postAll("lobby", ["to be edited", "to be deleted", "to stay"]);
  await ben.reads(["to be edited", "to be deleted", "to stay"]);
  gate.close();
  await ben.disconnected();
  await ada.edit("lobby", first!, "edited");
  await ada.delete("lobby", second!);
  await ada.post("lobby", "and new");
  gate.open();
  await ben.reads(["edited", "This message was deleted.", "to stay", "and new"]);
});

test("a quiet restart of the server goes by unseen", async ({ server, join }) => {
  const ada = await join({ name: "Ada" });
  await ada.post("before");
  await server.stop();
  await server.start();
  await ada.connected();
  await ada.post("after");
  await ada.reads(["before", "after"]);
  await expect(ada.connection).toHaveAttribute("data-ready-state", "OPEN");
  await expect(ada.page.getByRole("button", { name: "Try now" })).toHaveCount(0);
});

test("after five seconds of trouble the page says what is going on", async ({ gate, join }) => {
  const ada = await join({ through: gate, path: null });
  await ada.page.addInitScript(() => {
    const page = window as unknown as { setTimeout(then: () => void, ms?: number): number; holdTimers(held: boolean): void };
    const real = page.setTimeout;
    const running = new Set<number>();
    let holds = false;
    page.setTimeout = (then, ms = 0) => {
      if (holds && ms > 0) return 0;
      const timer = real(then, ms);
      if (ms > 0) running.add(timer);
      return timer;
    };
    page.holdTimers = (held) => {
      holds = held;
      if (held) running.forEach((timer) => clearTimeout(timer));
    };
  });
  await ada.visit();
  await expect(ada.connection).toHaveAttribute("data-ready-state", "OPEN");
  const states: string[] = [];
  await ada.page.exposeFunction("noteState", (state: string) => states.push(state));
  await ada.connection.evaluate((element) => {
    const note = () => (window as unknown as { noteState(s: string): void }).noteState(element.getAttribute("data-ready-state") ?? "");
    new MutationObserver(note).observe(element, { attributeFilter: ["data-ready-state"] });
  });
  const cut = performance.now();
  gate.close();
  await ada.disconnected();
  const words = ada.connection.getByRole("status");
  await ada.say("kept");
  // The place of the words is known to screen readers before they come: only then they are read out.
  await expect(words).toHaveText(/^\s*$/);
  await expect(words).toContainText("Go on writing: it is kept, and sent as soon as it is back.");
  const quiet = performance.now() - cut;
  console.log(`    words about the lost connection after ${(quiet / 1000).toFixed(1)} s`);
  expect(quiet).toBeGreaterThanOrEqual(5_000);
  await expect(words).toContainText("1 message is waiting to be sent.");
  await expect(ada.connection).toHaveAttribute("data-ready-state", /CLOSED|CONNECTING/);
  // Without timers the page tries no more by itself: it is the press that connects.
  const hold = (held: boolean) => ada.page.evaluate((held) => (window as unknown as { holdTimers(held: boolean): void }).holdTimers(held), held);
  await hold(true);
  const retry = ada.page.getByRole("button", { name: "Try now" });
  await expect(retry).toBeVisible();
  gate.open();
  await retry.click();
  await ada.connected();
  await hold(false);
  await expect(words).toHaveText(/^\s*$/);
  await ada.sent("kept");
  expect(states).toEqual(expect.arrayContaining(["CLOSED", "CONNECTING", "OPEN"]));
});

test("a page without network shows it and reconnects with the network", async ({ gate, join }) => {
  const ada = await join({ through: gate });
  const ben = await join({ name: "Ben" });
  await ada.context.setOffline(true);
  gate.close();
  await expect(ada.connection.getByRole("status")).toContainText("You are offline.");
  await ada.say("written on the train");
  gate.open();
  await ada.context.setOffline(false);
  await ada.connected();
  await ben.reads(["written on the train"]);
  await expect(ada.page.getByText("You are offline.")).toBeHidden();
});

test("a silently dead connection is found when the network returns", async ({ gate, join }) => {
  const ada = await join({ through: gate });
  const ben = await join({ name: "Ben" });
  gate.hold();
  await ben.post("did you hear?");
  await ada.context.setOffline(true);
  await ada.context.setOffline(false);
  await ada.reads(["did you hear?"]);
});

test("a message that is refused can be sent again, or discarded", async ({ server, join }) => {
  const ada = await join({ name: "Ada" });
  await server.stop();
  await ada.disconnected();
  await ada.say("this is longer than twenty characters");
  await ada.say("and so is this one, by far");
  await ada.say("short");
  await server.start(["--max-body", "20"]);
  await ada.sent("short");
  const [first, second] = [ada.message("this is longer"), ada.message("and so is this")];
  await expect(first).toHaveClass(/failed/);
  await expect(first).toContainText("Not sent. That is too long.");
  await second.getByRole("button", { name: "Discard" }).click();
  await expect(second).toHaveCount(0);
  await server.stop();
  await server.start([]);
  await ada.connected();
  await ada.reload();
  await ada.connected();
  await expect(second).toHaveCount(0);
  // A failed one does not go out by itself.
  await expect(first).toHaveClass(/failed/);
  await first.getByRole("button", { name: "Try again" }).click();
  await ada.sent("this is longer");
});

test.describe("on a server that takes two messages a second", () => {
  test.use({ limits: "--post-rate 2 --post-burst 2" });

  test("a person who writes faster has nothing refused", async ({ join }) => {
    const ada = await join({ name: "Ada" });
    const ben = await join({ name: "Ben" });
    await sayAll(ada, numbered(6));
    await ben.reads(numbered(6));
    await expect(ada.page.locator(".message.failed")).toHaveCount(0);
  });
});
