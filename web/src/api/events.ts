import type { QueryClient, QueryKey } from "@tanstack/react-query";
import type { LogLine, SessionSample, Topic } from "./model";
import { samples } from "./queries";
import { reachability } from "./reachability";
import { store } from "./store";

/** What a topic makes stale. */
const STALE: Record<Topic, readonly QueryKey[]> = {
  pending: [["pending"], ["overview"]],
  pairing: [["pairing"], ["overview"]],
  devices: [["devices"], ["overview"]],
  sessions: [["sessions"], ["overview"], ["devices"]],
  health: [["health"], ["overview"]],
  settings: [["settings"]],
};

/** Seconds of a session that are kept. */
const KEPT = 120;
/** Lines of the log that are kept while they are shown. */
const KEPT_LINES = 1_000;

/** Lines that came while the log was shown, the newest last. */
export const liveLines = store<readonly LogLine[]>([]);

/**
 * Follows the host's events until the function returned is called. While the page is hidden the stream is closed: a
 * browser has few connections to one host, and other tabs need them.
 */
export function followEvents(queries: QueryClient, withLogs: boolean): () => void {
  let close = document.hidden ? null : listen(queries, withLogs);
  const seenOrHidden = () => {
    close?.();
    close = document.hidden ? null : listen(queries, withLogs);
    if (close) void queries.invalidateQueries();
  };
  document.addEventListener("visibilitychange", seenOrHidden);
  return () => {
    document.removeEventListener("visibilitychange", seenOrHidden);
    close?.();
  };
}

function listen(queries: QueryClient, withLogs: boolean): () => void {
  const source = new EventSource(withLogs ? "/api/v1/events?logs=true" : "/api/v1/events");
  const on = <T>(name: string, take: (data: T) => void) =>
    source.addEventListener(name, (event) => take(JSON.parse((event as MessageEvent<string>).data) as T));
  on<{ topic: Topic }>("changed", ({ topic }) => {
    for (const queryKey of STALE[topic] ?? []) void queries.invalidateQueries({ queryKey });
  });
  on<SessionSample[]>("samples", (second) => second.forEach((sample) => keep(queries, sample)));
  on<LogLine>("log", (line) => liveLines.write([...liveLines.read().slice(1 - KEPT_LINES), line]));
  on("dropped", () => void queries.invalidateQueries());
  source.onopen = () => {
    // Whatever happened while nobody listened was missed.
    if (reachability.away.read()) void queries.invalidateQueries();
    reachability.answered();
  };
  source.onerror = () => reachability.silent();
  return () => source.close();
}

function keep(queries: QueryClient, sample: SessionSample) {
  const { queryKey } = samples(sample.session);
  queries.setQueryData(queryKey, (known) => {
    const before = (known ?? []).filter((one) => one.unix_ms < sample.unix_ms);
    return [...before.slice(1 - KEPT), sample];
  });
}
