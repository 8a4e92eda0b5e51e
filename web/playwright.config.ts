import { defineConfig } from "@playwright/test";

/** The console to look at: `CONSOLE_URL`, or the built pages over the mock host. */
const url = process.env.CONSOLE_URL;

export default defineConfig({
  testDir: "e2e",
  testMatch: "*.spec.ts",
  testIgnore: "host/**",
  workers: 1,
  timeout: 60_000,
  reporter: "list",
  outputDir: "test-results",
  use: {
    baseURL: url ?? "http://localhost:4790",
    ignoreHTTPSErrors: true,
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    },
  },
  ...(url ? {} : { webServer: { command: "npx vite preview --mode mock --port 4790 --strictPort", url: "http://localhost:4790/", reuseExistingServer: false } }),
});
