import type { HostStatus } from "../../api/model";
import { useWords } from "../../i18n/words";
import { Card, Facts } from "../../ui/parts";

/** What the host is set up with, in short. */
export function Machine({ host }: { host: HostStatus }) {
  const { t, number } = useWords();
  return (
    <Card title={t("home.machine")}>
      <Facts
        rows={[
          [t("home.display"), host.display || t("home.noneChosen")],
          [t("home.encoder"), host.encoder || t("home.noneChosen")],
          [t("home.slots"), t("home.slotsOf", { n: number(host.sessions), max: number(host.max_sessions) })],
          [t("home.devices"), number(host.devices)],
          [t("home.policy"), t(host.pairing_policy === "open" ? "home.policyOpen" : "home.policyRequire")],
          [t("home.discovery"), t(host.mdns ? "app.yes" : "app.no")],
          [t("home.listen"), <span className="number">{host.listen}</span>],
          [t("home.console"), <span className="number">{host.console ?? t("home.noneChosen")}</span>],
        ]}
      />
    </Card>
  );
}
