/** One tab of a browser, whichever engine it has and whatever drives it. */
export interface Tab {
  /** Loads a page. */
  goto(url: string): Promise<void>;
  /** Evaluates an expression in the page, and returns its value as JSON. */
  run<T>(expression: string): Promise<T>;
  /** Types into an element, key by key. */
  type(selector: string, text: string): Promise<void>;
  /** Presses Enter in an element. */
  enter(selector: string): Promise<void>;
  /** Makes the window as large as this, in CSS pixels as far as the system lets it. */
  size(width: number, height: number): Promise<void>;
  /** Another tab of the same browser. */
  another(): Promise<Tab>;
}

/** A browser of somebody's own, with its own cookies. */
export interface Browser {
  tab: Tab;
  /** The errors that its console has shown. */
  errors: string[];
  close(): Promise<void>;
}

/** How a browser is started; `dark`: its system prefers dark colours. */
export interface Wishes {
  dark?: boolean;
}

/** The engines that `cargo xtask test` drives besides Chromium. */
export type Engine = "firefox" | "webkit";
