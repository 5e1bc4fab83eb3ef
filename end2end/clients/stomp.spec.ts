import { Client } from "@stomp/stompjs";
import WebSocket from "ws";
import { bodies, expect, holds, shown, socketOf, test, token, WITH_TCP, write } from "../support/clients";
import type { Program } from "../support/program";

test.use({ limits: WITH_TCP });

for (const transport of ["tcp", "ws"]) {
  test(`stomp.py by ${transport} goes on behind the number that it is given`, async ({ run, server, wire }) => {
    const scribe = await wire("Scribe");
    const seq = await scribe.post("lobby", "one");
    await scribe.postAll("lobby", ["two", "three"]);
    const port = transport === "tcp" ? server.stompPort : server.address.port;
    const ada = run("python/stomp_chat.py", [transport, "127.0.0.1", String(port), "lobby", String(seq)]);
    await ada.says(/^connected by STOMP 1\.2$/);
    await ada.says(/Scribe: three$/);
    ada.tell("four: with a colon, \\ and 한글");
    await ada.says(/한글$/);
    const texts = ada.lines.slice(1).map((line) => line.replace(/^\d+ [^:]*: /, ""));
    expect(texts).toEqual(["two", "three", "four: with a colon, \\ and 한글"]);
  });
}

test("the page with stompjs connects, sends, disconnects and reconnects", async ({ visit, server, wire, guard }) => {
  guard.allowLostConnections();
  const page = await visit("stompjs");
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await expect(page.locator("#state")).toHaveText("connected");
  await write(page, "by STOMP");
  await expect(page.locator("li")).toHaveText([/^[^:]+: by STOMP$/]);

  await server.kill();
  await expect(page.locator("#state")).toHaveText("disconnected");
  await server.start();
  const scribe = await wire("Scribe");
  await scribe.post("lobby", "while you were away");
  await expect(page.locator("li")).toHaveText([/: by STOMP$/, "Scribe: while you were away"]);

  await page.getByRole("button", { name: "Disconnect" }).click();
  await expect(page.locator("#state")).toHaveText("disconnected");
  await scribe.post("lobby", "unheard");
  expect(await shown(page)).toHaveLength(2);
});

test("stompjs in Node reconnects after a restart without loss or doubles", async ({ run, server, wire }) => {
  const ada = run("stompjs/chat.mjs", [`${socketOf(server.url)}/stomp`]);
  await ada.says(/^connected by STOMP 1\.2$/);
  ada.tell("first");
  await ada.says(/: first$/);
  await server.kill();
  await ada.says(/^disconnected: 1006/);
  await server.start();
  await (await wire("Scribe")).post("lobby", "second");
  await ada.says(/^\d+ Scribe: second$/);
  ada.tell("third");
  await ada.says(/: third$/);
  const texts = ada.lines.filter((line) => /^\d/.test(line)).map((line) => line.replace(/.*: /, ""));
  expect(texts).toEqual(["first", "second", "third"]);
});

