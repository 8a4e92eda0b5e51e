import type { TextKey } from "../i18n/en";
import type { IconName } from "../ui/Icon";

/** The pages in the order of the navigation; on a phone the first four have a place in the bar. */
export const PAGES = [
  { to: "/", icon: "home", label: "nav.home" },
  { to: "/pairing", icon: "pairing", label: "nav.pairing" },
  { to: "/devices", icon: "devices", label: "nav.devices" },
  { to: "/sessions", icon: "sessions", label: "nav.sessions" },
  { to: "/settings", icon: "settings", label: "nav.settings" },
  { to: "/diagnostics", icon: "diagnostics", label: "nav.diagnostics" },
  { to: "/audit", icon: "audit", label: "nav.audit" },
  { to: "/about", icon: "about", label: "nav.about" },
] as const satisfies readonly { to: string; icon: IconName; label: TextKey }[];

export const IN_THE_BAR = 4;
