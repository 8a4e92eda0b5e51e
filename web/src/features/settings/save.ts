import { useQueryClient } from "@tanstack/react-query";
import { useAction } from "../../api/action";
import { api, ask } from "../../api/client";
import { Problem } from "../../api/problem";
import { settings } from "../../api/queries";
import { useWords } from "../../i18n/words";
import type { Draft } from "./draft";

/** Stores a draft; what the host refuses is told by key. */
export function useSave(onStored: () => void) {
  const { t } = useWords();
  const queries = useQueryClient();
  const save = useAction(
    (draft: Draft) =>
      ask(api.PATCH("/api/v1/settings", { body: { changes: draft } })).then((stored) => {
        queries.setQueryData(settings.queryKey, stored);
        onStored();
        return stored;
      }),
    { say: ({ restart_needed }) => t(restart_needed ? "settings.saved" : "settings.savedNow") },
  );
  return {
    busy: save.isPending,
    store: (draft: Draft) => save.mutate(draft),
    problems: save.error instanceof Problem ? save.error.problems : [],
  };
}
