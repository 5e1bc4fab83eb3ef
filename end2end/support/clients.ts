import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "@playwright/test";
import { Program } from "./program";
import type { Server } from "./server";
import { expect, test as base } from "./test";
import type { Wire } from "./wire";

export { expect } from "./test";

const EXAMPLES = fileURLToPath(new URL("../../examples", import.meta.url));

/** Parameters in the address of an example's page. */
type Asked = Record<string, string | number | undefined>;

interface Fixtures {
  /** Runs an example: a Node or a Python script, or a shell script. */
  run: (file: string, args?: string[], env?: Record<string, string>) => Program;
  /** Runs curl. */
  curl: (...args: string[]) => Program;
  /** Opens an example's page, in a browser of its own if none is given. `site` is where the page is served. */
  visit: (folder: string, asked?: Asked, context?: BrowserContext, site?: URL) => Promise<Page>;
  /** A site of another host than the server's, with the same pages. */
  elsewhere: URL;
}

interface WorkerFixtures {
  /** Where the examples' pages are served. */
  pages: string;
}

const INTERPRETERS: Record<string, string> = {
  mjs: process.execPath,
  py: process.env.MADANG_PYTHON ?? "python3",
  sh: "sh",
};

/** `madang serve` with STOMP by TCP too. */
export const WITH_TCP = "--stomp-addr 127.0.0.1:0";

/** Tests of clients that were not made for Madang. */
export const test = base.extend<Fixtures, WorkerFixtures>({
  pages: [
    async ({}, use) => {
      const pages = Program.start(process.execPath, [join(EXAMPLES, "pages.mjs"), "0"]);
      await use(await pages.says(/^http:/));
      await pages.kill();
    },
    { scope: "worker" },
  ],

  run: async ({}, use) => {
    const running: Program[] = [];
    await use((file, args = [], env = {}) => {
      const interpreter = INTERPRETERS[file.split(".").at(-1)!];
      const program = Program.start(interpreter, [join(EXAMPLES, file), ...args], env);
      running.push(program);
      return program;
    });
    await Promise.all(running.map((program) => program.kill()));
  },

  curl: async ({}, use) => {
    const running: Program[] = [];
    await use((...args) => {
      // Nothing of the machine's own curl settings counts, and no test waits for an answer for ever.
      const program = Program.start("curl", ["--disable", "--silent", "--show-error", "--max-time", "80", ...args]);
      running.push(program);
      return program;
    });
    await Promise.all(running.map((program) => program.kill()));
  },

  elsewhere: async ({}, use) => {
    const site = createServer(async (request, response) => {
      const { pathname } = new URL(request.url!, "http://elsewhere.example");
      response.setHeader("content-type", "text/html");
      response.end(await readFile(join(EXAMPLES, pathname, "index.html")));
    });
    site.listen(0, "127.0.0.1");
    await once(site, "listening");
    await use(new URL(`http://elsewhere.example:${(site.address() as AddressInfo).port}`));
    site.closeAllConnections();
    site.close();
  },

  visit: async ({ browser, server, guard, pages }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (folder, asked = {}, context, site = new URL(pages)) => {
      const hosts = [site.host, new URL(server.url).host];
      const browserOfTheirOwn = context ?? (await browser.newContext());
      if (!context) {
        contexts.push(browserOfTheirOwn);
        guard.watch(browserOfTheirOwn, () => hosts);
      }
      const page = await browserOfTheirOwn.newPage();
      const address = new URL(`${folder}/`, site);
      for (const [name, value] of Object.entries({ server: hosts[1], ...asked })) {
        if (value !== undefined) address.searchParams.set(name, String(value));
      }
      await page.goto(address.href);
      return page;
    });
    await Promise.all(contexts.map((context) => context.close()));
  },
});

/** The same address for WebSockets. */
export function socketOf(url: string): string {
  return url.replace(/^http/, "ws");
}

/** A token of a bot that may go into these rooms; into all, if none is named. */
export async function token(server: Server, ...rooms: string[]): Promise<string> {
  const limits = rooms.flatMap((room) => ["--room", room]);
  return (await server.command("token", "create", "--name", "Robot", ...limits)).trim();
}

/** Items in the list of an example's page. */
export function shown(page: Page): Promise<string[]> {
  return page.locator("li").allTextContents();
}

/** Writes into the form of an example's page. */
export async function write(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByLabel("Message")).toHaveValue("");
}

/** The newest texts of the lobby, oldest first. */
export async function bodies(wire: () => Promise<Wire>): Promise<string[]> {
  const reader = await wire();
  reader.send({ t: "watch", room: "lobby" });
  const snapshot = () => reader.seen.find(({ t }) => t === "snapshot");
  await expect.poll(snapshot).toBeDefined();
  return (snapshot()!.messages as { body: string }[]).map(({ body }) => body);
}

/** Nothing but this is in the lobby. */
export async function holds(wire: () => Promise<Wire>, texts: string[]): Promise<void> {
  expect(await bodies(wire)).toEqual(texts);
}
