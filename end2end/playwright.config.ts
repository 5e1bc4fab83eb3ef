import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, devices } from "@playwright/test";

// `cargo xtask e2e` says where the program and the browser are. Without it (cargo leptos end-to-end, an editor),
// they are looked for where they usually stand.
const target = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../target", import.meta.url));
process.env.MADANG_BIN ??= `${target}/debug/madang`;
process.env.LEPTOS_SITE_ROOT ??= `${target}/site`;
process.env.MADANG_PYTHON ??= `${target}/python/bin/python`;

const usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = process.env.MADANG_CHROMIUM ?? usual.find(existsSync);

// A browser that calls nobody: no updates, no sign-in, no QUIC.
const args = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

// A site that is not the server's, and is served from here all the same.
const ELSEWHERE = "--host-resolver-rules=MAP elsewhere.example 127.0.0.1";

const desktop = { ...devices["Desktop Chrome"] };
const phone = { ...desktop, viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

export default defineConfig({
  testDir: "tests",
  fullyParallel: true,
  workers: 2,
  // A test that passes at the second try has found something.
  retries: 0,
  forbidOnly: true,
  // Generous, for a busy machine: tests wait for conditions, and a test that passes does not wait long.
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: "list",
  use: {
    launchOptions: { executablePath, args },
    locale: "en-US",
    timezoneId: "Asia/Seoul",
    trace: "retain-on-failure",
  },
  projects: [
    { name: "chromium", use: desktop, testIgnore: /\.(phone|plain)\.spec\.ts$/ },
    { name: "phone", use: phone, testMatch: /\.phone\.spec\.ts$/ },
    {
      name: "no-javascript",
      use: { ...desktop, javaScriptEnabled: false },
      testMatch: /\.plain\.spec\.ts$/,
    },
    // Clients that were not made for Madang, as they were published.
    {
      name: "clients",
      testDir: "clients",
      use: { ...desktop, launchOptions: { executablePath, args: [...args, ELSEWHERE] } },
    },
  ],
});
