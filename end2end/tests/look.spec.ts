import type { Person } from "../support/person";
import { expect, test } from "../support/test";

const ground = (person: Person) =>
  person.page.getByRole("main").evaluate((room) => {
    const [r = 0, g = 0, b = 0] = getComputedStyle(room).backgroundColor.match(/[\d.]+/g)?.map(Number) ?? [];
    return (r + g + b) / 3 > 128 ? "light" : "dark";
  });

test("a Korean browser gets Korean, and English can be chosen", async ({ join }) => {
  const minsu = await join({ locale: "ko-KR" });
  const html = minsu.page.locator("html");
  await expect(html).toHaveAttribute("lang", "ko");
  await expect(minsu.composer).toHaveAttribute("placeholder", "메시지를 입력하세요");
  await expect(minsu.page.getByText("아직 조용한 마당이에요")).toBeVisible();
  await minsu.post("안녕하세요");
  await expect(minsu.log.locator(".day")).toHaveText(["오늘"]);

  let settings = await minsu.openSettings();
  await settings.getByRole("radio", { name: "English" }).click();
  await expect(html).toHaveAttribute("lang", "en");
  await minsu.alive();
  await expect(minsu.composer).toHaveAttribute("placeholder", "Write a message");
  await minsu.reads(["안녕하세요"]);
  await minsu.reload();
  await expect(html).toHaveAttribute("lang", "en");

  settings = await minsu.openSettings();
  await expect(settings.getByRole("radio", { name: "English" })).toBeChecked();
  await settings.getByRole("group", { name: "Language" }).getByRole("radio", { name: "Automatic" }).click();
  await expect(html).toHaveAttribute("lang", "ko");
});

test("an English browser can have a Korean page", async ({ join }) => {
  const ada = await join({ locale: "en-GB" });
  await expect(ada.page.locator("html")).toHaveAttribute("lang", "en");
  const settings = await ada.openSettings();
  await settings.getByRole("radio", { name: "한국어" }).click();
  await expect(ada.page.locator("html")).toHaveAttribute("lang", "ko");
  await expect(ada.page.getByRole("navigation", { name: "방" })).toBeVisible();
});

test("a language that Madang does not speak gets English", async ({ join }) => {
  const jean = await join({ locale: "fr-FR" });
  await expect(jean.page.locator("html")).toHaveAttribute("lang", "en");
});

test("both languages are complete and unmixed", async ({ join }) => {
  const hangul = /[가-힣]/;
  for (const [locale, mayHaveHangul] of [["en-US", false], ["ko-KR", true]] as const) {
    const person = await join({ locale });
    await person.openSettings();
    const words = await person.page.evaluate(() => {
      const found: string[] = [];
      const foreign = (node: Element | null) => !!node?.closest("[lang]:not(html), script, .brand, .avatar");
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (!foreign(node.parentElement) && node.textContent?.trim()) found.push(node.textContent.trim());
      }
      for (const name of ["aria-label", "title", "placeholder"]) {
        for (const element of document.querySelectorAll(`[${name}]`)) found.push(element.getAttribute(name) ?? "");
      }
      return found;
    });
    expect(words.length).toBeGreaterThan(20);
    // Titles of rooms and languages in their own words are nobody's translation.
    const own = words.filter((word) => !/^(Lobby|English|한국어|Madang.*|\S)$/.test(word) && /\p{L}{2}/u.test(word));
    const wrong = own.filter((word) => hangul.test(word) !== mayHaveHangul);
    expect(wrong).toEqual([]);
  }
});

for (const system of ["light", "dark"] as const) {
  test(`a ${system} system gets a ${system} page, and either can be chosen`, async ({ join }) => {
    const ada = await join({ colorScheme: system });
    expect(await ground(ada)).toBe(system);
    const other = system === "light" ? "dark" : "light";
    const settings = await ada.openSettings();
    const saved = ada.page.waitForResponse("**/settings");
    await settings.getByRole("radio", { name: other === "dark" ? "Dark" : "Light" }).click();
    await expect.poll(() => ground(ada)).toBe(other);
    await saved;
    await ada.reload();
    expect(await ground(ada)).toBe(other);
    await ada.openSettings();
    await settings.getByRole("group", { name: "Appearance" }).getByRole("radio", { name: "Automatic" }).click();
    await expect.poll(() => ground(ada)).toBe(system);
  });
}

test("reduced motion means no motion", async ({ join }) => {
  const ada = await join({ reducedMotion: "reduce" });
  await ada.post("still");
  await ada.openSettings();
  const moving = await ada.page.evaluate(() => {
    const seconds = (value: string) => Math.max(...value.split(",").map(Number.parseFloat));
    return [...document.querySelectorAll("*")]
      .filter((element) => {
        const style = getComputedStyle(element);
        const animated = style.animationName !== "none" && seconds(style.animationDuration) > 0.01;
        return animated || seconds(style.transitionDuration) > 0.01;
      })
      .map((element) => `${element.tagName}.${element.className}`);
  });
  expect(moving).toEqual([]);
});

test("the page wears the reader's clock, and says so to machines", async ({ join }) => {
  const seoul = await join({ name: "Ada", timezoneId: "Asia/Seoul" });
  const london = await join({ timezoneId: "Europe/London" });
  await seoul.post("what time is it?");
  const hours = async (person: Person) => {
    const time = person.message("what time is it?").locator("time");
    await expect(time).toHaveAttribute("datetime", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const at = await time.getAttribute("datetime");
    const zone = await person.page.evaluate(() => Intl.DateTimeFormat().resolvedOptions().timeZone);
    const clock = new Intl.DateTimeFormat("en-US", { hour: "numeric", minute: "2-digit", timeZone: zone });
    await expect(time).toHaveText(clock.format(new Date(at!)));
    return time.textContent();
  };
  expect(await hours(seoul)).not.toBe(await hours(london));
});
