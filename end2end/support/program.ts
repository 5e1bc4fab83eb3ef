import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect } from "@playwright/test";

/** Another program than the server: what it is told goes in by lines, and what it says comes out by lines. */
export class Program {
  /** The lines of its standard output so far. */
  readonly lines: string[] = [];
  private complaints = "";

  private constructor(
    private readonly words: string,
    private readonly child: ChildProcess,
  ) {
    // A program that was killed does not take what it is told.
    child.stdin!.on("error", () => undefined);
    child.on("error", (error) => (this.complaints += error.message));
    child.stderr!.on("data", (text) => (this.complaints += text));
    createInterface({ input: child.stdout! }).on("line", (line) => this.lines.push(line));
  }

  static start(program: string, args: string[], env: Record<string, string> = {}): Program {
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: "pipe" });
    return new Program([program, ...args].join(" "), child);
  }

  /** Its standard error so far. */
  get stderr(): string {
    return this.complaints;
  }

  /** Gives it one line. */
  tell(line: string): void {
    this.child.stdin!.write(`${line}\n`);
  }

  /** Waits until a line of its output has this, and gives that line. */
  async says(words: string | RegExp): Promise<string> {
    const found = () => this.lines.find((line) => (typeof words === "string" ? line.includes(words) : words.test(line)));
    await expect.poll(found, { message: `${this.words}\n${this.complaints}` }).toBeDefined();
    return found()!;
  }

  /** Closes its input and waits for its end; gives its exit code. */
  async finish(): Promise<number | null> {
    this.child.stdin!.end();
    await this.ended();
    return this.child.exitCode;
  }

  /** `kill -9`, if it still runs. */
  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.ended();
  }

  private async ended(): Promise<void> {
    const { exitCode, signalCode, pid } = this.child;
    if (exitCode === null && signalCode === null && pid !== undefined) await once(this.child, "close");
  }
}
