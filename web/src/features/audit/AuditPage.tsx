import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import type { AuditRow } from "../../api/model";
import { audit, verdict } from "../../api/queries";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { Page } from "../../ui/Page";
import { Card, Empty, Note } from "../../ui/parts";
import { describe } from "./describe";

export function AuditPage() {
  const { t } = useWords();
  const { before } = useSearch({ from: "/inside/audit" });
  const { data: rows } = useSuspenseQuery(audit(before));
  const oldest = rows.at(-1)?.number;
  return (
    <Page title={t("audit.title")} lead={t("audit.lead")}>
      <Verdict />
      {rows.length === 0 ? (
        <Empty icon="audit" title={t("audit.none")} />
      ) : (
        <Card>
          <Rows rows={rows} />
          <div className="dialog-actions">
            {before !== undefined && (
              <Link to="/audit" className="button">
                {t("app.newest")}
              </Link>
            )}
            {oldest !== undefined && oldest > 1 && (
              <Link to="/audit" search={{ before: oldest }} className="button">
                {t("app.older")}
              </Link>
            )}
          </div>
        </Card>
      )}
    </Page>
  );
}

function Verdict() {
  const { t, number } = useWords();
  const { data, refetch, isFetching } = useQuery(verdict);
  const again = (
    <div>
      <Button busy={isFetching} onClick={() => void refetch()}>
        {t("audit.check")}
      </Button>
    </div>
  );
  if (!data) return <div className="note verdict-pending">{t("app.loading")}</div>;
  if (data.verdict === "broken") {
    return (
      <Note tone="bad" title={t("audit.broken")} role="alert">
        <p>{t("audit.brokenMore", { row: number(data.row), fault: data.fault })}</p>
        {again}
      </Note>
    );
  }
  return (
    <Note tone="good" title={t("audit.sound")}>
      <p>{t("audit.soundMore", { first: number(data.first), last: number(data.last) })}</p>
      <code className="fingerprint">{data.hash}</code>
      {again}
    </Note>
  );
}

function Rows({ rows }: { rows: readonly AuditRow[] }) {
  const { t, known, moment, number } = useWords();
  return (
    <div className="table-scroll" role="group" aria-label={t("audit.title")} tabIndex={0}>
      <table className="table table-stacks">
        <thead>
          <tr>
            <th scope="col">{t("audit.number")}</th>
            <th scope="col">{t("audit.when")}</th>
            <th scope="col">{t("audit.what")}</th>
            <th scope="col">{t("audit.who")}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.number}>
              <td className="number soft">{number(row.number)}</td>
              <td className="number">{moment(row.unix)}</td>
              <td>
                <strong>{known("event", row.what.event)}</strong>
                <span className="small soft"> {describe(row.what)}</span>
              </td>
              <td className="small">
                {known("actor", row.origin.actor.kind)}
                {row.origin.source && <span className="soft"> · {row.origin.source}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
