import type { Person } from "../support/person";
import { expect, test, UNLIMITED } from "../support/test";

const KB = 1_000;
/** Most that the wasm may be, over the wire, by each compiler that builds it; and all of a first visit. */
const WASM_MAX = 215 * KB;
const ALL_MAX = 240 * KB;
/** Size of each kind of file over the wire when this was last written down (Rust 1.95), in KB: a failure compares with it. */
const WRITTEN_DOWN: Record<string, number> = { wasm: 203.8, js: 6.8, css: 6.9 };

/** Each kind of file beside what was written down of it, the one that grew most first. */
function grown(bytes: Map<string, number>): string {
  const kinds = Object.entries(WRITTEN_DOWN).map(([kind, before]) => {
    const now = [...bytes].filter(([path]) => path.endsWith(`.${kind}`)).reduce((sum, [, size]) => sum + size, 0) / KB;
    return { kind, before, now };
  });
  kinds.sort((a, b) => b.now - b.before - (a.now - a.before));
  const line = ({ kind, before, now }: (typeof kinds)[number]) =>
    `${kind}: ${now.toFixed(1)} KB, ${(now - before).toFixed(1)} more than the ${before} written down`;
  return `the first visit is too large\n${kinds.map(line).join("\n")}`;
}

/** Bytes over the wire of each file, as the browser counted them. */
async function transfers(person: Person, path: string): Promise<Map<string, number>> {
  const devtools = await person.context.newCDPSession(person.page);
  await devtools.send("Network.enable");
  const paths = new Map<string, string>();
  const bytes = new Map<string, number>();
  devtools.on("Network.requestWillBeSent", ({ requestId, request }) => paths.set(requestId, new URL(request.url).pathname));
  devtools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const path = paths.get(requestId) ?? requestId;
    bytes.set(path, (bytes.get(path) ?? 0) + encodedDataLength);
  });
  await person.visit(path);
  await person.page.waitForLoadState("networkidle");
  return bytes;
}

test.describe("to a busy room", () => {
  test.use({ limits: UNLIMITED });

  test("the first visit transfers little", { tag: "@size" }, async ({ join, wire }) => {
    const chatter = Array.from({ length: 60 }, (_, at) => `Message ${at}: the gate is open, 대문이 열려 있어요.`);
    await (await wire("Ben")).postAll("lobby", chatter);
    const ada = await join({ path: null });
    const bytes = await transfers(ada, "/r/lobby");
    // They come later, when there is nothing else to do: parts.spec.ts has their sizes.
    [...bytes.keys()].filter((path) => path.includes("/parts/")).forEach((path) => bytes.delete(path));
    const wasm = [...bytes].filter(([path]) => path.endsWith(".wasm")).reduce((sum, [, size]) => sum + size, 0);
    const all = [...bytes.values()].reduce((sum, size) => sum + size, 0);
    const parts = [...bytes].map(([path, size]) => `${path} ${(size / KB).toFixed(1)}`).join(", ");
    console.log(`    first visit: ${(all / KB).toFixed(1)} KB (${parts})`);
    expect(wasm).toBeGreaterThan(0);
    expect(wasm, grown(bytes)).toBeLessThanOrEqual(WASM_MAX);
    expect(all, grown(bytes)).toBeLessThanOrEqual(ALL_MAX);
  });

  test("a page that is touched while it comes to life loses nothing", async ({ join, wire }) => {
    await (await wire("Ben")).postAll("lobby", Array.from({ length: 60 }, (_, at) => `Message ${at}`));
    const ada = await join({ path: null });
    // Each step waits for a message to oneself: after some, no more arrive.
    await ada.page.addInitScript(() => {
      const { postMessage } = MessagePort.prototype;
      const held: (() => void)[] = [];
      let left = 4;
      MessagePort.prototype.postMessage = function (this: MessagePort, message: unknown) {
        const send = () => postMessage.call(this, message);
        if (left-- > 0) send();
        else held.push(send);
      };
      Object.assign(window, { held, goOn: () => ((left = Infinity), held.splice(0).forEach((send) => send())) });
    });
    await ada.page.goto(`${ada.base}/r/lobby`);
    await ada.page.waitForFunction(() => (window as unknown as { held: unknown[] }).held.length > 0);
    await expect(ada.page.locator("html")).not.toHaveAttribute("data-alive");
    await ada.composer.pressSequentially("begun");
    await ada.composer.press("Enter");
    await ada.message("Message 58").hover();
    await ada.page.locator(".you").click();
    const settings = ada.page.locator("#settings");
    await expect(settings.locator("input[name=name]")).toBeVisible();
    await settings.locator("form").evaluateAll((forms) => forms.forEach((form) => form.setAttribute("data-from-server", "")));
    await ada.page.evaluate(() => (window as unknown as { goOn: () => void }).goOn());
    await ada.alive();
    await ada.connected();
    await expect(settings.locator("[data-from-server]")).toHaveCount(0);
    await expect(settings.locator("form")).toHaveCount(2);
    await ada.page.keyboard.press("Escape");
    await expect(ada.composer).toHaveValue("begun\n");
    await ada.act("Message 57", "Reply");
    await ada.composer.press("Enter");
    await ada.sent("begun");
  });
});

// No browser keeps the unoptimised wasm, which is too large for its cache.
test("a second visit loads the page alone", { tag: "@size" }, async ({ join }) => {
  const ada = await join();
  const bytes = await transfers(ada, "/r/lobby");
  const big = [...bytes].filter(([path, size]) => path.startsWith("/pkg/") && size > 0);
  expect(big).toEqual([]);
});

