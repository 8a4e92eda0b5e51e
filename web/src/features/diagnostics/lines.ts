import type { LogLevel, LogLine } from "../../api/model";

/** From what matters most to everything. */
export const LEVELS = ["error", "warn", "info", "debug", "trace"] as const satisfies readonly LogLevel[];

const SHOWN = 500;

/** The lines that were held and those that came since, filtered the same way, each once, the newest last. */
export function merge(held: readonly LogLine[], live: readonly LogLine[], level: LogLevel, contains: string): LogLine[] {
  const last = held.at(-1)?.number ?? -1;
  const most = LEVELS.indexOf(level);
  const wanted = contains.toLowerCase();
  const fits = (line: LogLine) => LEVELS.indexOf(line.level) <= most && `${line.target} ${line.text}`.toLowerCase().includes(wanted);
  return [...held, ...live.filter((line) => line.number > last && fits(line))].slice(-SHOWN);
}
