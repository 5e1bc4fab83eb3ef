import tests from "./playwright.config";

/** Firefox and WebKit, with the same server and runner as the tests in Chromium. */
export default {
  ...tests,
  testDir: "engines",
  // Each test starts browsers of its own.
  workers: 1,
  projects: [{ name: "firefox" }, { name: "webkit" }],
};
