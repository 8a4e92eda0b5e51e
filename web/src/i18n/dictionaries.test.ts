import { expect, test } from "vitest";
import { de } from "./de";
import { type TextKey, en } from "./en";
import { preferredLanguage } from "./language";
import { wordsOf } from "./words";

const sources = import.meta.glob<string>(["../**/*.{ts,tsx}", "!../i18n/{en,de}.ts", "!../**/*.test.*", "!../api/generated/**"], {
  query: "?raw",
  import: "default",
  eager: true,
});
/** Families whose members come from the host or are put together. */
const FAMILIES = /^(problem|event|actor|fault|severity|health|check|level|grant|access|settings\.group|theme|language|time|expiry|devices\.by|nav|update\.(slot|step|part))\./;
const holes = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();

test("both languages have the same texts with the same values to fill in", () => {
  expect(Object.keys(de)).toEqual(Object.keys(en));
  for (const key of Object.keys(en) as TextKey[]) expect(holes(de[key]), key).toEqual(holes(en[key]));
});

test("no text is empty", () => {
  for (const [key, text] of [...Object.entries(en), ...Object.entries(de)]) expect(text.trim(), key).not.toBe("");
});

test("every text is used", () => {
  const all = Object.values(sources).join("\n");
  const unused = Object.keys(en).filter((key) => {
    const base = key.replace(/\.(one|other)$/, "");
    return !FAMILIES.test(key) && !all.includes(`"${base}"`);
  });
  expect(unused).toEqual([]);
});

test("numbers take the right form", () => {
  expect(wordsOf("en", en).many("app.waiting", 1)).toBe("1 device waits");
  expect(wordsOf("de", de).many("app.waiting", 3)).toBe("3 Geräte warten");
});

test("durations are written in their largest two units", () => {
  const { duration } = wordsOf("en", en);
  expect([0, 59, 60, 3_725, 90_000].map(duration)).toEqual(["0 s", "59 s", "1 min", "1 h 2 min", "1 d 1 h"]);
});

test("the language is the one chosen, then the browser's, then English", () => {
  expect(preferredLanguage("de", ["en"])).toBe("de");
  expect(preferredLanguage(null, ["fr-FR", "de-AT", "en"])).toBe("de");
  expect(preferredLanguage("xx", ["fr"])).toBe("en");
});
