import { expect, test } from "vitest";
import { describe } from "./describe";

test("an event is told in one line with short fingerprints", () => {
  const device = { name: "Steam Deck", fingerprint: "ab".repeat(32) };
  expect(describe({ event: "renamed", device, name: "Deck" })).toBe("device Steam Deck, fingerprint abababababababab… · name Deck");
});

test("what is absent is left out", () => {
  expect(describe({ event: "pin-armed", device: null, lifetime_seconds: 7200 })).toBe("lifetime seconds 7200");
});