test("the page of Spring's guide finds its fixed path", async ({ run, server }) => {
  await server.stop();
  await server.start(["--stomp-path", "/gs-guide-websocket"]);
  const ada = run("stompjs/chat.mjs", [`${socketOf(server.url)}/gs-guide-websocket`]);
  await ada.says(/^connected by STOMP 1\.2$/);
  ada.tell("at the guide's path");
  await ada.says(/: at the guide's path$/);
});

test.describe("STOMP", () => {
  const nowhere = "nowhere";

  /** ERROR with a reason, and then the end of the connection. */
  async function isRefused(program: Program, ended: RegExp): Promise<void> {
    await program.says(/^connected by STOMP 1\.2$/);
    await program.says(/^error: \w.*/);
    await program.says(ended);
    const [error, end] = [/^error/, ended].map((words) => program.lines.findIndex((line) => words.test(line)));
    expect(error).toBeLessThan(end);
  }

  test("stompjs reads ERROR and the close for a missing room", async ({ run, server }) => {
    const ada = run("stompjs/chat.mjs", [`${socketOf(server.url)}/stomp`, nowhere]);
    await isRefused(ada, /^disconnected: \d{4} \w/);
  });

  for (const transport of ["tcp", "ws"]) {
    test(`stomp.py by ${transport} reads ERROR and the end for a missing room`, async ({ run, server }) => {
      const port = transport === "tcp" ? server.stompPort : server.address.port;
      const ada = run("python/stomp_chat.py", [transport, "127.0.0.1", String(port), nowhere]);
      await isRefused(ada, /^disconnected$/);
    });
  }
});

test("stompjs reads the reason of a refusal, reconnects and sends again", async ({ run, server, wire }) => {
  const ada = run("stompjs/chat.mjs", [`${socketOf(server.url)}/stomp`]);
  await ada.says(/^connected/);
  ada.tell("x".repeat(8001));
  await ada.says(/^error: .*\b8,?000\b/);
  await ada.says(/^disconnected: /);
  await expect.poll(() => ada.lines.filter((line) => line.startsWith("connected")).length).toBe(2);
  ada.tell("shorter");
  await ada.says(/: shorter$/);
  await holds(wire, ["shorter"]);
});

test("a receipt means durable, and a repeated cmid posts nothing", async ({ server, wire }) => {
  const secret = await token(server, "lobby");
  const url = `${socketOf(server.url)}/stomp`;

  /** Posts it as the same bot on a connection of its own, and waits for the receipt. */
  async function post(body: string, cmid: string): Promise<void> {
    const client = new Client({
      webSocketFactory: () => new WebSocket(url, "v12.stomp"),
      connectHeaders: { passcode: secret },
      reconnectDelay: 0,
    });
    await new Promise<void>((done, failed) => {
      client.onStompError = (frame) => failed(new Error(frame.headers.message));
      client.onWebSocketError = () => failed(new Error("not reached"));
      client.onConnect = () => {
        client.watchForReceipt("r1", () => done());
        client.publish({ destination: "/app/lobby", body, headers: { receipt: "r1", cmid } });
      };
      client.activate();
    });
    await client.deactivate();
  }

  await post("kept", "order-1");
  await server.kill();
  await server.start();
  await post("kept", "order-1");
  await post("another", "order-2");
  expect(await bodies(wire)).toEqual(["kept", "another"]);
});

test("headers and content-type of stompjs and stomp.py come back to both", async ({ run, server }) => {
  const python = run("../end2end/clients/stomp_headers.py", ["127.0.0.1", String(server.stompPort)]);
  await python.says("receipt listening");
  // Both clients read a backslash before c, n or r wrongly.
  const odd = "a:b\\d\ne";
  const told: Record<string, string>[] = [];
  const client = new Client({ webSocketFactory: () => new WebSocket(`${socketOf(server.url)}/stomp`, "v12.stomp"), reconnectDelay: 0 });
  await new Promise<void>((done) => {
    client.onConnect = () => {
      client.watchForReceipt("listening", () => done());
      client.subscribe("/topic/lobby", (message) => told.push({ body: message.body, ...message.headers }), { receipt: "listening" });
    };
    client.activate();
  });
  const own = { "content-type": "application/json", "x-from": "stompjs", "x-odd": odd };
  client.publish({ destination: "/topic/lobby", body: "{}", headers: { ...own, user: "forged" } });
  await expect.poll(() => told.length).toBe(1);
  python.tell("a,b");
  await expect.poll(() => told.length).toBe(2);
  const theirs = { "content-type": "text/csv", "x-from": "stomp.py", "x-odd": odd };
  const heard = () => python.lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  await expect.poll(() => heard().length).toBe(2);
  for (const messages of [told, heard()]) {
    expect(messages[0]).toMatchObject({ body: "{}", ...own });
    expect(messages[0].user).not.toBe("forged");
    expect(messages[1]).toMatchObject({ body: "a,b", ...theirs });
  }
  await client.deactivate();
});

test("of several subprotocols the first that is known is spoken", async ({ server }) => {
  for (const [offered, spoken] of [
    [["customProtocol", "v11.stomp", "v12.stomp"], "v11.stomp"],
    [["customProtocol", "madang.v1", "v12.stomp"], "madang.v1"],
  ] as const) {
    const socket = new WebSocket(socketOf(server.url), [...offered]);
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    expect(socket.protocol).toBe(spoken);
    socket.terminate();
  }
});
