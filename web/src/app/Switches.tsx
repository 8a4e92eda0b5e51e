import { useStore } from "../api/store";
import { LANGUAGES, chooseLanguage } from "../i18n/language";
import { useWords } from "../i18n/words";
import type { IconName } from "../ui/Icon";
import { Segments } from "../ui/Segments";
import { THEMES, type Theme, chooseTheme, theme } from "./theme";

const ICONS: Record<Theme, IconName> = { system: "auto", light: "sun", dark: "moon" };

/** Appearance and language, kept in this browser. */
export function Switches() {
  const { t, language } = useWords();
  const worn = useStore(theme);
  return (
    <div className="row-between">
      <Segments
        label={t("theme.label")}
        value={worn}
        choices={THEMES.map((value) => ({ value, label: t(`theme.${value}`), icon: ICONS[value] }))}
        onChange={chooseTheme}
      />
      <Segments
        label={t("language.label")}
        value={language}
        choices={LANGUAGES.map((value) => ({ value, label: value.toUpperCase(), lang: value }))}
        onChange={(chosen) => void chooseLanguage(chosen)}
      />
    </div>
  );
}
