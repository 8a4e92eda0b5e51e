import type { EndedSession } from "../../api/model";
import { useWords } from "../../i18n/words";

/** The sessions that ended, the newest first. */
export function History({ ended }: { ended: readonly EndedSession[] }) {
  const { t, moment, duration, number } = useWords();
  return (
    <div className="table-scroll" role="group" aria-label={t("sessions.history")} tabIndex={0}>
      <table className="table table-stacks">
        <thead>
          <tr>
            <th scope="col">{t("sessions.device")}</th>
            <th scope="col">{t("sessions.ended")}</th>
            <th scope="col">{t("sessions.took")}</th>
            <th scope="col">{t("sessions.mode")}</th>
            <th scope="col">{t("sessions.frames")}</th>
            <th scope="col">{t("sessions.why")}</th>
          </tr>
        </thead>
        <tbody>
          {ended.map((session) => (
            <tr key={session.id}>
              <td>
                <strong>{session.device}</strong>
              </td>
              <td>{moment(session.ended_unix)}</td>
              <td className="number">{duration(session.age_seconds)}</td>
              <td className="number">{session.mode}</td>
              <td className="number">{number(session.frames_sent)}</td>
              <td className="soft" lang="en">
                {session.end}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
