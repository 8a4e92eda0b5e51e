import type { Fault } from "../../api/model";
import { useWords } from "../../i18n/words";
import { Badge, Note, type Tone } from "../../ui/parts";

const TONES = { notice: undefined, warning: "warn", error: "bad" } as const satisfies Record<Fault["severity"], Tone>;

/** A fault by name, what was found and what to do about it. What the host writes is in English. */
export function FaultNote({ fault }: { fault: Fault }) {
  const { t } = useWords();
  return (
    <Note tone={TONES[fault.severity] ?? "info"}>
      <div className="row">
        <strong>{t(`fault.${fault.code}`)}</strong>
        <Badge tone={TONES[fault.severity]}>{t(`severity.${fault.severity}`)}</Badge>
      </div>
      <p lang="en">{fault.what}</p>
      <p>
        <strong>{t("fault.remedy")}</strong> <span lang="en">{fault.remedy}</span>
      </p>
    </Note>
  );
}
