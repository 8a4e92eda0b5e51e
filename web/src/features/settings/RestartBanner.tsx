import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { overview } from "../../api/queries";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Confirm";
import { Lamp, Note } from "../../ui/parts";
import { useRestart } from "./restart";

/** Says that a restart is needed, and does it. */
export function RestartBanner() {
  const { t, many } = useWords();
  const { data: host } = useQuery(overview);
  const [asking, setAsking] = useState(false);
  const { stage, restart } = useRestart();
  if (stage !== "idle") {
    return (
      <div className="note note-warn" role="status">
        <Lamp tone="live" />
        <div className="stack-tight">
          <strong>{t(stage === "late" ? "restart.late" : "restart.going")}</strong>
          {stage === "going" && <p>{t("restart.goingMore")}</p>}
        </div>
      </div>
    );
  }
  return (
    <>
      <Note tone="warn" title={t("restart.needed")}>
        <div>
          <Button icon="restart" onClick={() => setAsking(true)}>
            {t("restart.do")}
          </Button>
        </div>
      </Note>
      {asking && (
        <Confirm
          title={t("restart.title")}
          action={t("restart.do")}
          onClose={() => setAsking(false)}
          onConfirm={() => {
            setAsking(false);
            restart();
          }}
        >
          <p>{many("restart.more", host?.sessions ?? 0)}</p>
        </Confirm>
      )}
    </>
  );
}
