import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { isProblem } from "../api/client";
import { Problem } from "../api/problem";

/** The cache of what the host said; `onTurnedAway` is told when a login is missing or the host is not claimed. */
export function queryClient(onTurnedAway: (error: unknown) => void): QueryClient {
  const onError = (error: unknown) => {
    if (turnsAway(error)) onTurnedAway(error);
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: { staleTime: 10_000, retry: (count, error) => !(error instanceof Problem) && count < 1, refetchOnWindowFocus: true, networkMode: "always" },
      mutations: { networkMode: "always" },
    },
  });
}

/** Whether a refusal means that somebody has to log in or claim first. */
export const turnsAway = (error: unknown) => isProblem(error, "not_authenticated") || isProblem(error, "unclaimed");
