import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useAction } from "../../api/action";
import { api, ask, isProblem } from "../../api/client";
import type { HostStatus } from "../../api/model";
import { overview } from "../../api/queries";
import { toast } from "../../api/toasts";
import { useWords } from "../../i18n/words";

const EVERY_MS = 1_000;
const PATIENCE_MS = 60_000;

type Stage = "idle" | "going" | "late";

/**
 * Restarts the host and waits until it is another one: one that has run for less time than has passed, or that knows
 * nothing of this login, which ended with the one before.
 */
export function useRestart() {
  const { t } = useWords();
  const queries = useQueryClient();
  const [stage, setStage] = useState<Stage>("idle");
  const wait = async () => {
    const since = Date.now();
    setStage("going");
    while (Date.now() - since < PATIENCE_MS) {
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      const host = await ask(api.GET("/api/v1/overview")).catch((error: unknown) => (isProblem(error, "not_authenticated") ? "stranger" : null));
      if (host === "stranger" || (host && isAnew(host, Date.now() - since))) {
        setStage("idle");
        await queries.invalidateQueries();
        toast(t("restart.back"), "good");
        return;
      }
    }
    setStage("late");
    queries.setQueryData(overview.queryKey, undefined);
  };
  const asked = useAction(() => ask(api.POST("/api/v1/restart")), { say: () => t("restart.going") });
  return { stage, restart: () => asked.mutate(undefined, { onSuccess: () => void wait() }) };
}

/** Whether a host that answers after so long is the one that was started since. */
export const isAnew = (host: Pick<HostStatus, "uptime_seconds">, passedMs: number) => host.uptime_seconds * 1_000 <= passedMs;
