import { useQuery } from "@tanstack/react-query";
import { samples } from "../../api/queries";
import { useWords } from "../../i18n/words";
import { Chart } from "../../ui/Chart";
import { charts } from "./charts";

/** The last two minutes of a session; the event stream adds a second at a time. */
export function Graphs({ id }: { id: number }) {
  const words = useWords();
  const { t } = words;
  const { data } = useQuery(samples(id));
  const seconds = data ?? [];
  return (
    <div className="graphs">
      {charts(seconds, words).map((chart) => (
        <Chart
          key={chart.title}
          {...chart}
          ends={[t("sessions.minutes"), t("sessions.now")]}
          summary={t("sessions.chart", { title: chart.title, now: chart.lines.map((line) => `${line.label} ${line.now}`).join(", ") })}
        />
      ))}
      {data && seconds.length === 0 && <p className="soft small">{t("sessions.gathering")}</p>}
    </div>
  );
}
