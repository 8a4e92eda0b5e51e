import { expect, test } from "vitest";
import { readFileSync } from "node:fs";

test("dark looks the same whether the device or the switch asks for it", () => {
  const css = readFileSync("src/styles/tokens.css", "utf8");
  const block = (from: RegExp) => (from.exec(css)?.[1] ?? "").split("\n").map((line) => line.trim()).filter(Boolean);
  const asked = block(/:not\(\[data-theme="light"\]\) \{([^}]*)\}/);
  expect(asked.length).toBeGreaterThan(20);
  expect(block(/\[data-theme="dark"\] \{([^}]*)\}/)).toEqual(asked);
});
