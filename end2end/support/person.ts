import { type BrowserContext, expect, type Locator, type Page } from "@playwright/test";

/** A person in a browser of their own. */
export class Person {
  readonly log: Locator;
  readonly messages: Locator;
  readonly composer: Locator;
  /** Always there, and tells the connection's state in attributes. */
  readonly connection: Locator;

  constructor(
    readonly page: Page,
    /** Where this person reaches the server. */
    readonly base: string,
  ) {
    this.log = page.getByRole("log");
    this.messages = this.log.locator(".message");
    this.composer = page.locator("#composer-text");
    this.connection = page.locator(".connection");
  }

  get context(): BrowserContext {
    return this.page.context();
  }

  /** Loads a page, and waits until it is alive and connected. */
  async visit(path = "/r/lobby"): Promise<void> {
    await this.page.goto(this.base + path);
    await this.alive();
    await this.connected();
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.alive();
  }

  /** The browser runs the page: it is hydrated. */
  async alive(): Promise<void> {
    await expect(this.page.locator("html")).toHaveAttribute("data-alive", "");
  }

  async connected(): Promise<void> {
    await expect(this.connection).toHaveAttribute("data-connected", "true", { timeout: 40_000 });
  }

  /** Connected, and by this: `websocket`, `eventsource`, `poll`, or `tab` through the tab that leads. */
  async connectedBy(transport: string): Promise<void> {
    await expect(this.connection).toHaveAttribute("data-transport", transport, { timeout: 40_000 });
    await this.connected();
  }

  /** The same person in another tab of the same browser. */
  async tab(path = "/r/lobby"): Promise<Person> {
    const tab = new Person(await this.context.newPage(), this.base);
    await tab.visit(path);
    return tab;
  }

  async disconnected(): Promise<void> {
    await expect(this.connection).toHaveAttribute("data-connected", "false");
  }

  /** Writes a message and presses Enter; on a touch screen, the button. */
  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    const touched = await this.page.evaluate(() => matchMedia("(pointer: coarse) and (hover: none)").matches);
    if (touched) await this.page.locator(".composer .send").click();
    else await this.composer.press("Enter");
    await expect(this.composer).toHaveValue("");
  }

  /** Writes a message, and waits until the server has it. */
  async post(text: string): Promise<void> {
    await this.say(text);
    await this.sent(text);
  }

  /** The rows that contain this text. */
  message(text: string): Locator {
    return this.messages.filter({ hasText: text });
  }

  /** The message is here once, and the server has it. */
  async sent(text: string): Promise<void> {
    const row = this.message(text);
    await expect(row).toHaveCount(1);
    await expect(row).toHaveAttribute("data-seq", /^\d+$/);
    await expect(row).not.toHaveClass(/pending|failed/);
  }

  /** The texts of all messages in the window, oldest first. */
  bodies(): Promise<string[]> {
    return this.messages
      .locator(".text")
      .evaluateAll((texts) => texts.map((text) => text.firstChild?.textContent ?? ""));
  }

  /** All messages are these, in this order. */
  async reads(bodies: string[], timeout = 40_000): Promise<void> {
    await expect.poll(() => this.bodies(), { timeout }).toEqual(bodies);
  }

  /** The actions of a message, as the mouse finds them. */
  async act(text: string, action: string): Promise<void> {
    const row = this.message(text);
    await row.hover();
    await row.getByRole("group").getByLabel(action, { exact: true }).click();
  }

  room(title: string): Locator {
    return this.page.locator(".room-link").filter({ hasText: title });
  }

  /** Goes to a room of the list. */
  async enter(title: string): Promise<void> {
    await this.room(title).click();
    await expect(this.page.getByRole("heading", { level: 1 })).toHaveText(title);
  }

  /** Opens a room with the form in the list. */
  async open(title: string): Promise<void> {
    const form = this.page.locator(".new-room");
    await form.locator("summary").click();
    await form.getByRole("textbox").fill(title);
    await form.getByRole("button").click();
    await expect(this.page.getByRole("heading", { level: 1 })).toHaveText(title);
  }

  async openSettings(): Promise<Locator> {
    await this.page.locator(".you").click();
    const settings = this.page.locator("#settings");
    await expect(settings).toBeVisible();
    return settings;
  }

  /** Chooses a nickname in the settings. */
  async rename(name: string): Promise<void> {
    const settings = await this.openSettings();
    await settings.locator("input[name=name]").fill(name);
    await settings.getByRole("button", { name: "Save" }).click();
    await expect(settings.getByRole("status")).toHaveText("Saved");
    await this.page.keyboard.press("Escape");
    await expect(settings).toBeHidden();
  }
}
