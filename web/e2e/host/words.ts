// The console's own texts, so that a test names what a person reads.

import { de } from "../../src/i18n/de";
import { en, type TextKey } from "../../src/i18n/en";

export type Language = "en" | "de";

export type Words = (key: TextKey, values?: Record<string, string | number>) => string;

/** Texts of a language with `{name}` filled in. */
export function words(language: Language): Words {
  const texts = language === "de" ? de : en;
  return (key, values = {}) => texts[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
