import { expect } from "@playwright/test";
import type { Tab } from "./browser";

const text = (selector: string) => `document.querySelector(${JSON.stringify(selector)})?.textContent.trim() ?? ""`;

/** Somebody in a tab. */
export class Someone {
  constructor(
    readonly tab: Tab,
    readonly base: string,
  ) {}

  /** Loads a page, and waits until it is alive and connected. */
  async visit(path = "/r/lobby"): Promise<void> {
    await this.tab.goto(this.base + path);
    await this.alive();
    await this.connected();
  }

  async alive(): Promise<void> {
    await this.shows(`document.documentElement.hasAttribute("data-alive")`, true);
  }

  async connected(by?: string): Promise<void> {
    const state = `document.querySelector(".connection").dataset`;
    if (by) await this.shows(`${state}.transport`, by);
    await this.shows(`${state}.connected`, "true");
  }

  /** Types a message and presses Enter. */
  async say(body: string): Promise<void> {
    await this.tab.type("#composer-text", body);
    await this.tab.enter("#composer-text");
    await this.shows(`document.querySelector("#composer-text").value`, "");
  }

  /** All messages are these, in this order. */
  async reads(bodies: string[]): Promise<void> {
    const all = `[...document.querySelectorAll(".message .text")].map((text) => text.firstChild?.textContent ?? "")`;
    await this.shows(all, bodies);
    await this.shows(`document.querySelectorAll(".message.pending, .message.failed").length`, 0);
  }

  click(selector: string): Promise<void> {
    return this.tab.run(`void document.querySelector(${JSON.stringify(selector)}).click()`);
  }

  async shows(expression: string, value: unknown): Promise<void> {
    const now = () => this.tab.run(expression).catch((error: unknown) => String(error));
    await expect.poll(now, { timeout: 40_000, message: expression }).toEqual(value);
  }

  /** The text of an element. */
  async reading(selector: string, words: string): Promise<void> {
    await this.shows(text(selector), words);
  }
}
