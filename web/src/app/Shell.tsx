import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Outlet, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { followEvents } from "../api/events";
import { overview, pending } from "../api/queries";
import { useWords } from "../i18n/words";
import { AwayBanner } from "./AwayBanner";
import { KnockAnnouncer } from "./KnockAnnouncer";
import { Rail, Tabs } from "./Navigation";

const NO_KNOCKS: never[] = [];

/** Everything around a page for who is logged in; it follows the host's events for all pages. */
export function Shell() {
  const { t } = useWords();
  const queries = useQueryClient();
  const path = useRouterState({ select: (state) => state.resolvedLocation?.pathname });
  const { data: host } = useQuery(overview);
  const { data: waiting } = useQuery(pending);
  const knocks = waiting?.knocks ?? NO_KNOCKS;
  useEffect(() => followEvents(queries, path === "/diagnostics"), [queries, path === "/diagnostics"]); // eslint-disable-line react-hooks/exhaustive-deps -- only whether logs are shown matters
  useHeadingFocus(path);
  return (
    <div className="shell">
      <a className="skip" href="#content">
        {t("app.skip")}
      </a>
      <Rail host={host?.name ?? ""} waiting={knocks.length} />
      <div>
        <AwayBanner />
        <main id="content" tabIndex={-1}>
          <Outlet />
        </main>
      </div>
      <Tabs waiting={knocks.length} />
      <KnockAnnouncer knocks={knocks} />
    </div>
  );
}

/** Moves the focus to the heading of the page that was just opened; the first page leaves it where the browser puts it. */
function useHeadingFocus(path: string | undefined) {
  const before = useRef<string | undefined>(undefined);
  useEffect(() => {
    if (before.current !== undefined && before.current !== path) document.querySelector<HTMLElement>("h1")?.focus();
    before.current = path;
  }, [path]);
}
