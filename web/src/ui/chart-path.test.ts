import { expect, test } from "vitest";
import { ceiling, path } from "./chart-path";

test("scales end at round numbers", () => {
  expect([0.3, 1, 4, 17, 60, 130, 20_000].map(ceiling)).toEqual([0.5, 1, 5, 20, 100, 200, 20_000]);
});

test("the newest value is at the right edge and gaps stay gaps", () => {
  expect(path([5, null, 10], 10, 119, 104)).toBe("M117.0 52.0M119.0 2.0");
  expect(path([], 10, 119, 104)).toBe("");
});
