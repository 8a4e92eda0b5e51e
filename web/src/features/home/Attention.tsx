import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Health, Knock } from "../../api/model";
import { settings } from "../../api/queries";
import { useWords } from "../../i18n/words";
import { Card, Lamp } from "../../ui/parts";
import { FaultNote } from "../diagnostics/FaultNote";

/** What the owner ought to see to: devices at the door, faults, settings that wait. */
export function Attention({ health, knocks }: { health: Health; knocks: readonly Knock[] }) {
  const { t, many } = useWords();
  const { data: stored } = useQuery(settings);
  const waits = stored?.restart_needed ?? false;
  if (knocks.length === 0 && health.faults.length === 0 && !waits) {
    return (
      <p className="all-well">
        <Lamp tone="good" />
        <strong>{t("home.allWell")}</strong>
        <span className="soft">{t("home.allWellMore")}</span>
      </p>
    );
  }
  return (
    <Card title={t("home.attention")}>
      <div className="stack attention">
        {knocks.length > 0 && (
          <Link to="/pairing" className="knocking">
            <Lamp tone="live" />
            <span className="stack-tight">
              <strong>{many("app.waiting", knocks.length)}</strong>
              <span className="small">{knocks.map((knock) => knock.name).join(", ")}</span>
            </span>
            <span className="button button-primary">{t("home.look")}</span>
          </Link>
        )}
        {waits && (
          <Link to="/settings" className="knocking">
            <Lamp tone="warn" />
            <strong>{t("home.restart")}</strong>
            <span className="button">{t("home.look")}</span>
          </Link>
        )}
        {health.faults.map((fault) => (
          <FaultNote key={fault.code} fault={fault} />
        ))}
      </div>
    </Card>
  );
}
