import { useSuspenseQuery } from "@tanstack/react-query";
import type { Probe } from "../../api/model";
import { probes } from "../../api/queries";
import { useWords } from "../../i18n/words";
import { Badge, Card } from "../../ui/parts";

/** The displays and encoders that were tried, with the reasons. */
export function Probes() {
  const { t } = useWords();
  const { data } = useSuspenseQuery(probes);
  return (
    <Card title={t("diagnostics.probes")}>
      <div className="stack">
        <Tried title={t("diagnostics.displays")} probes={data.displays} />
        <Tried title={t("diagnostics.encoders")} probes={data.encoders} />
      </div>
    </Card>
  );
}

function Tried({ title, probes: tried }: { title: string; probes: readonly Probe[] }) {
  return (
    <div className="stack-tight">
      <h3>{title}</h3>
      <ul className="list probes">
        {tried.map((probe) => (
          <li key={probe.name} className="stack-tight">
            <div className="row">
              <span className="mono">{probe.name}</span>
              <Standing probe={probe} />
            </div>
            {probe.fault && (
              <p className="small soft" lang="en">
                {probe.fault}
              </p>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Standing({ probe }: { probe: Probe }) {
  const { t } = useWords();
  if (probe.chosen) return <Badge tone="accent" icon="good">{t("diagnostics.chosen")}</Badge>;
  if (probe.fault) return <Badge icon="bad">{t("diagnostics.unusable")}</Badge>;
  return <Badge icon="good">{t("diagnostics.works")}</Badge>;
}
