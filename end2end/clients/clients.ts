import type { Locator, Page } from "@playwright/test";
import type { Person } from "../support/person";
import type { Program } from "../support/program";
import { expect, write } from "../support/clients";

/** A client as it was published, in one room, over as many lives as a test gives it. */
export interface Client {
  readonly name: string;
  /** State that it resumes from after it was killed. */
  readonly returns: "to where it was" | "to the newest of the room" | "to what is said from now on";
  /** Waits until it is in the room. `after`: the number of the last message that it knows. */
  join(after?: number): Promise<void>;
  say(text: string): Promise<void>;
  /** The texts that it has shown since it joined, in that order. */
  seen(): Promise<string[]>;
  /** Ends it in the middle of whatever it does. */
  kill(): Promise<void>;
}

/** Content of a line of a program's output. */
interface Reading {
  /** The line that says that it is in the room. */
  joined: RegExp;
  /** The text is the group `text`. */
  message: RegExp;
}

/** A program that prints a line for each message, and sends each line that it is given. */
export class Spoken implements Client {
  private program?: Program;

  constructor(
    readonly name: string,
    readonly returns: Client["returns"],
    private readonly start: (after?: number) => Program,
    private readonly reading: Reading,
    private readonly post: (text: string) => Promise<void> | void = (text) => this.program!.tell(text),
  ) {}

  async join(after?: number): Promise<void> {
    this.program = this.start(after);
    await this.program.says(this.reading.joined);
  }

  async say(text: string): Promise<void> {
    await this.post(text);
  }

  async seen(): Promise<string[]> {
    const texts = this.program!.lines.map((line) => this.reading.message.exec(line)?.groups?.text);
    return texts.filter((text) => text !== undefined);
  }

  async kill(): Promise<void> {
    await this.program!.kill();
  }
}

/** A page of the examples. */
export class Shown implements Client {
  readonly returns = "to where it was";
  private page?: Page;

  constructor(
    readonly name: string,
    private readonly open: (after?: number) => Promise<Page>,
    private readonly joined: (page: Page) => Promise<void>,
  ) {}

  async join(after?: number): Promise<void> {
    this.page = await this.open(after);
    await this.joined(this.page);
  }

  async say(text: string): Promise<void> {
    await write(this.page!, text);
  }

  async seen(): Promise<string[]> {
    const items = await this.page!.locator("li").allTextContents();
    // Some show who speaks before what is said.
    return items.map((item) => item.replace(/^[^:]*: /, ""));
  }

  async kill(): Promise<void> {
    await this.page!.close({ runBeforeUnload: false });
  }
}

/** Madang's own page: it shows the newest of the room, whenever it comes. */
export class OwnPage implements Client {
  readonly name = "Madang's page";
  readonly returns = "to the newest of the room";
  private person: Person;

  constructor(
    private readonly path: string,
    first: Person,
  ) {
    this.person = first;
  }

  async join(): Promise<void> {
    if (this.person.page.isClosed()) this.person = await this.person.tab(this.path);
    else await this.person.visit(this.path);
  }

  async say(text: string): Promise<void> {
    await this.person.say(text);
  }

  async seen(): Promise<string[]> {
    return this.person.bodies();
  }

  async kill(): Promise<void> {
    await this.person.page.close({ runBeforeUnload: false });
  }
}

/** This stands in the page in these words. */
export function standsIn(locate: (page: Page) => Locator, words: string | RegExp): (page: Page) => Promise<void> {
  return (page) => expect(locate(page)).toHaveText(words);
}
