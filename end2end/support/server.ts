import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

/** How long a server may take to listen, or to drain. */
const PATIENCE_MS = 15_000;
/** Whatever port follows it, the server gets a free one, and keeps it. */
const STOMP_BY_TCP = "--stomp-addr";

/** `madang serve` with its own data, on its own port, which it keeps over restarts. */
export class Server {
  private child?: ChildProcess;
  private said = "";
  private port = 0;
  private stomp = 0;

  private constructor(
    private readonly data: string,
    private options: string[],
  ) {}

  /** Starts a server with these options of `madang serve`, on a free port and with an empty data folder. */
  static async start(options: string[] = []): Promise<Server> {
    const server = new Server(await mkdtemp(join(tmpdir(), "madang-e2e-")), options);
    await server.start();
    return server;
  }

  get url(): string {
    return `${this.scheme}://127.0.0.1:${this.port}`;
  }

  private get scheme(): string {
    return this.options.includes("--tls-cert") ? "https" : "http";
  }

  get address(): { host: string; port: number } {
    return { host: "127.0.0.1", port: this.port };
  }

  /** The port of `--stomp-addr`, which it keeps over restarts too. */
  get stompPort(): number {
    return this.stomp;
  }

  /** The server's log. */
  get log(): string {
    return this.said;
  }

  /** A number that it counts, as in `madang_sessions`. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
  }

  /** Starts it again on the same port and data, perhaps with other options. */
  async start(options = this.options): Promise<void> {
    this.options = options;
    const args = ["serve", "--addr", `127.0.0.1:${this.port}`, "--data", this.data, ...options];
    const stomp = options.includes(STOMP_BY_TCP);
    if (stomp) args[args.indexOf(STOMP_BY_TCP) + 1] = `127.0.0.1:${this.stomp}`;
    const child = spawn(program(), args, { stdio: ["ignore", "pipe", "pipe"] });
    this.child = child;
    child.stderr.on("data", (text) => (this.said += text));
    const ports = await listening(child, stomp ? [this.scheme, "stomp"] : [this.scheme], () => this.said);
    this.port = ports.get(this.scheme)!;
    this.stomp = ports.get("stomp") ?? 0;
  }

  /** SIGTERM: it drains and ends. */
  async stop(): Promise<void> {
    await this.end("SIGTERM");
  }

  /** `kill -9`: it ends in the middle of whatever it does. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** Runs `madang` with these arguments while this server runs, and returns its output. */
  async command(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(program(), [...args, "--data", this.data], { timeout: PATIENCE_MS });
    return stdout;
  }

  /** Ends it for good, and forgets its data. */
  async remove(): Promise<void> {
    await this.kill();
    await rm(this.data, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    const forced = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
    await ended;
    clearTimeout(forced);
  }
}

function program(): string {
  const program = process.env.MADANG_BIN;
  if (!program) throw new Error("MADANG_BIN names no program");
  return program;
}

/** The ports that the server says it listens on, for each of these. */
function listening(child: ChildProcess, wanted: string[], log: () => string): Promise<Map<string, number>> {
  return new Promise((resolve, reject) => {
    const ports = new Map<string, number>();
    const late = setTimeout(() => fail(`did not listen within ${PATIENCE_MS} ms`), PATIENCE_MS);
    const fail = (why: string) => {
      clearTimeout(late);
      child.kill("SIGKILL");
      reject(new Error(`madang serve ${why}\n${log()}`));
    };
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code, signal) => fail(`ended with ${code ?? signal}`));
    createInterface({ input: child.stdout! }).on("line", (line) => {
      const [, what, port] = /^listening on (\w+):\/\/[^ ]*:(\d+)$/.exec(line) ?? [];
      if (!what) return;
      ports.set(what, Number(port));
      if (!wanted.every((each) => ports.has(each))) return;
      clearTimeout(late);
      child.removeAllListeners("exit");
      resolve(ports);
    });
  });
}
