import AxeBuilder from "@axe-core/playwright";
import { expect } from "@playwright/test";
import type { Person } from "./person";

/** Rules of WCAG 2.2 AA, and good practice besides. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const CHECKS = {
  runOnly: { type: "tag" as const, values: RULES },
  // Whoever speaks to their browser says what they see.
  rules: { "label-content-name-mismatch": { enabled: true } },
};

/** Everyone can use the screen that this person sees. */
export async function isAccessible(person: Person, screen: string): Promise<void> {
  // Colours are judged as they are in the end, not on the way there.
  await person.page.evaluate(() =>
    document.getAnimations().forEach((animation) => {
      if (animation.effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY) animation.finish();
    }),
  );
  const { violations } = await new AxeBuilder({ page: person.page }).options(CHECKS).analyze();
  const told = violations.map(
    ({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `    ${node.html}\n    ${node.failureSummary}`).join("\n")}`,
  );
  expect(told, screen).toEqual([]);
}
