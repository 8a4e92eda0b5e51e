import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { reachability } from "../api/reachability";
import { useStore } from "../api/store";
import { useWords } from "../i18n/words";
import { Lamp } from "../ui/parts";

const EVERY_MS = 2_000;

/** Says that the host does not answer, knocks until it does, and then brings everything up to date. */
export function AwayBanner() {
  const { t } = useWords();
  const queries = useQueryClient();
  const away = useStore(reachability.away);
  useEffect(() => {
    if (!away) return;
    const knock = async () => {
      const answer = await fetch("/api/v1/health").catch(() => null);
      if (!answer) return;
      reachability.answered();
      await queries.invalidateQueries();
    };
    const timer = setInterval(() => void knock(), EVERY_MS);
    return () => clearInterval(timer);
  }, [away, queries]);
  return (
    <div role="status" aria-live="polite">
      {away && (
        <div className="banner">
          <Lamp tone="warn" />
          <span>{t("app.away")}</span>
          <span className="small">{t("app.awayMore")}</span>
        </div>
      )}
    </div>
  );
}
