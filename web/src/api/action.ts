import { type QueryKey, useMutation, useQueryClient } from "@tanstack/react-query";
import { useWords } from "../i18n/words";
import { isProblem } from "./client";
import { toast } from "./toasts";

interface Follows<I, O> {
  /** What to ask for again. */
  invalidate?: readonly QueryKey[];
  /** What to say when it is done. */
  say?: (out: O, input: I) => string;
  /** Where a failure is shown: in a toast, or by the component that asked. */
  failure?: "toast" | "inline";
}

/** A write: afterwards what it changed is asked for again, and the result is said in words. */
export function useAction<I, O>(run: (input: I) => Promise<O>, follows: Follows<I, O> = {}) {
  const queries = useQueryClient();
  const { problem } = useWords();
  return useMutation({
    mutationFn: run,
    onSuccess: async (out, input) => {
      if (follows.say) toast(follows.say(out, input), "good");
      await Promise.all((follows.invalidate ?? []).map((queryKey) => queries.invalidateQueries({ queryKey })));
    },
    onError: (error) => {
      const givenUp = isProblem(error, "password_needed");
      if (follows.failure !== "inline" && !givenUp) toast(problem(error), "bad");
    },
  });
}
