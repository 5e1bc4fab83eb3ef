import { randomBytes } from "node:crypto";
import WebSocket from "ws";

/** A frame of `madang.v1`; docs/protocol.md says which there are. */
export interface Frame {
  t: string;
  [field: string]: unknown;
}

/** A person without a browser, who speaks the protocol: fills rooms faster than anyone types. */
export class Wire {
  private readonly waiting = new Map<string, { done: (seq: number) => void; refused: (why: Error) => void }>();
  readonly seen: Frame[] = [];

  private constructor(
    private readonly socket: WebSocket,
    private readonly url: string,
    private readonly cookie: string,
  ) {
    socket.on("error", () => socket.terminate());
    socket.on("message", (data) => this.take(JSON.parse(data.toString()) as Frame));
  }

  /** Connects as a new guest, with a nickname if one is given. */
  static async join(url: string, name?: string): Promise<Wire> {
    const socket = new WebSocket(url.replace(/^http/, "ws") + "/ws", "madang.v1");
    let cookie = "";
    socket.on("upgrade", (response) => {
      cookie = (response.headers["set-cookie"] ?? []).map((line) => line.split(";")[0]).join("; ");
    });
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    const wire = new Wire(socket, url, cookie);
    wire.send({ t: "hello", resume: [] });
    if (name) await wire.rename(name);
    return wire;
  }

  send(frame: Frame): void {
    this.socket.send(JSON.stringify(frame));
  }

  /** Posts, and resolves to the message's seq once it is durable. */
  post(room: string, body: string, replyTo?: number): Promise<number> {
    return this.write({ t: "post", room, body, ...(replyTo ? { reply_to: replyTo } : {}) });
  }

  /** Posts many at once, in order. */
  async postAll(room: string, bodies: string[]): Promise<number[]> {
    return Promise.all(bodies.map((body) => this.post(room, body)));
  }

  edit(room: string, seq: number, body: string): Promise<number> {
    return this.write({ t: "edit", room, seq, body });
  }

  delete(room: string, seq: number): Promise<number> {
    return this.write({ t: "delete", room, seq });
  }

  async rename(name: string): Promise<void> {
    await this.form("/me", { name }, 204);
  }

  /** Opens a room, and resolves to its id. */
  async open(title: string): Promise<string> {
    const answer = await this.form("/rooms", { title }, 201);
    return ((await answer.json()) as { room: string }).room;
  }

  /** Leaves without a word. */
  end(): void {
    this.socket.terminate();
  }

  private async form(path: string, fields: Record<string, string>, wanted: number): Promise<Response> {
    const headers = { cookie: this.cookie, accept: "application/json" };
    const answer = await fetch(this.url + path, { method: "POST", headers, body: new URLSearchParams(fields) });
    if (answer.status !== wanted) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }

  private write(frame: Frame): Promise<number> {
    const cmid = randomBytes(16).toString("hex");
    return new Promise((done, refused) => {
      this.waiting.set(cmid, { done, refused });
      this.send({ ...frame, cmid });
    });
  }

  private take(frame: Frame): void {
    this.seen.push(frame);
    const write = this.waiting.get(String(frame.cmid));
    if (!write || !["done", "refused"].includes(frame.t)) return;
    this.waiting.delete(String(frame.cmid));
    if (frame.t === "done") write.done(Number(frame.seq));
    else write.refused(new Error(`${frame.code}: ${frame.message}`));
  }
}
