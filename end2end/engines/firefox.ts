import puppeteer, { type Page } from "puppeteer-core";
import type { Browser, Tab, Wishes } from "./browser";

/** Firefox, by WebDriver BiDi. */
export async function firefox({ dark = false }: Wishes): Promise<Browser> {
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: process.env.MADANG_FIREFOX ?? "/usr/bin/firefox-esr",
    headless: true,
    extraPrefsFirefox: {
      "intl.accept_languages": "en-US, en",
      "layout.css.prefers-color-scheme.content-override": dark ? 0 : 1,
    },
  });
  const errors: string[] = [];
  const wrap = (page: Page): Tab => {
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    return {
      goto: async (url) => void (await page.goto(url)),
      run: (expression) => page.evaluate(expression) as never,
      type: (selector, text) => page.type(selector, text),
      enter: async (selector) => {
        await page.focus(selector);
        await page.keyboard.press("Enter");
      },
      size: (width, height) => page.setViewport({ width, height }),
      another: async () => wrap(await browser.newPage()),
    };
  };
  return { tab: wrap(await browser.newPage()), errors, close: () => browser.close() };
}
