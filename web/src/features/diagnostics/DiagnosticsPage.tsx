import { useSuspenseQuery } from "@tanstack/react-query";
import { health } from "../../api/queries";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { Page } from "../../ui/Page";
import { Card, Note } from "../../ui/parts";
import { Doctor } from "./Doctor";
import { FaultNote } from "./FaultNote";
import { Logs } from "./Logs";
import { Probes } from "./Probes";
import { useReport } from "./report";
import "./diagnostics.css";

export function DiagnosticsPage() {
  const { t } = useWords();
  const { data } = useSuspenseQuery(health);
  const report = useReport();
  const download = (
    <Button icon="download" title={t("diagnostics.reportMore")} busy={report.isPending} onClick={() => report.mutate()}>
      {t("diagnostics.report")}
    </Button>
  );
  return (
    <Page title={t("diagnostics.title")} lead={t("diagnostics.lead")} aside={download}>
      <Card title={t("diagnostics.health")}>
        <div className="stack">
          {data.faults.length === 0 && (
            <Note tone="good" title={t("diagnostics.noFaults")}>
              <p>{t("diagnostics.noFaultsMore")}</p>
            </Note>
          )}
          {data.faults.map((fault) => (
            <FaultNote key={fault.code} fault={fault} />
          ))}
        </div>
      </Card>
      <div className="grid-2">
        <Doctor />
        <Probes />
      </div>
      <Logs />
    </Page>
  );
}
