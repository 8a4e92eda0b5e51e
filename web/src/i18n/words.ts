import { useMemo } from "react";
import { useStore } from "../api/store";
import { Problem, Unreachable } from "../api/problem";
import { type Formats, formats } from "./formats";
import { type Language, spoken } from "./language";
import type { Dictionary, TextKey } from "./en";

type Values = Readonly<Record<string, string | number>>;
type PluralKey = TextKey extends infer K ? (K extends `${infer Base}.one` ? Base : never) : never;

export interface Words extends Formats {
  language: Language;
  /** A text. */
  t: (key: TextKey, values?: Values) => string;
  /** A text that follows the number `n`. */
  many: (key: PluralKey, n: number, values?: Values) => string;
  /** A text of a family whose members the host may extend; `otherwise` where this one is unknown. */
  known: (family: string, member: string, otherwise?: string) => string;
  /** What went wrong, for people. */
  problem: (error: unknown) => string;
}

/** The texts and formats of a language. */
export function wordsOf(language: Language, texts: Dictionary): Words {
  const plural = new Intl.PluralRules(language);
  const t: Words["t"] = (key, values = {}) => fill(texts[key], values);
  const shown = formats(language, t);
  return {
    language,
    ...shown,
    t,
    many: (key, n, values = {}) => t(`${key}.${plural.select(n) === "one" ? "one" : "other"}` as TextKey, { n: shown.number(n), ...values }),
    known: (family, member, otherwise = member) => {
      const key = `${family}.${member}`;
      return key in texts ? texts[key as TextKey] : otherwise;
    },
    problem: (error) => inWords(error, t, shown),
  };
}

function fill(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

function inWords(error: unknown, t: Words["t"], { duration }: Formats): string {
  if (error instanceof Unreachable) return t("problem.unreachable");
  if (!(error instanceof Problem)) return t("problem.internal", { detail: String(error) });
  const wait = error.retryAfterSeconds;
  if (error.code === "too_many" && wait) return t("problem.tooManyWait", { time: duration(wait) });
  return t(`problem.${error.code}`, { detail: error.message });
}

/** The words of the language in use. */
export function useWords(): Words {
  const now = useStore(spoken);
  if (!now) throw new Error("a language is loaded before anything is drawn");
  return useMemo(() => wordsOf(now.language, now.texts), [now]);
}
