import type { Setting, SettingProblem } from "../../api/model";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { Badge } from "../../ui/parts";
import { type Draft, inWords, intended, isPossible, same } from "./draft";
import { Editor } from "./Editor";

interface Props {
  setting: Setting;
  draft: Draft;
  problem: SettingProblem | undefined;
  onChange: (value: unknown) => void;
}

/** A key of the configuration: its meaning, its editor, or why it cannot be edited here. */
export function SettingRow({ setting, draft, problem, onChange }: Props) {
  const { t, number } = useWords();
  const { key, kind, locked } = setting;
  const id = `setting-${key}`;
  const value = intended(setting, draft);
  const say = (one: unknown) => inWords(one, { yes: t("app.yes"), no: t("app.no"), unset: t("settings.unset") });
  const range = kind.type === "integer" ? { min: number(kind.minimum), max: number(kind.maximum) } : undefined;
  const wrong = range && !isPossible(setting, value) ? t("settings.outOfRange", range) : problem && t("settings.wrong", problem);
  return (
    <li className="setting">
      <div className="stack-tight">
        <div className="row">
          <h3 id={id}>{key}</h3>
          {locked && (
            <Badge icon="lock">{t("settings.locked")}</Badge>
          )}
        </div>
        <p id={`${id}-more`} className="small soft" lang="en">
          {setting.description}
        </p>
        {locked && <p className="small">{locked.why === "declared" ? t("settings.lockedAt", { place: locked.place }) : t("settings.fileOnly")}</p>}
      </div>
      <div className="stack-tight">
        {locked ? <p className="locked-value">{say(setting.value)}</p> : <Editor id={id} kind={kind} value={value} wrong={Boolean(wrong)} onChange={onChange} />}
        {wrong && (
          <p className="field-wrong" role="alert">
            {wrong}
          </p>
        )}
        {setting.after_restart !== undefined && setting.after_restart !== null && !same(setting.after_restart, setting.value) && (
          <Badge tone="warn" icon="restart">
            {t("settings.afterRestart", { value: say(setting.after_restart) })}
          </Badge>
        )}
        {!locked && (
          <div className="row small soft">
            <span>{t("settings.default", { value: say(setting.default) })}</span>
            {range && <span>{t("settings.range", range)}</span>}
            {!same(value, setting.default) && (
              <Button look="plain" aria-label={`${t("settings.reset")}: ${key}`} onClick={() => onChange(null)}>
                {t("settings.reset")}
              </Button>
            )}
          </div>
        )}
      </div>
    </li>
  );
}
