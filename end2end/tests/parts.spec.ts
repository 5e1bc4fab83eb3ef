import type { Page, Route } from "@playwright/test";
import { expect, test } from "../support/test";

const PART = /\/pkg\/parts\//;

/** Answers requests for parts by `answer` from now on. */
const parts = (page: Page, answer: (route: Route) => Promise<void>) => page.route(PART, answer);

test("parts are fetched ahead, and not before the page is alive", { tag: "@parts" }, async ({ join }) => {
  const ada = await join({ path: null });
  const fetched: string[] = [];
  const sizes: Promise<string>[] = [];
  ada.page.on("response", (response) => {
    if (!PART.test(response.url())) return;
    const name = response.url().split("/").at(-1)!;
    fetched.push(name);
    sizes.push(response.request().sizes().then(({ responseBodySize }) => `${name} ${(responseBodySize / 1_000).toFixed(1)} KB`));
  });
  await ada.page.setViewportSize({ width: 800, height: 800 });
  await ada.page.goto(`${ada.base}/r/lobby`);
  await ada.alive();
  expect(fetched).toEqual([]);
  await expect.poll(() => fetched).toContain("panels.wasm");
  expect(fetched, "most visitors never choose from all emoji").not.toContain("picker.wasm");
  console.log(`    parts: ${(await Promise.all(sizes)).join(", ")}`);
});

test("the people stand beside a page that became wide, and come and go", async ({ join }) => {
  const ada = await join({ path: null });
  await ada.page.setViewportSize({ width: 800, height: 800 });
  await ada.visit();
  const people = ada.page.locator("#people");
  await expect(people).toBeHidden();
  await ada.page.setViewportSize({ width: 1_400, height: 800 });
  await expect(people).toBeVisible();
  await join({ name: "Ben" });
  await expect(people).toContainText("Ben");
});

test("settings work soon after they were asked for first", async ({ join }) => {
  const ada = await join({ name: "Ada" });
  const took = await ada.page.evaluate(async () => {
    const settings = document.querySelector("#settings")!;
    const before = settings.querySelector("form");
    const start = performance.now();
    document.querySelector<HTMLElement>(".you")!.click();
    while ([before, null].includes(settings.querySelector("form"))) await new Promise((go) => setTimeout(go));
    return performance.now() - start;
  });
  console.log(`    settings drawn ${took.toFixed(0)} ms after the click`);
  // A tenth of a second on a machine that has nothing else to do; this one may have.
  expect(took).toBeLessThan(2_000);
  await ada.page.keyboard.press("Escape");
  await ada.rename("Ada Lovelace");
  await expect(ada.page.locator(".you-name")).toHaveText("Ada Lovelace");
});

test("a name typed before its part arrived is kept", { tag: "@parts" }, async ({ join }) => {
  let release = () => {};
  const released = new Promise<void>((go) => (release = go));
  const ada = await join({ path: null });
  await parts(ada.page, async (route) => {
    await released;
    await route.continue();
  });
  await ada.visit();
  const settings = await ada.openSettings();
  const name = settings.locator("input[name=name]");
  await name.fill("Grace");
  await name.press("Home");
  await settings.locator("form").evaluateAll((forms) => forms.forEach((form) => form.setAttribute("data-from-server", "")));
  release();
  await expect(settings.locator("form")).toHaveCount(2);
  await expect(settings.locator("[data-from-server]")).toHaveCount(0);
  await expect(name).toHaveValue("Grace");
  await expect(name).toBeFocused();
  await ada.page.keyboard.type("Amazing ");
  await expect(name).toHaveValue("Amazing Grace");
  await name.press("Enter");
  await expect(settings.getByRole("status")).toHaveText("Saved");
  await expect(ada.page.locator(".you-name")).toHaveText("Amazing Grace");
});

for (const [why, answer] of [
  ["of another version", (route: Route) => route.fulfill({ status: 404 })],
  ["out of reach", (route: Route) => route.abort("connectionrefused")],
] as const) {
  test(`a part of a server ${why} is missed in words, and nothing breaks`, { tag: "@parts" }, async ({ join, guard }) => {
    guard.allow(/404|ERR_CONNECTION_REFUSED|TypeError|Incorrect response MIME type|HTTP status code is not ok/);
    const ada = await join({ name: "Ada", path: null });
    await parts(ada.page, answer);
    await ada.visit();
    await ada.post("one");
    await ada.act("one", "Edit");
    const toast = ada.page.locator(".toast");
    await expect(toast).toContainText("Reload the page");
    await ada.reads(["one"]);
    await ada.act("one", "Delete");
    await ada.composer.pressSequentially("a draft");
    const settings = await ada.openSettings();
    await expect(settings.locator("input[name=name]"), "the form of the server's page").toBeVisible();
    await ada.page.keyboard.press("Escape");
    await ada.page.unroute(PART);
    await ada.act("one", "Edit");
    await ada.page.locator(".edit-text").fill("two");
    await ada.page.locator(".edit-text").press("Enter");
    await ada.reads(["two"]);
    await ada.reload();
    await expect(ada.composer).toHaveValue("a draft");
  });
}
