import { expect } from "@playwright/test";
import type { Person } from "./person";

/** Milliseconds from the press of Enter at one person to the row at the other, `times` over. */
export async function measureArrivals(from: Person, to: Person, times: number): Promise<number[]> {
  await from.page.evaluate(() => {
    const pressed: number[] = [];
    Object.assign(window, { pressed });
    const note = (event: KeyboardEvent) => event.key === "Enter" && pressed.push(epochMs());
    // Two browsers on one machine share this clock.
    const epochMs = () => performance.timeOrigin + performance.now();
    window.addEventListener("keydown", note, { capture: true });
  });
  await to.page.evaluate(() => {
    const arrived: number[] = [];
    Object.assign(window, { arrived });
    const log = document.querySelector("[role=log]");
    if (!log) throw new Error("no log");
    let rows = log.querySelectorAll(".message").length;
    new MutationObserver(() => {
      const now = log.querySelectorAll(".message").length;
      for (; rows < now; rows++) arrived.push(performance.timeOrigin + performance.now());
    }).observe(log, { childList: true, subtree: true });
  });
  for (let count = 1; count <= times; count++) {
    await from.say(`arrival ${count}`);
    await expect.poll(() => numbers(to, "arrived").then((all) => all.length)).toBe(count);
  }
  const pressed = await numbers(from, "pressed");
  return (await numbers(to, "arrived")).map((at, index) => at - (pressed[index] ?? Number.NaN));
}

function numbers(person: Person, name: string): Promise<number[]> {
  return person.page.evaluate((name) => (window as unknown as Record<string, number[]>)[name] ?? [], name);
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
