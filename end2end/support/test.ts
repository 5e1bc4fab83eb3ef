import { type BrowserContextOptions, expect, test as base } from "@playwright/test";
import { Gate } from "./gate";
import { Guard } from "./guard";
import { Person } from "./person";
import { Server } from "./server";
import { Wire } from "./wire";

/** How a person comes. */
interface Arrival extends BrowserContextOptions {
  /** The nickname; without one they are a guest. */
  name?: string;
  /** The page they open; `null` if none yet. */
  path?: string | null;
  /** The gate that they come through. */
  through?: Gate;
}

interface Fixtures {
  /** Options of `madang serve`, separated by spaces. */
  limits: string;
  /** A server of this test's own. */
  server: Server;
  /** A gate before the server. */
  gate: Gate;
  /** Fails the test if a browser complained, a request failed, or one went elsewhere. */
  guard: Guard;
  /** A person joins with a browser of their own. */
  join: (arrival?: Arrival) => Promise<Person>;
  /** A person without a browser joins. */
  wire: (name?: string) => Promise<Wire>;
}

/** No limit is in the way of whoever fills rooms. */
export const UNLIMITED = "--post-rate 0 --frame-rate 0";

export const test = base.extend<Fixtures>({
  limits: ["", { option: true }],

  server: async ({ limits }, use, info) => {
    const server = await Server.start(limits.split(" ").filter(Boolean));
    await use(server);
    await server.remove();
    if (info.status !== info.expectedStatus) {
      await info.attach("server.log", { body: server.log, contentType: "text/plain" });
    }
  },

  gate: async ({ server }, use) => {
    const gate = await Gate.before(server);
    await use(gate);
    await gate.remove();
  },

  guard: [
    async ({}, use) => {
      const guard = new Guard();
      await use(guard);
      expect(guard.found(), "a browser has nothing to complain about").toEqual([]);
    },
    { auto: true },
  ],

  join: async ({ browser, server, guard, javaScriptEnabled }, use) => {
    const people: Person[] = [];
    // Without scripts, the browser does not need what it was told to load for them.
    if (javaScriptEnabled === false) guard.allow(/request failed: \S+\.js\S* csp$/);
    const hosts = new Set<string>();
    await use(async ({ name, path = "/r/lobby", through, ...options } = {}) => {
      const { url } = through ?? server;
      hosts.add(new URL(url).host);
      const context = await browser.newContext(options);
      guard.watch(context, () => [...hosts]);
      if (name) await expect(await context.request.post(`${url}/me`, { form: { name } })).toBeOK();
      const person = new Person(await context.newPage(), url);
      people.push(person);
      if (path && javaScriptEnabled !== false) await person.visit(path);
      else if (path) await person.page.goto(url + path);
      return person;
    });
    await Promise.all(people.map((person) => person.context.close()));
  },

  wire: async ({ server }, use) => {
    const wires: Wire[] = [];
    await use(async (name) => {
      const wire = await Wire.join(server.url, name);
      wires.push(wire);
      return wire;
    });
    wires.forEach((wire) => wire.end());
  },
});

export { expect };
