import { useSuspenseQuery } from "@tanstack/react-query";
import { overview, pending } from "../../api/queries";
import { useWords } from "../../i18n/words";
import { Page } from "../../ui/Page";
import { Card, Empty, Lamp, Note } from "../../ui/parts";
import { Invitation } from "./Invitation";
import { KnockCard } from "./KnockCard";
import { Moonlights } from "./Moonlights";
import "./pairing.css";

export function PairingPage() {
  const { t } = useWords();
  return (
    <Page title={t("pairing.title")} lead={t("pairing.lead")}>
      <div className="pairing">
        <Waiting />
        <Invitation />
        <Moonlights />
      </div>
    </Page>
  );
}

/** The devices at the door; the shell keeps the list fresh. */
function Waiting() {
  const { t, many } = useWords();
  const { data } = useSuspenseQuery(pending);
  const { data: host } = useSuspenseQuery(overview);
  const listening = (
    <span className="row small soft">
      <Lamp tone="live" />
      {t("pairing.listening")}
    </span>
  );
  return (
    <Card title={t("pairing.waiting")} aside={listening}>
      {data.knocks.length === 0 ? (
        <Empty icon="door" title={t("pairing.none")}>
          <p>{t("pairing.noneMore", { name: host.name })}</p>
        </Empty>
      ) : (
        <div className="stack">
          <p className="small soft">{t("pairing.selfNamed")}</p>
          <ul className="list">
            {data.knocks.toReversed().map((knock) => (
              <KnockCard key={knock.id} knock={knock} />
            ))}
          </ul>
        </div>
      )}
      {data.dropped > 0 && (
        <div className="after">
          <Note tone="warn">
            <p>{many("pairing.dropped", data.dropped)}</p>
          </Note>
        </div>
      )}
    </Card>
  );
}
