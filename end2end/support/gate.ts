import { once } from "node:events";
import { connect, createServer, type Server as Listener, type Socket } from "node:net";
import type { Server } from "./server";

/** One connection of a browser, and its other half. */
interface Line {
  client: Socket;
  upstream?: Socket;
}

/**
 * A TCP proxy before a server, for what a browser's own offline switch does not do: it leaves open sockets open.
 */
export class Gate {
  private closed = false;
  private upgrades = true;
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
    this.closed = false;
    this.upgrades = true;
    for (const { client, upstream } of this.lines) {
      client.resume();
      upstream?.resume();
    }
  }

  /** Cuts every connection, and each new one at once. */
  close(): void {
    this.closed = true;
    this.cut();
  }

  /** Pages load, but no WebSocket opens; those that are open are cut. */
  blockUpgrades(): void {
    this.upgrades = false;
    this.cut();
  }

  /** Nothing passes on the connections that there are, and nobody is told: the way a Wi-Fi goes. */
  hold(): void {
    for (const { client, upstream } of this.lines) {
      client.pause();
      upstream?.pause();
    }
  }

  /** What people send arrives; the answers on the connections that there are do not. */
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

  private accept(client: Socket): void {
    const line: Line = { client };
    this.lines.add(line);
    prepare(client, () => {
      this.lines.delete(line);
      line.upstream?.destroy();
    });
    if (this.closed) return void client.destroy();
    client.once("data", (head: Buffer) => {
      if (!this.upgrades && head.toString("latin1").startsWith("GET /ws")) {
        client.end("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        return;
      }
      const upstream = connect(this.server.address);
      line.upstream = upstream;
      prepare(upstream, () => client.destroy());
      upstream.write(head);
      client.pipe(upstream);
      upstream.pipe(client);
    });
  }
}

function prepare(socket: Socket, closed: () => void): void {
  socket.setNoDelay(true);
  // A cut connection ends in an error on one side or the other; that is what the gate is for.
  socket.on("error", () => socket.destroy());
  socket.on("close", closed);
}
