import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { mockHost } from "./mock/plugin.ts";

/** `--mode mock` serves the API from `mock/` beside the pages, with the headers the host sends. */
export default defineConfig(({ mode }) => ({
  plugins: [react(), ...(mode === "mock" ? [mockHost()] : [])],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // For scripts/size.mjs; scripts/compress.mjs takes it out of dist, which the host embeds as it is.
    manifest: true,
    // Three files that every page needs, and one for each page: few requests, and what rarely changes stays cached.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "libraries", test: /node_modules/ },
            { name: "shared", test: /src\/(ui|api|app|i18n\/(words|formats|language))|features\/access/ },
          ],
        },
      },
    },
  },
  test: {
    environment: "jsdom",
    environmentOptions: { jsdom: { url: "https://host.test/" } },
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["./src/testing/setup.ts"],
    testTimeout: 15_000,
  },
}));
