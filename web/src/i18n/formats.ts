import type { TextKey } from "./en";

type Text = (key: TextKey, values?: Record<string, string | number>) => string;

export interface Formats {
  number: (value: number, digits?: number) => string;
  /** Seconds in the largest two units that fit. */
  duration: (seconds: number) => string;
  /** A Unix time as day and clock. */
  moment: (unix: number) => string;
  /** A Unix time in milliseconds as clock with seconds. */
  clock: (unixMs: number) => string;
  /** A Unix time, seen from now. */
  ago: (unix: number, now?: number) => string;
}

const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
] as const;
const RELATIVE = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** How numbers and times are written in a language. */
export function formats(language: string, t: Text): Formats {
  const day = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const clock = new Intl.DateTimeFormat(language, { timeStyle: "medium" });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  return {
    number: (value, digits = 0) =>
      value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }),
    duration: (seconds) => duration(Math.max(0, Math.round(seconds)), t),
    moment: (unix) => day.format(unix * 1000),
    clock: (unixMs) => clock.format(unixMs),
    ago: (unix, now = Date.now() / 1000) => {
      const away = unix - now;
      const unit = RELATIVE.find(([, seconds]) => Math.abs(away) >= seconds);
      return unit ? relative.format(Math.round(away / unit[1]), unit[0]) : t("time.now");
    },
  };
}

function duration(seconds: number, t: Text): string {
  const from = UNITS.findIndex(([, length]) => seconds >= length);
  if (from < 0) return t("time.s", { n: 0 });
  const largest = UNITS[from]?.[1] ?? 1;
  const parts = UNITS.slice(from, from + 2).map(([unit, length], at) => ({
    unit,
    n: Math.floor((at === 0 ? seconds : seconds % largest) / length),
  }));
  return parts
    .filter(({ n }) => n > 0)
    .map(({ unit, n }) => t(`time.${unit}`, { n }))
    .join(" ");
}
