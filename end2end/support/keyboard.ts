import type { CDPSession } from "@playwright/test";
import type { Person } from "./person";

/** Code of a key while an input method has it. */
const TAKEN = 229;

/**
 * A Korean keyboard, as Chromium sees one: each syllable is composed, and each key of it is reported as taken by the
 * input method. `Input.imeSetComposition` and `Input.insertText` play what the input method does.
 */
export class KoreanKeyboard {
  private constructor(private readonly devtools: CDPSession) {}

  static async of(person: Person): Promise<KoreanKeyboard> {
    return new KoreanKeyboard(await person.context.newCDPSession(person.page));
  }

  /** Composes syllables; the last one stays open, as it does under a person's fingers. Each is given by its steps. */
  async compose(...syllables: string[][]): Promise<void> {
    for (const [at, steps] of syllables.entries()) {
      for (const text of steps) {
        await this.taken("KeyG");
        await this.devtools.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
        await this.released("KeyG");
      }
      if (at < syllables.length - 1) await this.commit(steps.at(-1)!);
    }
  }

  /** The open syllable is done. */
  async commit(text: string): Promise<void> {
    await this.devtools.send("Input.insertText", { text });
  }

  /** One press of Enter while `open` is composed, where the browser reports no second key (Linux, Android). */
  async enter(open: string): Promise<void> {
    await this.taken("Enter");
    await this.commit(open);
    await this.released("Enter");
  }

  /** One press of Enter while `open` is composed, where the key comes again after the composition (Windows, macOS). */
  async enterTwiceReported(open: string): Promise<void> {
    await this.taken("Enter");
    await this.commit(open);
    const key = { code: "Enter", key: "Enter", windowsVirtualKeyCode: 13 };
    await this.devtools.send("Input.dispatchKeyEvent", { type: "keyDown", ...key, text: "\r" });
    await this.devtools.send("Input.dispatchKeyEvent", { type: "keyUp", ...key });
  }

  private async taken(code: string): Promise<void> {
    const key = { code, key: "Process", windowsVirtualKeyCode: TAKEN };
    await this.devtools.send("Input.dispatchKeyEvent", { type: "rawKeyDown", ...key });
  }

  private async released(code: string): Promise<void> {
    const key = { code, key: code === "Enter" ? "Enter" : "ㅎ", windowsVirtualKeyCode: code === "Enter" ? 13 : 71 };
    await this.devtools.send("Input.dispatchKeyEvent", { type: "keyUp", ...key });
  }
}
