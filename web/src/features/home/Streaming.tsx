import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { HostStatus, Session } from "../../api/model";
import { samples } from "../../api/queries";
import { useWords } from "../../i18n/words";
import { Card, Empty, Lamp } from "../../ui/parts";

/** What streams now, or how to begin. */
export function Streaming({ host, live }: { host: HostStatus; live: readonly Session[] }) {
  const { t } = useWords();
  if (live.length > 0) {
    return (
      <Card title={t("home.now")}>
        <ul className="list">
          {live.map((session) => (
            <LiveRow key={session.id} session={session} />
          ))}
        </ul>
      </Card>
    );
  }
  if (host.devices > 0) {
    return (
      <Empty icon="sessions" title={t("home.nothing")}>
        <p>{t("home.nothingMore", { name: host.name })}</p>
      </Empty>
    );
  }
  return (
    <Empty icon="pairing" title={t("home.noDevices")}>
      <p>{t("home.noDevicesMore", { name: host.name })}</p>
      <Link to="/pairing" className="button button-primary">
        {t("home.pairFirst")}
      </Link>
    </Empty>
  );
}

function LiveRow({ session }: { session: Session }) {
  const { t, number, duration } = useWords();
  const { data } = useQuery(samples(session.id));
  const now = data?.at(-1);
  const figures = [
    [t("sessions.fps"), now ? number(now.frames_sent) : "–"],
    [t("sessions.bitrate"), now ? `${number(now.video_kbps / 1_000, 1)} Mbit/s` : "–"],
    [t("sessions.encode"), now ? `${number(now.encode.p50_us / 1_000, 1)} ms` : "–"],
    [t("sessions.loss"), now ? `${number(now.loss_ppm / 10_000, 1)} %` : "–"],
  ] as const;
  return (
    <li className="stack">
      <div className="row-between">
        <div className="row">
          <Lamp tone="live" />
          <h3>{session.device}</h3>
          <span className="small soft number">
            {session.mode} · {t("sessions.since", { time: duration(session.age_seconds) })}
          </span>
        </div>
        <Link to="/sessions" className="button">
          {t("sessions.open")}
        </Link>
      </div>
      <dl className="figures">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="number">{value}</dd>
          </div>
        ))}
      </dl>
    </li>
  );
}
