import type { Setting } from "../../api/model";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { type Draft, isPossible } from "./draft";

interface SaveBarProps {
  settings: readonly Setting[];
  draft: Draft;
  busy: boolean;
  onSave: () => void;
  onDiscard: () => void;
}

/** What is not saved, at the foot of the page as long as there is something. */
export function SaveBar({ settings, draft, busy, onSave, onDiscard }: SaveBarProps) {
  const { t, many } = useWords();
  const changes = Object.keys(draft).length;
  const possible = settings.every((setting) => isPossible(setting, draft[setting.key]));
  return (
    <div role="status">
      {changes > 0 && (
        <div className="save-bar">
          <strong>{many("settings.unsaved", changes)}</strong>
          <div className="row">
            <Button onClick={onDiscard}>{t("settings.discard")}</Button>
            <Button look="primary" disabled={!possible} busy={busy} onClick={onSave}>
              {t("app.save")}
            </Button>
          </div>
        </div>
      )}
    </div>
  );
}
