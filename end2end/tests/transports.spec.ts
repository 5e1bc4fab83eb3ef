import { expect, test } from "../support/test";
import type { Person } from "../support/person";

const numbered = (count: number, word = "line") => Array.from({ length: count }, (_, at) => `${word} ${at + 1}`);

/** Longer than the core waits between two tries of a WebSocket. */
const A_TRIAL_LATER_MS = 75_000;

test.beforeEach(({ guard }) => guard.allowLostConnections());

/** Both hear each other, in the order in which they spoke. */
async function talk(ada: Person, ben: Person, word: string): Promise<void> {
  await ada.post(`${word} from Ada`);
  await ben.post(`${word} from Ben`);
  await expect(ada.message(`${word} from Ben`)).toHaveCount(1);
  await expect(ben.message(`${word} from Ada`)).toHaveCount(1);
}

test("an event stream carries all while WebSockets are refused", async ({ gate, join }) => {
  gate.refuseSockets();
  const ada = await join({ name: "Ada", through: gate, path: null });
  await ada.page.clock.install();
  await ada.visit();
  await ada.connectedBy("eventsource");
  const ben = await join({ name: "Ben" });
  await ben.connectedBy("websocket");
  await talk(ada, ben, "first");
  gate.open();
  await ada.page.clock.fastForward(A_TRIAL_LATER_MS);
  await ada.connectedBy("websocket");
  await talk(ada, ben, "second");
  const all = ["first from Ada", "first from Ben", "second from Ada", "second from Ben"];
  await ada.reads(all);
  await ben.reads(all);
});

test("where event streams are held back, polls carry all, until WebSockets pass", async ({ gate, join }) => {
  gate.refuseSockets();
  gate.bufferStreams();
  const ada = await join({ name: "Ada", through: gate, path: null });
  await ada.page.clock.install();
  await ada.visit();
  await ada.connectedBy("poll");
  const ben = await join({ name: "Ben" });
  await talk(ada, ben, "first");
  gate.open();
  await ada.page.clock.fastForward(A_TRIAL_LATER_MS);
  await ada.connectedBy("websocket");
  await talk(ada, ben, "second");
});

for (const [transport, buffering] of [
  ["eventsource", false],
  ["poll", true],
] as const) {
  test(`by ${transport}, twenty messages each way go once and in order`, async ({ gate, join, wire }) => {
    gate.refuseSockets();
    if (buffering) gate.bufferStreams();
    const ada = await join({ name: "Ada", through: gate });
    await ada.connectedBy(transport);
    const ben = await wire("Ben");
    const bodies = numbered(20, "from Ada");
    for (const body of bodies) await ada.say(body);
    await ada.reads(bodies);
    await expect(ada.page.locator(".pending")).toHaveCount(0);
    await ben.postAll("lobby", numbered(20, "from Ben"));
    await ada.reads([...bodies, ...numbered(20, "from Ben")]);
    await ada.connectedBy(transport);
  });
}

test("a stream that is cut again and again loses nothing", async ({ gate, join, wire }) => {
  gate.refuseSockets();
  gate.cutAfter(700);
  const ada = await join({ name: "Ada", through: gate });
  await ada.connectedBy("eventsource");
  const ben = await wire("Ben");
  const bodies = numbered(12);
  for (const body of bodies) {
    await ben.post("lobby", body);
    await expect(ada.message(body).last()).toBeVisible();
  }
  await ada.reads(bodies);
});

test("a restart of the server leaves nobody on a lower step", async ({ gate, join, server }) => {
  gate.refuseSockets();
  const ada = await join({ name: "Ada", through: gate });
  await ada.connectedBy("eventsource");
  await server.kill();
  await ada.disconnected();
  gate.open();
  await ada.say("written meanwhile");
  await server.start();
  await ada.connectedBy("websocket");
  await ada.sent("written meanwhile");
});

test("a WebSocket client keeps its transport over restarts", async ({ join, server }) => {
  const ada = await join({ name: "Ada" });
  for (const end of [() => server.kill(), () => server.stop()]) {
    await end();
    await ada.disconnected();
    await server.start();
    await ada.connectedBy("websocket");
  }
});

test.describe("with a heartbeat each second", () => {
  test.use({ limits: "--heartbeat 1" });

  for (const transport of ["websocket", "eventsource"]) {
    test(`a silently dead connection by ${transport} is noticed after two heartbeats`, async ({ gate, join }) => {
      if (transport === "eventsource") gate.refuseSockets();
      const ada = await join({ name: "Ada", through: gate });
      await ada.connectedBy(transport);
      const ben = await join({ name: "Ben" });
      gate.hold();
      const held = performance.now();
      await ben.post("did you hear?");
      await ada.reads(["did you hear?"]);
      const deaf = performance.now() - held;
      console.log(`    deaf for ${(deaf / 1000).toFixed(1)} s by ${transport}`);
      expect(deaf).toBeLessThan(25_000);
    });
  }
});

test("a laptop that slept is back at once", async ({ gate, join }) => {
  const ada = await join({ name: "Ada", through: gate, path: null });
  await ada.page.clock.install();
  await ada.visit();
  const ben = await join({ name: "Ben" });
  gate.hold();
  await ben.post("while you slept");
  const woke = performance.now();
  await ada.page.clock.fastForward("08:00:00");
  await ada.reads(["while you slept"]);
  console.log(`    back ${((performance.now() - woke) / 1000).toFixed(1)} s after the lid was opened`);
  await ada.post("good morning");
  await ben.reads(["while you slept", "good morning"]);
});
