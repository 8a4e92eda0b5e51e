import { useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { useAction } from "../../api/action";
import { api, ask } from "../../api/client";
import type { Check } from "../../api/model";
import { doctor } from "../../api/queries";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import type { IconName } from "../../ui/Icon";
import { Badge, Card, type Tone } from "../../ui/parts";

const LOOKS = {
  passed: ["good", "good"],
  warned: ["warn", "warn"],
  failed: ["bad", "bad"],
  skipped: [undefined, "more"],
} as const satisfies Record<Check["outcome"], readonly [Tone, IconName]>;

/** The end-to-end self test. */
export function Doctor() {
  const { t, ago, number } = useWords();
  const queries = useQueryClient();
  const { data: report } = useSuspenseQuery(doctor);
  const run = useAction(() => ask(api.POST("/api/v1/doctor")).then((done) => queries.setQueryData(doctor.queryKey, done)), {
    say: () => t("diagnostics.done"),
  });
  return (
    <Card
      title={t("diagnostics.doctor")}
      aside={
        <Button busy={run.isPending} onClick={() => run.mutate()}>
          {t(run.isPending ? "diagnostics.running" : "diagnostics.run")}
        </Button>
      }
    >
      <div className="stack">
        <p className="small soft">{t("diagnostics.doctorMore")}</p>
        <p className="small" role="status">
          {report ? t("diagnostics.ran", { when: ago(report.unix), time: `${number(report.took_ms / 1_000, 1)} s` }) : t("diagnostics.neverRan")}
        </p>
        {report && (
          <ul className="list">
            {report.checks.map((check) => (
              <CheckRow key={check.id} check={check} />
            ))}
          </ul>
        )}
      </div>
    </Card>
  );
}

function CheckRow({ check }: { check: Check }) {
  const { t } = useWords();
  const [tone, icon] = LOOKS[check.outcome];
  return (
    <li className="stack-tight">
      <div className="row">
        <strong className="mono">{check.id}</strong>
        <Badge tone={tone} icon={icon}>
          {t(`check.${check.outcome}`)}
        </Badge>
      </div>
      <p className="small" lang="en">
        {check.found}
      </p>
      {check.remedy && (
        <p className="small">
          <strong>{t("fault.remedy")}</strong> <span lang="en">{check.remedy}</span>
        </p>
      )}
    </li>
  );
}
