import { expect, test } from "vitest";
import type { Setting } from "../../api/model";
import { groups, inWords, isPossible, readMap, withChange } from "./draft";

const bitrate: Setting = {
  key: "encoder.bitrate_kbps",
  description: "",
  kind: { type: "integer", minimum: 500, maximum: 8_000 },
  default: 2_000,
  value: 3_000,
};

test("going back to what is stored leaves nothing to save", () => {
  const draft = withChange({}, bitrate, 4_000);
  expect(draft).toEqual({ "encoder.bitrate_kbps": 4_000 });
  expect(withChange(draft, bitrate, 3_000)).toEqual({});
});

test("the default is asked for as null", () => {
  expect(withChange({}, bitrate, null)).toEqual({ "encoder.bitrate_kbps": null });
  expect(withChange({}, { ...bitrate, value: 2_000 }, null)).toEqual({});
});

test("a number outside its bounds is not sent", () => {
  expect([499, 500, 8_000, 8_001, 0.5, Number.NaN].map((value) => isPossible(bitrate, value))).toEqual([false, true, true, false, false, false]);
});

test("settings are grouped by their first part in order", () => {
  const of = (key: string) => ({ ...bitrate, key });
  expect(groups(["fec.a", "log.b", "fec.c"].map(of)).map(([name, all]) => [name, all.length])).toEqual([["fec", 2], ["log", 1]]);
});

test("a map is read a line at a time, and the value may hold an equals sign", () => {
  expect(readMap("A=1\nB = x=y\n\nnothing")).toEqual({ A: "1", B: "x=y" });
});

test("values are told in words", () => {
  const words = { yes: "yes", no: "no", unset: "not set" };
  expect([true, null, [], ["h264", "hevc"], { A: "1" }, 5].map((value) => inWords(value, words))).toEqual(["yes", "not set", "not set", "h264, hevc", "A=1", "5"]);
});
