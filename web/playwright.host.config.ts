import { defineConfig } from "@playwright/test";
import mock from "./playwright.config";

/** The console of a real host with real devices; `PUNKTFUNK_HOST` and `PUNKTFUNK_CLIENT` name the programs. */
export default defineConfig({
  ...mock,
  testDir: "e2e/host",
  testMatch: "*.spec.ts",
  testIgnore: [],
  timeout: 90_000,
  use: { ...mock.use, baseURL: "" },
  webServer: [],
});
