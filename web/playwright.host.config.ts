import { defineConfig } from "@playwright/test";
import mock from "./playwright.config";

/** The console of a real host with real devices; `PUNKTFUNK_HOST` and `PUNKTFUNK_CLIENT` name the programs. */
export default defineConfig({
  ...mock,
  testDir: "e2e/host",
  testMatch: "*.spec.ts",
  testIgnore: [],
  timeout: 120_000,
  // Longer than anything takes while other tests load the machine, and short enough that what fails says where.
  expect: { timeout: 20_000 },
  use: { ...mock.use, baseURL: "", actionTimeout: 20_000 },
  webServer: [],
});
