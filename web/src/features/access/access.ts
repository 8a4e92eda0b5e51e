/** The rights there are, in the words of the API. */
export const GRANTS = ["gamepad", "pointer", "keyboard", "clipboard", "microphone", "launch", "admin"] as const;
export type Grant = (typeof GRANTS)[number];

export const LEVELS = ["full", "controller-only", "view-only", "custom"] as const;
export type Level = (typeof LEVELS)[number];

export interface Access {
  level: Level;
  /** Counts where the level is custom. */
  grants: readonly Grant[];
}

const isGrant = (word: string): word is Grant => GRANTS.some((grant) => grant === word);

/** Reads `full`, `view-only`, `gamepad+pointer`. */
export function readAccess(word: string): Access {
  const level = LEVELS.find((one) => one === word);
  if (level && level !== "custom") return { level, grants: [] };
  const named = word.split("+");
  const rest = named.includes("full") ? GRANTS.filter((grant) => grant !== "admin") : [];
  const controller = named.includes("controller-only") ? (["gamepad"] as const) : [];
  return { level: "custom", grants: GRANTS.filter((grant) => [...rest, ...controller, ...named.filter(isGrant)].includes(grant)) };
}

/** Writes it; a custom choice of nothing is to view only. */
export function writeAccess({ level, grants }: Access): string {
  if (level !== "custom") return level;
  return grants.length > 0 ? grants.join("+") : "view-only";
}
