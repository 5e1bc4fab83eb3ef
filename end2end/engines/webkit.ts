import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { existsSync, readdirSync } from "node:fs";
import type { Browser, Tab, Wishes } from "./browser";

/** How long the driver may take to listen. */
const PATIENCE_MS = 30_000;
/** How WebDriver names an element, and the Enter key. */
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
const ENTER = "\uE007";

/** WebKitGTK's MiniBrowser, by WebDriver, on a screen of its own. */
export async function webkit({ dark = false }: Wishes): Promise<Browser> {
  const port = await freePort();
  const args = ["-a", "WebKitWebDriver", `--port=${port}`, "--host=127.0.0.1"];
  const env = {
    ...process.env,
    LANGUAGE: "en_US",
    GTK_THEME: dark ? "Adwaita:dark" : "Adwaita",
    // It is root in most containers, and a sandbox of its own is then refused.
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1",
  };
  const driver = spawn("xvfb-run", args, { env, stdio: ["ignore", "pipe", "inherit"], detached: true });
  const errors: string[] = [];
  createInterface({ input: driver.stdout! }).on("line", (line) => {
    if (/^CONSOLE .*\bERROR\b/.test(line)) errors.push(line);
  });
  const ask = asking(`http://127.0.0.1:${port}`);
  await listening(ask, driver);
  const binary = process.env.MADANG_WEBKIT ?? miniBrowser();
  const options = { binary, args: ["--automation", "--enable-write-console-messages-to-stdout=true"] };
  const { sessionId } = await ask<{ sessionId: string }>("POST", "/session", {
    capabilities: { alwaysMatch: { "webkitgtk:browserOptions": options } },
  });
  const session = <T>(method: string, path: string, body?: unknown) => ask<T>(method, `/session/${sessionId}${path}`, body);
  const first = await session<string>("GET", "/window");
  return {
    tab: tab(session, first),
    errors,
    close: async () => {
      await session("DELETE", "").catch(() => undefined);
      end(driver);
    },
  };
}

type Session = <T>(method: string, path: string, body?: unknown) => Promise<T>;

function tab(session: Session, handle: string): Tab {
  const here = () => session("POST", "/window", { handle });
  const keys = async (selector: string, text: string) => {
    await here();
    const element = await session<Record<string, string>>("POST", "/element", { using: "css selector", value: selector });
    await session("POST", `/element/${element[ELEMENT]}/value`, { text });
  };
  return {
    goto: async (url) => {
      await here();
      await session("POST", "/url", { url });
    },
    run: async (expression) => {
      await here();
      return session("POST", "/execute/sync", { script: `return (${expression});`, args: [] });
    },
    type: keys,
    enter: (selector) => keys(selector, ENTER),
    size: async (width, height) => {
      await here();
      await session("POST", "/window/rect", { width, height });
    },
    another: async () => {
      const { handle } = await session<{ handle: string }>("POST", "/window/new", { type: "tab" });
      return tab(session, handle);
    },
  };
}

function asking(base: string) {
  return async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await fetch(base + path, { method, body: body === undefined ? undefined : JSON.stringify(body) });
    const { value } = (await answer.json()) as { value: T & { error?: string; message?: string } };
    if (!answer.ok) throw new Error(`${method} ${path}: ${value.error} ${value.message}`);
    return value;
  };
}

async function listening(ask: Session, driver: ChildProcess): Promise<void> {
  const late = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      await ask("GET", "/status");
      return;
    } catch (error) {
      if (Date.now() > late || driver.exitCode !== null) {
        end(driver);
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as { port: number };
  listener.close();
  return port;
}

/** The driver, its browser and their screen are one group. */
function end(driver: ChildProcess): void {
  try {
    if (driver.pid) process.kill(-driver.pid, "SIGTERM");
  } catch {
    // They have ended already.
  }
}

/** Debian keeps it below the machine's own kind of folder. */
function miniBrowser(): string | undefined {
  const folders = readdirSync("/usr/lib").flatMap((kind) => ["4.1", "4.0"].map((api) => `/usr/lib/${kind}/webkit2gtk-${api}`));
  return folders.map((folder) => `${folder}/MiniBrowser`).find(existsSync);
}
