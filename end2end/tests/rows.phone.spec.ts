import type { Locator } from "@playwright/test";
import type { Person } from "../support/person";
import { expect, test, UNLIMITED } from "../support/test";

const NAMES = [
  "A person with a nickname of forty letters",
  "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
  "별명이마흔글자까지될수있으므로이렇게길게지어보는사람도있기마련이라서그냥두었습니다요",
  "이름 사이를 띄어 쓰면서 아주 길게 지은 별명을 쓰는 사람이에요 정말로",
  "Kim",
].map((name) => Array.from(name).slice(0, 40).join(""));

/** Parts of a message's row that lie over each other, by name. */
const crossing = (row: Locator) =>
  row.evaluate((row) => {
    // Within a group the author is for those who listen.
    const who = row.matches(".starts") ? ", .who > *" : "";
    const parts = [...row.querySelectorAll(":scope > :is(.avatar, .stamp, .more, .text), .quote > *" + who)];
    const shown = parts
      .filter((part) => part.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
      .flatMap((part) => {
        // Of a text what stands there, without the room that is kept free beside it, into which only spaces hang.
        const lines = document.createRange();
        lines.selectNodeContents(part);
        const end = part.getBoundingClientRect().right - parseFloat(getComputedStyle(part).paddingRight);
        const cut = ({ x, y, right, height }: DOMRect) => new DOMRect(x, y, Math.min(right, end) - x, height);
        const boxes = part.matches(".text") ? [...lines.getClientRects()].map(cut) : [part.getBoundingClientRect()];
        return boxes.map((box) => ({ name: String(part.getAttribute("class")), box }));
      })
      .filter(({ box }) => box.width > 1 && box.height > 1);
    const found: string[] = [];
    for (const [at, one] of shown.entries()) {
      for (const other of shown.slice(at + 1)) {
        const across = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
        const down = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
        // A line's box may be a little higher than its place.
        if (one.name !== other.name && across > 0.5 && down > 2) found.push(`${one.name} × ${other.name}: ${across.toFixed(1)} by ${down.toFixed(1)}`);
      }
    }
    return found;
  });

async function crossings(person: Person): Promise<string[]> {
  const found = [];
  for (const row of await person.messages.all()) {
    for (const crossed of await crossing(row)) found.push(`${(await row.innerText()).slice(0, 30)} | ${crossed}`);
  }
  return found;
}

for (const locale of ["en-US", "ko-KR"]) {
  test.describe(locale, () => {
    test.use({ limits: UNLIMITED, locale });

    test(`nothing in a row lies over another (${locale})`, async ({ join, server, wire }) => {
      const first = await wire(NAMES[0]);
      const asked = await first.post("lobby", "asked ".repeat(60));
      for (const name of NAMES) {
        const one = await wire(name);
        await one.post("lobby", `short, by ${name}`);
        await one.post("lobby", `one long line that fills the width of its row, ${"말을 길게 하면 ".repeat(20)}`);
        await one.post("lobby", "answered", asked);
        // Another of that name: both show their difference.
        const alike = await wire(name);
        await alike.post("lobby", "x");
        await alike.post("lobby", "x".repeat(200));
        const token = (await server.command("token", "create", "--name", name)).trim();
        const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
        const body = JSON.stringify({ body: "by a bot" });
        expect((await fetch(`${server.url}/api/rooms/lobby/messages`, { method: "POST", headers, body })).status).toBe(201);
      }
      for (const width of [390, 320]) {
        const ada = await join({ viewport: { width, height: 844 } });
        await expect(ada.log.locator(".tag.bot")).toHaveCount(NAMES.length);
        expect(await crossings(ada), `${width} px`).toEqual([]);
        const author = await ada.message("by a bot").first().locator(".author").boundingBox();
        expect(author!.width, "something of the name is left").toBeGreaterThan(12);
      }
    });
  });
}