test("the page hydrates soon and does not flicker", async ({ join, wire }) => {
  await (await wire("Ben")).postAll("lobby", ["one", "two", "three"]);
  const ada = await join({ path: null });
  await ada.page.addInitScript(() => {
    const times = { alive: 0, shifts: 0 };
    Object.assign(window, { times });
    new MutationObserver((_, observer) => {
      if (!document.documentElement?.hasAttribute("data-alive")) return;
      times.alive = performance.now();
      observer.disconnect();
    }).observe(document, { attributes: true, subtree: true, attributeFilter: ["data-alive"] });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) times.shifts += (entry as unknown as { value: number }).value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  await ada.visit();
  await ada.reads(["one", "two", "three"]);
  const { alive, shifts, loaded } = await ada.page.evaluate(() => ({
    ...(window as unknown as { times: { alive: number; shifts: number } }).times,
    loaded: performance.getEntriesByType("navigation")[0]!.toJSON().loadEventEnd as number,
  }));
  console.log(`    alive ${alive.toFixed(0)} ms after the navigation (loaded: ${loaded.toFixed(0)} ms), layout shift ${shifts.toFixed(4)}`);
  expect(alive).toBeGreaterThan(0);
  // A second on a machine that has nothing else to do; this one may have.
  expect(alive).toBeLessThan(10_000);
  expect(shifts).toBeLessThan(0.02);
});

test("the browser takes over the very elements that the server rendered", async ({ join, wire }) => {
  await (await wire("Ben")).postAll("lobby", ["one", "two", "three"]);
  const ada = await join({ path: null });
  const held = await holdWasm(ada);
  await ada.page.goto(`${ada.base}/r/lobby`);
  await expect(ada.message("three")).toBeVisible();
  await ada.messages.evaluateAll((rows) => rows.forEach((row) => row.setAttribute("data-from-server", "")));
  held.release();
  await ada.alive();
  await ada.connected();
  await expect(ada.log.locator(".message[data-from-server]")).toHaveCount(3);
});

test("before hydration, the plain form sends a message", async ({ join }) => {
  const ben = await join({ name: "Ben" });
  const ada = await join({ path: null });
  const held = await holdWasm(ada);
  await ada.page.goto(`${ada.base}/r/lobby`);
  await ada.composer.fill("early bird");
  await ada.page.getByRole("button", { name: "Send" }).click();
  await expect(ada.message("early bird")).toBeVisible();
  await ben.reads(["early bird"]);
  held.release();
  await ada.alive();
  await ada.post("and alive");
  await ben.reads(["early bird", "and alive"]);
});

test("text typed before hydration is kept", async ({ join }) => {
  const ada = await join({ path: null });
  const held = await holdWasm(ada);
  await ada.page.goto(`${ada.base}/r/lobby`);
  await ada.composer.pressSequentially("begun earl");
  held.release();
  await ada.alive();
  await ada.connected();
  await expect(ada.composer).toHaveValue("begun earl");
  await ada.composer.pressSequentially("y");
  await ada.composer.press("Enter");
  await ada.reads(["begun early"]);
});

test("an edit that is typed before the page is alive is kept", async ({ join }) => {
  const ada = await join();
  await ada.post("first words");
  const seq = await ada.messages.first().getAttribute("data-seq");
  const held = await holdWasm(ada);
  await ada.page.goto(`${ada.base}/r/lobby/${seq}/edit`);
  const field = ada.page.locator(".edit-text");
  await field.fill("other words");
  await field.press("Home");
  held.release();
  await ada.alive();
  await ada.connected();
  await expect(field).toHaveValue("other words");
  await expect(field).toBeFocused();
  await ada.page.keyboard.type("and ");
  await expect(field, "typing goes on where it was").toHaveValue("and other words");
  await field.press("Enter");
  await ada.reads(["and other words"]);
});

test("forms that are filled in before the page is alive are kept", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const held = await holdWasm(ada);
  await ada.page.goto(`${ada.base}/r/lobby`);
  await ada.page.locator(".new-room summary").click();
  const title = ada.page.locator(".new-room input[name=title]");
  await title.fill("Garden");
  await ada.page.locator(".you").click();
  const name = ada.page.locator("#settings input[name=name]");
  await name.fill("Ada Lovelace");
  held.release();
  await ada.alive();
  await ada.connected();
  await expect(name).toHaveValue("Ada Lovelace");
  await expect(title).toHaveValue("Garden");
  await name.press("Enter");
  await expect(ada.page.locator(".you-name")).toHaveText("Ada Lovelace");
});

test("the page may load and run nothing but its own", async ({ join }) => {
  const ada = await join({ path: null });
  const answer = await ada.page.goto(`${ada.base}/r/lobby`);
  const headers = answer!.headers();
  const policy = headers["content-security-policy"] ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain("unsafe-inline");
  expect(policy).not.toMatch(/'unsafe-eval'/);
  expect(headers["x-content-type-options"]).toBe("nosniff");
  await ada.alive();
  const [login] = (await ada.context.cookies()).filter((cookie) => cookie.name.startsWith("madang_login_"));
  expect(login).toMatchObject({ httpOnly: true, sameSite: "Lax" });
});

/** Holds the page's wasm back until released. */
async function holdWasm(person: Person): Promise<{ release: () => void }> {
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await person.page.route(/\.wasm(\?|$)/, async (route) => {
    await released;
    // The page that asked may be gone by now.
    await route.continue().catch(() => undefined);
  });
  return { release };
}
