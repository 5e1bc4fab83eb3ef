import type { BrowserContext } from "@playwright/test";

/**
 * Watches everything that a browser does and says: a page that works says nothing in the console, has no request
 * fail, and talks to its own server alone.
 */
export class Guard {
  private readonly problems: string[] = [];
  private readonly allowed: RegExp[] = [];

  /** Watches a person's browser. `hosts` are those of the server and of the gates before it. */
  watch(context: BrowserContext, hosts: () => string[]): void {
    const foreign = (url: string) => {
      const { protocol, host } = new URL(url);
      return /^(https?|wss?):$/.test(protocol) && !hosts().includes(host);
    };
    context.on("console", (message) => {
      // A page that is left, or that another tab takes the lead from, closes the socket that it was opening.
      const isLeaving = /WebSocket is closed before the connection is established/.test(message.text());
      if (["error", "warning"].includes(message.type()) && !isLeaving) {
        const at = message.location().url;
        this.report(`console ${message.type()}: ${message.text()} ${at}`);
      }
    });
    context.on("weberror", (error) => this.report(`page error: ${error.error().stack ?? error.error()}`));
    context.on("request", (request) => {
      if (foreign(request.url())) this.report(`request to another host: ${request.url()}`);
    });
    context.on("requestfailed", (request) => {
      // A page that is left drops what it was loading.
      const why = request.failure()?.errorText ?? "";
      if (why !== "net::ERR_ABORTED") this.report(`request failed: ${request.url()} ${why}`);
    });
    context.on("response", (response) => {
      if (response.status() >= 400) this.report(`response ${response.status()}: ${response.url()}`);
    });
    context.on("page", (page) =>
      page.on("websocket", (socket) => {
        if (foreign(socket.url())) this.report(`socket to another host: ${socket.url()}`);
      }),
    );
  }

  /** This test makes trouble on purpose, and the browser will say so in these words. */
  allow(...words: RegExp[]): void {
    this.allowed.push(...words);
  }

  /** Sockets and requests may fail: the server or the network goes away in this test. */
  allowLostConnections(): void {
    this.allow(
      /WebSocket connection to .* failed/,
      /Failed to load resource: (net::ERR|the server responded with a status of (403|410|503))/,
      /response (403|410|503): \S+\/(ws|rt)/,
      /request failed: .* net::ERR/,
      // A part of the page that was on its way.
      /console error: TypeError: Failed to fetch/,
    );
  }

  /** Errors, apart from the allowed ones. */
  found(): string[] {
    return this.problems.filter((problem) => !this.allowed.some((words) => words.test(problem)));
  }

  private report(problem: string): void {
    this.problems.push(problem);
  }
}
