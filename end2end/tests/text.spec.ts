import { expect, test } from "../support/test";

test("markup in a message stays text", async ({ join }) => {
  const ada = await join({ name: "<b>Ada</b>" });
  const ben = await join();
  const attacks = [
    "<script>window.hacked = true</script>",
    "<img src=x onerror='window.hacked = true'>",
    "</textarea><svg onload=window.hacked=true>",
    "{{constructor.constructor('window.hacked = true')()}} &amp; &lt;",
  ];
  for (const attack of attacks) await ada.post(attack);
  await ben.reads(attacks);
  await expect(ben.messages.first().locator(".author")).toHaveText("<b>Ada</b>");
  // The server's own rendering, too.
  await ben.reload();
  await ben.reads(attacks);
  await expect(ben.log.locator("script, img, svg[onload]")).toHaveCount(0);
  expect(await ben.page.evaluate(() => "hacked" in window)).toBe(false);
});

test("the form to edit a message shows its markup as text", async ({ join }) => {
  const ada = await join();
  const attack = "</textarea><img src=x onerror='window.hacked = true'>\n<b>&lt;</b>";
  await ada.post(attack);
  const seq = await ada.messages.first().getAttribute("data-seq");
  await ada.visit(`/r/lobby/${seq}/edit`);
  await expect(ada.page.locator(".edit-text")).toHaveValue(attack);
  await expect(ada.log.locator("img")).toHaveCount(0);
  expect(await ada.page.evaluate(() => "hacked" in window)).toBe(false);
});

test("addresses are links that open safely elsewhere", async ({ join }) => {
  const ada = await join();
  await ada.post("Look at https://example.org/a?b=c#d, and (http://example.com/x).");
  const links = ada.message("Look at").locator(".text a");
  await expect(links).toHaveText(["https://example.org/a?b=c#d", "http://example.com/x"]);
  for (const link of await links.all()) {
    await expect(link).toHaveAttribute("target", "_blank");
    await expect(link).toHaveAttribute("rel", /noopener/);
    await expect(link).toHaveAttribute("rel", /noreferrer/);
  }
  await expect(links.first()).toHaveAttribute("href", "https://example.org/a?b=c#d");
});

test("only addresses of web pages become links", async ({ join }) => {
  const ada = await join();
  const harmless = [
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "JaVaScRiPt://example.org/%0aalert(1)",
  ];
  for (const text of harmless) await ada.post(text);
  await expect(ada.messages).toHaveCount(harmless.length);
  await expect(ada.log.locator(".text a")).toHaveCount(0);
});

test("lines, spaces, emoji and other scripts are shown as written", async ({ join }) => {
  const ada = await join();
  const ben = await join();
  const bodies = ["first line\n  indented\n\nlast line", "👩‍👩‍👧‍👦 🇰🇷 e\u0301", "مرحبا بالعالم", "각 (NFD: 각)"];
  for (const body of bodies) await ada.say(body);
  await ben.reads(bodies);
  const text = ben.messages.first().locator(".text");
  expect(await text.evaluate((text) => (text as HTMLElement).innerText)).toContain("  indented");
});

test("a word without an end does not widen the page", async ({ join }) => {
  const ada = await join();
  await ada.post("a".repeat(2_000));
  await ada.post(`https://example.org/${"b".repeat(1_000)}`);
  const wide = await ada.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(wide).toBeLessThanOrEqual(0);
  expect(await ada.log.evaluate((log) => log.scrollWidth - log.clientWidth)).toBeLessThanOrEqual(0);
});

test("text that is too long is counted and kept", async ({ server, join }) => {
  await server.stop();
  await server.start(["--max-body", "300"]);
  const ada = await join();
  await ada.composer.fill("x".repeat(200));
  await expect(ada.page.getByText("100 characters left")).toBeVisible();
  await ada.composer.fill("x".repeat(303));
  await expect(ada.page.getByText("3 characters too many")).toBeVisible();
  await ada.composer.press("Enter");
  await expect(ada.composer).toHaveValue("x".repeat(303));
  await expect(ada.messages).toHaveCount(0);
  await ada.composer.fill("   ");
  await ada.composer.press("Enter");
  await expect(ada.messages).toHaveCount(0);
});

test("server and browser show the same of every host", async ({ join }) => {
  const hosts = [
    "example.org",
    "bücher.example",
    "한국.kr",
    "한글.한국",
    "日本語.jp",
    "пример.рф",
    "παράδειγμα.gr",
    "مثال.example",
    "pаypal.com", // A Cyrillic а.
    "раураl.com",
    "аррӏе.com",
    "gооgle.co.kr",
    "ｅｘａｍｐｌｅ.org",
    "exa\u200bmple.org",
    "xn--80ak6aa92e.com",
    "kim한.example",
    "faß.de",
    "İstanbul.example",
    "Ⅷ.example",
    "a..b",
    "-a.example",
    "ex_ample.org",
    "127.1",
    "0x7f.1",
    "[::1]",
    "ᄒ\u1161\u11ab국.kr",
    "💩.la",
    "user@pаypal.com",
    "한국.kr:8080",
  ];
  const ada = await join();
  const ben = await join();
  await ben.say(hosts.map((host) => `https://${host}/a`).join("\n"));
  await ben.say("the end");
  await expect(ada.message("the end")).toHaveAttribute("data-seq", /./);
  const links = (texts: Element[]) => [...texts[0]!.querySelectorAll("a")].map((link) => [link.textContent, link.getAttribute("href")]);
  const inBrowser = await ada.messages.first().locator(".text").evaluateAll(links);
  const html = await (await ada.context.request.get(`${ada.base}/r/lobby`)).text();
  const onServer = await ada.page.evaluate((html) => {
    const text = new DOMParser().parseFromString(html, "text/html").querySelector(".message .text")!;
    return [...text.querySelectorAll("a")].map((link) => [link.textContent, link.getAttribute("href")]);
  }, html);
  expect(inBrowser.length).toBeGreaterThan(hosts.length / 2);
  expect(onServer).toEqual(inBrowser);
});
