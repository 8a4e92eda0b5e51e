import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useEffect, useRef, useState } from "react";
import { liveLines } from "../../api/events";
import type { LogLevel } from "../../api/model";
import { logs } from "../../api/queries";
import { useStore } from "../../api/store";
import { useWords } from "../../i18n/words";
import { Field, TextField } from "../../ui/Field";
import { Card } from "../../ui/parts";
import { LEVELS, merge } from "./lines";

/** The log: what is still held, and what comes while the page is open. */
export function Logs() {
  const { t, clock } = useWords();
  const [level, setLevel] = useState<LogLevel>("info");
  const [contains, setContains] = useState("");
  const [follow, setFollow] = useState(true);
  const filter = useDeferredValue(contains.trim());
  const { data } = useQuery({ ...logs(level, filter), placeholderData: (before) => before });
  const live = useStore(liveLines);
  const lines = merge(data ?? [], follow ? live : [], level, filter);
  const end = useRef<HTMLDivElement>(null);
  const newest = lines.at(-1)?.number;
  useEffect(() => {
    if (follow && end.current) end.current.scrollTop = end.current.scrollHeight;
  }, [newest, follow]);
  return (
    <Card title={t("diagnostics.log")}>
      <div className="stack">
        <div className="log-controls">
          <Field label={t("diagnostics.level")}>
            {(tied) => (
              <select {...tied} className="input" value={level} onChange={(event) => setLevel(event.target.value as LogLevel)}>
                {LEVELS.map((one) => (
                  <option key={one} value={one}>
                    {t(`level.${one}`)}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <TextField label={t("diagnostics.contains")} type="search" maxLength={200} value={contains} onChange={(event) => setContains(event.target.value)} />
          <label className="check">
            <input type="checkbox" role="switch" className="switch" checked={follow} onChange={(event) => setFollow(event.target.checked)} />
            {t("diagnostics.follow")}
          </label>
        </div>
        <div ref={end} className="log" role="group" aria-label={t("diagnostics.log")} tabIndex={0} lang="en">
          {lines.length === 0 && <p className="soft">{t("diagnostics.noLines")}</p>}
          <ol>
            {lines.map((line) => (
              <li key={line.number} className={`log-line log-${line.level}`}>
                <time className="number">{clock(line.unix_ms)}</time>
                <span className="log-level">{line.level}</span>
                <span className="log-text">
                  <span className="soft">{line.target}</span> {line.text}
                </span>
              </li>
            ))}
          </ol>
        </div>
      </div>
    </Card>
  );
}
