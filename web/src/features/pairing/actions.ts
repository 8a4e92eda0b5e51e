import { useAction } from "../../api/action";
import { api, ask } from "../../api/client";
import type { ApproveRequest, Knock } from "../../api/model";
import { useWords } from "../../i18n/words";

/** Admits a device that knocked. */
export function useApprove(knock: Knock) {
  const { t } = useWords();
  return useAction(
    (body: ApproveRequest) => ask(api.POST("/api/v1/pending/{id}/approve", { params: { path: { id: knock.id } }, body })),
    {
      invalidate: [["pending"], ["devices"], ["overview"]],
      say: ({ admitted, device: { name } }) => t(admitted ? "pairing.admitted" : "pairing.approved", { name }),
    },
  );
}
