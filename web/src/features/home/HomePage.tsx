import { useSuspenseQuery } from "@tanstack/react-query";
import { health, overview, pending, sessions } from "../../api/queries";
import { useWords } from "../../i18n/words";
import { Page } from "../../ui/Page";
import { Attention } from "./Attention";
import { Machine } from "./Machine";
import { Streaming } from "./Streaming";
import "./home.css";

export function HomePage() {
  const { t, many, duration } = useWords();
  const { data: host } = useSuspenseQuery(overview);
  const { data: state } = useSuspenseQuery(health);
  const { data: live } = useSuspenseQuery(sessions);
  const { data: waiting } = useSuspenseQuery(pending);
  const idle = t(state.state === "failed" ? "home.title.failed" : "home.title.idle");
  return (
    <Page
      title={live.length > 0 ? many("home.title.live", live.length) : idle}
      lead={t("home.lead", { name: host.name, uptime: duration(host.uptime_seconds) })}
    >
      <Attention health={state} knocks={waiting.knocks} />
      <div className="home">
        <Streaming host={host} live={live} />
        <Machine host={host} />
      </div>
    </Page>
  );
}
