import tests from "./playwright.config";

/** `npm run pictures`: the README's pictures, with the same browser and server as the tests. */
export default {
  ...tests,
  testDir: ".",
  workers: 1,
  projects: [{ name: "pictures", testMatch: "screenshots.ts", use: tests.projects?.[0]?.use }],
};
