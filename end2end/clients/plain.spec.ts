import WebSocket from "ws";
import { bodies, expect, holds, socketOf, test, write } from "../support/clients";
import type { Server } from "../support/server";

test("the plain page shows messages and reconnects after a restart", async ({ visit, wire, server, guard }) => {
  guard.allowLostConnections();
  const ada = await visit("plain-page");
  const ben = await visit("plain-page");
  for (const page of [ada, ben]) await expect(page.locator("#state")).toHaveText("connected");
  await write(ada, "Hello");
  await write(ben, "Hello yourself");
  for (const page of [ada, ben]) await expect(page.locator("li")).toHaveText([/: Hello$/, /: Hello yourself$/]);

  await server.kill();
  await expect(ada.locator("#state")).toContainText("disconnected: 1006");
  await server.start();
  const scribe = await wire("Scribe");
  await scribe.post("lobby", "while you were away");
  const all = [/: Hello$/, /: Hello yourself$/, "Scribe: while you were away"];
  for (const page of [ada, ben]) await expect(page.locator("li")).toHaveText(all);
});

test("the React component shows its id and every message, its own too", async ({ visit, wire }) => {
  const scribe = await wire("Scribe");
  const ada = await visit("react");
  await expect(ada.getByText("You are")).toHaveText(/You are \w{6,}/);
  await write(ada, "from React");
  await expect(ada.locator("li")).toHaveText(["from React"]);
  await scribe.post("lobby", "from elsewhere");
  await expect(ada.locator("li")).toHaveText(["from React", "from elsewhere"]);
});

test("the Node script reports connection and close code", async ({ run, server }) => {
  const url = `${socketOf(server.url)}/plain?mode=text`;
  const [ada, ben] = [run("node-ws/chat.mjs", [url]), run("node-ws/chat.mjs", [url])];
  for (const program of [ada, ben]) await program.says(/^connected$/);
  ada.tell("Ada => Is anyone here?");
  for (const program of [ada, ben]) await program.says(/^Ada => Is anyone here\?$/);
  ben.tell("Ben => I am");
  await ada.says(/^Ben => I am$/);
  // A line without a name goes out under the last one.
  ada.tell("Good");
  await ben.says(/^Ada => Good$/);
  expect(ada.lines).toEqual(["connected", "Ada => Is anyone here?", "Ben => I am", "Ada => Good"]);
  await server.stop();
  for (const program of [ada, ben]) await program.says(/^disconnected: 1012 \S/);
  const late = run("node-ws/chat.mjs", [url]);
  await late.says(/^disconnected: 1006/);
  expect(late.stderr).toMatch(/^error: .*ECONNREFUSED/);
});

test("the Python script goes on behind the number that it is given", async ({ run, server, wire }) => {
  const scribe = await wire("Scribe");
  const seq = await scribe.post("lobby", "one");
  const numbers = await scribe.postAll("lobby", ["two", "three"]);
  const ada = run("python/chat.py", [`${socketOf(server.url)}/plain?after=${seq}`]);
  await ada.says(/^connected as \w+$/);
  await ada.says(`${numbers[1]} Scribe: three`);
  ada.tell("four");
  await ada.says(/: four$/);
  const texts = ada.lines.slice(1).map((line) => line.replace(/.*: /, ""));
  expect(texts).toEqual(["two", "three", "four"]);
});

test.describe("ws", () => {
  /** The code and the reason that the socket ends with after it sent this. */
  async function end(server: Server, path: string, send: (socket: WebSocket) => void): Promise<[number, string]> {
    const socket = new WebSocket(socketOf(server.url) + path);
    socket.on("open", () => send(socket));
    return new Promise((resolve, reject) => {
      socket.once("close", (code, reason) => resolve([code, reason.toString()]));
      socket.once("error", reject);
    });
  }

  test("a line that is too long is refused and the next is posted", async ({ run, server, wire }) => {
    const ada = run("node-ws/chat.mjs", [`${socketOf(server.url)}/plain?mode=text`]);
    await ada.says(/^connected$/);
    ada.tell(`Ada => ${"x".repeat(8001)}`);
    await ada.says(/^madang => .*\b8,?000\b/);
    ada.tell("Ada =>  ");
    await expect.poll(() => ada.lines.filter((line) => line.startsWith("madang => ")).length).toBe(2);
    ada.tell("Ada => shorter");
    await ada.says(/^Ada => shorter$/);
    await holds(wire, ["shorter"]);
  });

  test("a connection that cannot go on closes with code and reason", async ({ server, wire }) => {
    const cases: [string, string, (socket: WebSocket) => void, number][] = [
      ["a frame that is too big", "/plain", (socket) => socket.send("x".repeat(70_000)), 1009],
      ["bytes", "/plain", (socket) => socket.send(Buffer.from([1, 2, 3])), 1003],
      ["a room that is not there", "/plain?room=nowhere", () => undefined, 4505],
      ["a number that is ahead of the room", "/plain?after=999999", () => undefined, 4506],
    ];
    for (const [what, path, send, code] of cases) {
      expect(await end(server, path, send), what).toEqual([code, expect.stringMatching(/\w+ \w+/)]);
    }
    await holds(wire, []);
  });

  test("unknown subprotocols are answered 400 with the known ones", async ({ server }) => {
    const socket = new WebSocket(socketOf(server.url), ["customProtocol"]);
    const [status, body] = await new Promise<[number | undefined, string]>((resolve) => {
      socket.once("unexpected-response", (_, answer) => {
        let text = "";
        answer.on("data", (part) => (text += part));
        answer.on("end", () => resolve([answer.statusCode, text]));
      });
    });
    expect(status).toBe(400);
    for (const known of ["madang.v1"]) expect(body).toContain(known);
  });
});

