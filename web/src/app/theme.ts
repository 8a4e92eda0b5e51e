import { store } from "../api/store";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEPT_AS = "punktfunk.theme";
export const theme = store<Theme>("system");

function wear(chosen: Theme) {
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  theme.write(chosen);
}

/** Wears what was chosen in this browser. */
export function startTheme() {
  const kept = localStorage.getItem(KEPT_AS);
  wear(THEMES.find((one) => one === kept) ?? "system");
}

export function chooseTheme(chosen: Theme) {
  localStorage.setItem(KEPT_AS, chosen);
  wear(chosen);
}
