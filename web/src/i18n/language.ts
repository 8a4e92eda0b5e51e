import { store } from "../api/store";
import type { Dictionary } from "./en";

export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

const KEPT_AS = "punktfunk.language";

/** The language in use with its texts. Set before anything is drawn. */
export const spoken = store<{ language: Language; texts: Dictionary } | null>(null);

/** What the person chose here, or what the browser prefers, or English. */
export function preferredLanguage(kept: string | null, wanted: readonly string[]): Language {
  const known = (text: string) => LANGUAGES.find((language) => text.toLowerCase().split("-")[0] === language);
  return known(kept ?? "") ?? wanted.map(known).find((language) => language !== undefined) ?? "en";
}

export const startLanguage = () => preferredLanguage(localStorage.getItem(KEPT_AS), navigator.languages);

/** Loads the texts of a language and uses them. */
export async function speak(language: Language) {
  const texts = language === "de" ? (await import("./de")).de : (await import("./en")).en;
  document.documentElement.lang = language;
  spoken.write({ language, texts });
}

/** The same, and keeps the choice in this browser. */
export function chooseLanguage(language: Language) {
  localStorage.setItem(KEPT_AS, language);
  return speak(language);
}