test.describe("with a low limit of frames", () => {
  test.use({ limits: "--frame-rate 5" });

  test("a script that sends too fast is closed, its posts are there once", async ({ run, server, wire }) => {
    const ada = run("node-ws/chat.mjs", [`${socketOf(server.url)}/plain?mode=text`]);
    await ada.says(/^connected$/);
    const lines = Array.from({ length: 200 }, (_, at) => `line ${at + 1}`);
    for (const line of lines) ada.tell(line);
    await ada.says(/^disconnected: 4013 \w+ \w/);
    const posted = await bodies(wire);
    expect(posted.length).toBeGreaterThan(0);
    expect(posted).toEqual(lines.slice(0, posted.length));
  });
});

test("websockets reads refusals as objects, and goes on", async ({ run, server, wire }) => {
  const ada = run("python/chat.py", [`${socketOf(server.url)}/plain`]);
  await ada.says(/^connected/);
  ada.tell("   ");
  await ada.says(/^error: empty \w/);
  ada.tell("x".repeat(8001));
  await ada.says(/^error: too_long \w/);
  ada.tell("good");
  await ada.says(/: good$/);
  await holds(wire, ["good"]);
});

test("a page on another port of the host is a guest", async ({ guard, join, pages, visit }) => {
  guard.allow(new RegExp(`request to another host: ${pages}`));
  const ada = await join({ name: "Ada" });
  // Browsers send cookies to every port of a host; a page that is not the server's must not speak as Ada.
  const page = await visit("plain-page", {}, ada.context);
  await expect(page.locator("#state")).toHaveText("connected");
  await write(page, "who am I?");
  await expect(page.locator("li")).toHaveText([/^guest-\w+: who am I\?$/]);
  await ada.reads(["who am I?"]);
});

test("a page of another host needs the owner's permission", async ({ visit, elsewhere, server, guard }) => {
  guard.allow(/WebSocket connection to .* failed: .*403/);
  const page = await visit("plain-page", {}, undefined, elsewhere);
  await expect(page.locator("#state")).toContainText("disconnected: 1006");
  await server.stop();
  guard.allowLostConnections();
  await server.start(["--origin", elsewhere.origin]);
  await expect(page.locator("#state")).toHaveText("connected");
  await write(page, "from next door");
  await expect(page.locator("li")).toHaveText([/: from next door$/]);
});

test("curl gets 101, 426 or 400 as RFC 6455 requires", async ({
  curl,
  server,
}) => {
  const shake = (version: string, key: string) => {
    const headers = ["Connection: Upgrade", "Upgrade: websocket", `Sec-WebSocket-Version: ${version}`, `Sec-WebSocket-Key: ${key}`];
    return curl("--include", "--no-buffer", "--http1.1", ...headers.flatMap((line) => ["-H", line]), `${server.url}/`);
  };
  // The key and the answer of section 1.3.
  const good = shake("13", "dGhlIHNhbXBsZSBub25jZQ==");
  await good.says(/^HTTP\/1\.1 101 /);
  await good.says(/^sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\s*$/i);

  const old = shake("8", "dGhlIHNhbXBsZSBub25jZQ==");
  await old.says(/^HTTP\/1\.1 426 /);
  await old.says(/^sec-websocket-version: 13\s*$/i);

  for (const key of ["dGhlIHNhbXBsZQ==", "not base64, at all", ""]) await shake("13", key).says(/^HTTP\/1\.1 400 /);
});
