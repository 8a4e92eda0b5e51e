import type { UpdateOutcome } from "../../api/model";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { Note } from "../../ui/parts";

/** How the last update ended: a line if it stayed, the reason if it was taken back. */
export function LastUpdate({ last, busy, onDismiss }: { last: UpdateOutcome; busy: boolean; onDismiss: () => void }) {
  const { t, ago } = useWords();
  if (last.ended === "kept") {
    return <p className="small soft">{t("update.kept", { version: last.version, from: last.from, when: ago(last.unix) })}</p>;
  }
  return (
    <Note tone={last.dismissed ? "info" : "warn"} title={t("update.takenBack", { version: last.version, from: last.from })}>
      <p>{t(`update.part.${last.part ?? "check"}`)}</p>
      <p lang="en">{last.reason}</p>
      {!last.dismissed && (
        <div>
          <Button busy={busy} onClick={onDismiss}>
            {t("update.dismiss")}
          </Button>
        </div>
      )}
    </Note>
  );
}
