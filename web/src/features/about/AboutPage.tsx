import { useSuspenseQuery } from "@tanstack/react-query";
import { overview } from "../../api/queries";
import { useWords } from "../../i18n/words";
import { Page } from "../../ui/Page";
import { Card, Facts } from "../../ui/parts";
import { Backup } from "./Backup";
import { Identity } from "./Identity";
import { LogOut } from "./LogOut";
import { NewPassword } from "./NewPassword";
import { Restore } from "./Restore";
import { Update } from "../update/Update";

export function AboutPage() {
  const { t, duration } = useWords();
  const { data: host } = useSuspenseQuery(overview);
  return (
    <Page title={t("about.title")} lead={t("about.lead")} aside={<LogOut />}>
      <div className="grid-2">
        <Card title={t("about.host")}>
          <Facts
            rows={[
              [t("about.name"), host.name],
              [t("about.version"), host.host_version],
              [t("about.id"), <code>{host.id}</code>],
              [t("about.uptime"), duration(host.uptime_seconds)],
            ]}
          />
        </Card>
        <Update />
        <Identity />
        <Backup />
        <Restore />
        <NewPassword declared={host.administrator === "declared"} />
      </div>
    </Page>
  );
}
