import { expect, socketOf, test as base, token } from "../support/clients";
import type { Wire } from "../support/wire";
import { type Client, OwnPage, Shown, Spoken, standsIn } from "./clients";

export { expect } from "../support/clients";

interface Fixtures {
  /** Reads the room by `madang.v1`, and so knows every number. */
  scribe: Wire;
  /** The room that all are in. */
  garden: string;
  /** Every client that the protocols are for, none of them in the room yet. */
  clients: Client[];
}

export const test = base.extend<Fixtures>({
  scribe: async ({ wire }, use) => use(await wire("Scribe")),

  garden: async ({ scribe }, use) => use(await scribe.open("Garden")),

  clients: async ({ garden, server, run, curl, visit, join }, use) => {
    const socket = socketOf(server.url);
    const at = (after?: number) => (after === undefined ? "" : `&after=${after}`);
    const list = (after?: number) => (after === undefined ? [] : [String(after)]);
    const numbered = /^\d+ [^:]*: (?<text>.*)$/;
    const api = `${server.url}/api/rooms/${garden}`;
    const bearer = `Authorization: Bearer ${await token(server, garden)}`;

    await use([
      new Spoken(
        "ws, text",
        "to what is said from now on",
        () => run("node-ws/chat.mjs", [`${socket}/plain?mode=text&room=${garden}`]),
        { joined: /^connected/, message: /^.* => (?<text>.*)$/ },
      ),
      new Spoken(
        "websockets, JSON",
        "to where it was",
        (after) => run("python/chat.py", [`${socket}/?room=${garden}${at(after)}`]),
        { joined: /^connected as/, message: numbered },
      ),
      new Spoken(
        "stompjs in Node",
        "to where it was",
        (after) => run("stompjs/chat.mjs", [`${socket}/stomp`, garden, ...list(after)]),
        { joined: /^connected by STOMP 1\.2/, message: numbered },
      ),
      new Spoken(
        "stomp.py by TCP",
        "to where it was",
        (after) => run("python/stomp_chat.py", ["tcp", "127.0.0.1", String(server.stompPort), garden, ...list(after)]),
        { joined: /^connected by STOMP 1\.2/, message: numbered },
      ),
      new Spoken(
        "stomp.py by WebSocket",
        "to where it was",
        (after) => run("python/stomp_chat.py", ["ws", "127.0.0.1", String(server.address.port), garden, ...list(after)]),
        { joined: /^connected by STOMP 1\.2/, message: numbered },
      ),
      new Spoken(
        "curl",
        "to where it was",
        (after) =>
          curl("--no-buffer", "--include", "-H", bearer, ...(after === undefined ? [] : ["-H", `Last-Event-ID: ${after}`]), `${api}/stream`),
        { joined: /^HTTP\/1\.1 200/, message: /^data: .*"body":"(?<text>[^"]*)"/ },
        async (text) => {
          const body = JSON.stringify({ body: text });
          const post = curl("--fail-with-body", "-H", bearer, "-H", "Content-Type: application/json", "-d", body, `${api}/messages`);
          expect(await post.finish(), post.lines.join("\n")).toBe(0);
        },
      ),
      new Shown(
        "plain JavaScript",
        (after) => visit("plain-page", { room: garden, after }),
        standsIn((page) => page.locator("#state"), "connected"),
      ),
      new Shown(
        "React",
        (after) => visit("react", { room: garden, after }),
        standsIn((page) => page.getByText("You are"), /You are \w+/),
      ),
      new Shown(
        "stompjs in Chromium",
        async (after) => {
          const page = await visit("stompjs", { room: garden, after });
          await page.getByRole("button", { name: "Connect", exact: true }).click();
          return page;
        },
        standsIn((page) => page.locator("#state"), "connected"),
      ),
      new OwnPage(`/r/${garden}`, await join({ name: "Ada", path: null })),
    ]);
  },
});
