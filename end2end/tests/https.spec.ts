import { fileURLToPath } from "node:url";
import { expect, test } from "../support/test";

// It signs itself, so the browser is told not to mind.
const certificate = (name: string) => fileURLToPath(new URL(`../support/certificate/${name}.pem`, import.meta.url));

test.use({
  limits: `--tls-cert ${certificate("certificate")} --tls-key ${certificate("key")}`,
  ignoreHTTPSErrors: true,
});

/** The protocol by which each file of the page came. */
const protocols = () =>
  [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].map(
    (entry) => (entry as PerformanceResourceTiming).nextHopProtocol,
  );

test("by https a page comes by HTTP/2 and talks by WebSocket", async ({ join }) => {
  const ada = await join({ name: "ada" });
  const bob = await join({ name: "bob" });
  await ada.connectedBy("websocket");
  expect(new Set(await ada.page.evaluate(protocols))).toEqual(new Set(["h2"]));
  await ada.say("over wss");
  await expect(bob.message("over wss")).toBeVisible();
});

test("by https without WebSockets people talk over HTTP/2", async ({ join, guard }) => {
  guard.allow(/WebSocket/);
  const ada = await join({ name: "ada", path: "" });
  await ada.context.routeWebSocket(/./, (socket) => socket.close());
  await ada.visit();
  await ada.connectedBy("eventsource");
  const bob = await join({ name: "bob" });
  await bob.say("to a stream");
  await expect(ada.message("to a stream")).toBeVisible();
  await ada.say("from a stream");
  await expect(bob.message("from a stream")).toBeVisible();
  expect(new Set(await ada.page.evaluate(protocols))).toEqual(new Set(["h2"]));
});
