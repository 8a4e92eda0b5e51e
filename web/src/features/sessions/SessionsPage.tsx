import { useSuspenseQuery } from "@tanstack/react-query";
import { history, sessions } from "../../api/queries";
import { useWords } from "../../i18n/words";
import { Page } from "../../ui/Page";
import { Card, Empty } from "../../ui/parts";
import { History } from "./History";
import { LiveSession } from "./LiveSession";
import "./sessions.css";

export function SessionsPage() {
  const { t } = useWords();
  const { data: live } = useSuspenseQuery(sessions);
  const { data: ended } = useSuspenseQuery(history);
  return (
    <Page title={t("sessions.title")} lead={t("sessions.lead")}>
      {live.length === 0 && (
        <Empty icon="sessions" title={t("sessions.none")}>
          <p>{t("sessions.noneMore")}</p>
        </Empty>
      )}
      {live.map((session) => (
        <LiveSession key={session.id} session={session} />
      ))}
      <Card title={t("sessions.history")}>
        {ended.length === 0 ? <p className="soft">{t("sessions.noHistory")}</p> : <History ended={ended.toReversed()} />}
      </Card>
    </Page>
  );
}
