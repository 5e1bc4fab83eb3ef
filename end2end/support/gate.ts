import { once } from "node:events";
import { connect, createServer, type Server as Listener, type Socket } from "node:net";
import type { Server } from "./server";

/** One connection of a browser, and its other half. */
interface Line {
  client: Socket;
  upstream?: Socket;
  /** Last request on it, as `GET /ws`. */
  asked: string;
}

/** Faults of a network. */
interface Manners {
  /** Cuts every connection, and each new one at once. */
  closed: boolean;
  /** Answers what begins so with a status, and passes nothing on. */
  refused: Map<string, number>;
  /** Keeps back the answers to event streams until they end. */
  buffering: boolean;
  /** Cuts answers that take longer, in ms. */
  patience: number;
}

const OPEN: Manners = { closed: false, refused: new Map(), buffering: false, patience: Infinity };
const SOCKETS = "GET /ws";
const SESSIONS = "POST /rt";
const STREAMS = /^GET \/rt\/\S+\/events/;
const LASTING = /^GET \/(ws|rt\/)/;

/**
 * A TCP proxy before a server, for what a browser's own offline switch does not do: it leaves open sockets open.
 */
export class Gate {
  private manners = OPEN;
  private readonly lines = new Set<Line>();

  private constructor(
    private readonly listener: Listener,
    private readonly server: Server,
  ) {
    listener.on("connection", (client) => this.accept(client));
  }

  static async before(server: Server): Promise<Gate> {
    const listener = createServer();
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    return new Gate(listener, server);
  }

  get url(): string {
    const address = this.listener.address();
    if (!address || typeof address === "string") throw new Error("the gate is gone");
    return `http://127.0.0.1:${address.port}`;
  }

  /** Lets everything through, and what was held. */
  open(): void {
    this.manners = OPEN;
    for (const { client, upstream } of this.lines) {
      client.resume();
      upstream?.resume();
    }
  }

  /** Cuts every connection, and each new one at once. */
  close(): void {
    this.manners = { ...this.manners, closed: true };
    this.cut();
  }

  /** Answers 403 to every WebSocket, as some proxies do; those that are open are cut. */
  refuseSockets(): void {
    this.refuse(SOCKETS, 403);
  }

  /** Pages load, but there is no connection of any kind; those that are open are cut. */
  refuseConnections(): void {
    this.refuse(SOCKETS, 503);
    this.refuse(SESSIONS, 503);
  }

  /** Keeps event streams back until they end, as some proxies do. */
  bufferStreams(): void {
    this.manners = { ...this.manners, buffering: true };
    this.cut();
  }

  /** Cuts whatever lasts longer, as most proxies do after a minute. */
  cutAfter(ms: number): void {
    this.manners = { ...this.manners, patience: ms };
    this.cut();
  }

  /** Nothing passes on the connections that there are, and nobody is told: the way a Wi-Fi goes. */
  hold(): void {
    for (const { client, upstream } of this.lines) {
      client.pause();
      upstream?.pause();
    }
  }

  /** Requests arrive; the answers on present connections do not. */
  holdAnswers(): void {
    this.lines.forEach(({ upstream }) => upstream?.pause());
  }

  /** Cuts every connection once. */
  cut(): void {
    for (const { client, upstream } of this.lines) {
      client.destroy();
      upstream?.destroy();
    }
  }

  async remove(): Promise<void> {
    this.close();
    const gone = once(this.listener, "close");
    this.listener.close();
    await gone;
  }

  private refuse(what: string, status: number): void {
    this.manners = { ...this.manners, refused: new Map(this.manners.refused).set(what, status) };
    this.cut();
  }

  private accept(client: Socket): void {
    const line: Line = { client, asked: "" };
    this.lines.add(line);
    prepare(client, () => {
      this.lines.delete(line);
      line.upstream?.destroy();
    });
    if (this.manners.closed) return void client.destroy();
    // Browsers ask one thing at a time on a connection, and its head comes in one piece.
    client.on("data", (sent: Buffer) => this.pass(line, sent));
  }

  private pass(line: Line, sent: Buffer): void {
    const { client } = line;
    const asked = /^[A-Z]+ \/\S*(?= HTTP\/1\.1\r\n)/.exec(sent.toString("latin1", 0, 400))?.[0];
    if (asked) {
      line.asked = asked;
      const [, status] = [...this.manners.refused].find(([what]) => asked.startsWith(what)) ?? [];
      if (status) {
        client.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
        return;
      }
      if (LASTING.test(asked) && this.manners.patience < Infinity) {
        const cut = setTimeout(() => line.asked === asked && client.destroy(), this.manners.patience);
        client.once("close", () => clearTimeout(cut));
      }
    }
    const upstream = (line.upstream ??= this.dial(line));
    upstream.write(sent);
  }

  private dial(line: Line): Socket {
    const upstream = connect(this.server.address);
    prepare(upstream, () => line.client.destroy());
    upstream.on("data", (answer: Buffer) => {
      if (this.manners.buffering && STREAMS.test(line.asked)) return;
      line.client.write(answer);
    });
    return upstream;
  }
}

function prepare(socket: Socket, closed: () => void): void {
  socket.setNoDelay(true);
  // A cut connection ends in an error on one side or the other; that is what the gate is for.
  socket.on("error", () => socket.destroy());
  socket.on("close", closed);
}
