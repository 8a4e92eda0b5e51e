import { useState } from "react";
import { api, ask } from "../../api/client";
import { useAction } from "../../api/action";
import type { Knock } from "../../api/model";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Confirm";
import { Badge, Fingerprint } from "../../ui/parts";
import { ApproveDialog } from "./ApproveDialog";
import { useApprove } from "./actions";

/** A device that asks to be admitted. */
export function KnockCard({ knock }: { knock: Knock }) {
  const { t, duration } = useWords();
  const [asking, setAsking] = useState<"options" | "deny" | null>(null);
  const close = () => setAsking(null);
  const approve = useApprove(knock);
  const deny = useAction(() => ask(api.POST("/api/v1/pending/{id}/deny", { params: { path: { id: knock.id } } })), {
    invalidate: [["pending"], ["overview"]],
    say: () => t("pairing.denied", { name: knock.name }),
  });
  return (
    <li className="knock">
      <div className="stack-tight">
        <div className="row">
          <h3>{knock.name}</h3>
          <Badge tone={knock.waiting ? "good" : undefined} icon={knock.waiting ? "pairing" : "clock"}>
            {t(knock.waiting ? "pairing.connected" : "pairing.gone")}
          </Badge>
        </div>
        <span className="small soft">{t("pairing.from", { source: knock.source, age: duration(knock.age_seconds) })}</span>
        <Fingerprint value={knock.fingerprint} short />
      </div>
      <div className="row">
        <Button look="primary" icon="good" busy={approve.isPending} aria-label={`${t("pairing.approve")}: ${knock.name}`} onClick={() => approve.mutate({})}>
          {t("pairing.approve")}
        </Button>
        <Button aria-label={`${t("pairing.options")}: ${knock.name}`} onClick={() => setAsking("options")}>
          {t("pairing.options")}
        </Button>
        <Button look="danger" aria-label={`${t("pairing.deny")}: ${knock.name}`} onClick={() => setAsking("deny")}>
          {t("pairing.deny")}
        </Button>
      </div>
      {asking === "options" && <ApproveDialog knock={knock} onClose={close} />}
      {asking === "deny" && (
        <Confirm title={t("pairing.denyTitle", { name: knock.name })} action={t("pairing.deny")} busy={deny.isPending} onClose={close} onConfirm={() => deny.mutate(undefined, { onSettled: close })}>
          <p>{t("pairing.denyMore")}</p>
        </Confirm>
      )}
    </li>
  );
}
