import type { Setting } from "../../api/model";

/** What was changed on the page and not saved, by key; null is the default. */
export type Draft = Readonly<Record<string, unknown>>;

/** What a setting will be: the draft, else what is stored for after the restart, else what is in force. */
export function intended(setting: Setting, draft: Draft): unknown {
  if (setting.key in draft) return draft[setting.key] ?? setting.default;
  return stored(setting);
}

export const stored = (setting: Setting): unknown => setting.after_restart ?? setting.value;

/** The draft with one more change; a value that is stored already is none. */
export function withChange(draft: Draft, setting: Setting, value: unknown): Draft {
  const rest = Object.fromEntries(Object.entries(draft).filter(([key]) => key !== setting.key));
  return same(value ?? setting.default, stored(setting)) ? rest : { ...rest, [setting.key]: value };
}

export const same = (one: unknown, other: unknown) => JSON.stringify(one ?? null) === JSON.stringify(other ?? null);

/** Whether a value can be sent: numbers have to be whole and within their bounds. */
export function isPossible(setting: Setting, value: unknown): boolean {
  if (setting.kind.type !== "integer" || value === null || value === undefined) return true;
  return Number.isInteger(value) && Number(value) >= setting.kind.minimum && Number(value) <= setting.kind.maximum;
}

/** The settings by the first part of their keys, in the order they come. */
export function groups(settings: readonly Setting[]): [string, Setting[]][] {
  const found = new Map<string, Setting[]>();
  for (const setting of settings) {
    const group = setting.key.split(".")[0] ?? "other";
    found.set(group, [...(found.get(group) ?? []), setting]);
  }
  return [...found];
}

/** Reads lines of `name=value`. */
export function readMap(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line.includes("="));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf("=")).trim(), line.slice(line.indexOf("=") + 1).trim()]));
}

/** A value in a line. */
export function inWords(value: unknown, words: { yes: string; no: string; unset: string }): string {
  if (value === null || value === undefined || value === "") return words.unset;
  if (typeof value === "boolean") return value ? words.yes : words.no;
  if (Array.isArray(value)) return value.length > 0 ? value.map(String).join(", ") : words.unset;
  if (typeof value === "object") return Object.entries(value).map(([name, one]) => `${name}=${String(one)}`).join(", ") || words.unset;
  return String(value);
}
