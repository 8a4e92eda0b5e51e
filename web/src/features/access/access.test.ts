import { expect, test } from "vitest";
import { readAccess, writeAccess } from "./access";

test.each(["full", "controller-only", "view-only", "gamepad+pointer", "gamepad+admin"])("%s is written as it was read", (word) => {
  expect(writeAccess(readAccess(word))).toBe(word);
});

test("full with the right to administer is shown as each right", () => {
  expect(writeAccess(readAccess("full+admin"))).toBe("gamepad+pointer+keyboard+clipboard+microphone+launch+admin");
});

test("a choice of no right is to view only", () => {
  expect(writeAccess({ level: "custom", grants: [] })).toBe("view-only");
});
