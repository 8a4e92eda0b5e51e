import { useEffect, useRef, useState } from "react";
import type { Knock } from "../api/model";
import { useWords } from "../i18n/words";

/** Tells screen readers of devices that came since the page was opened, whichever page is shown. */
export function KnockAnnouncer({ knocks }: { knocks: readonly Knock[] }) {
  const { t } = useWords();
  const known = useRef<ReadonlySet<number> | null>(null);
  const [said, setSaid] = useState("");
  useEffect(() => {
    const before = known.current;
    known.current = new Set(knocks.map((knock) => knock.id));
    const fresh = before ? knocks.filter((knock) => !before.has(knock.id)) : [];
    if (fresh.length > 0) setSaid(fresh.map(({ name }) => t("app.knocked", { name })).join(" "));
  }, [knocks, t]);
  return (
    <div className="visually-hidden" role="log" aria-live="assertive">
      {said}
    </div>
  );
}
