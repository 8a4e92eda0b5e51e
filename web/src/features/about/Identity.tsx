import { useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useAction } from "../../api/action";
import { api, ask } from "../../api/client";
import type { HostIdentity } from "../../api/model";
import { identity } from "../../api/queries";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Confirm";
import { Card, Facts, Fingerprint } from "../../ui/parts";

/** Who the host is to devices, and the change to another key. */
export function Identity() {
  const { t } = useWords();
  const queries = useQueryClient();
  const { data } = useSuspenseQuery(identity);
  const [asking, setAsking] = useState(false);
  const keep = (next: HostIdentity) => queries.setQueryData(identity.queryKey, next);
  const prepare = useAction(() => ask(api.POST("/api/v1/identity/successor")).then(keep), { say: () => t("about.prepared") });
  const withdraw = useAction(() => ask(api.DELETE("/api/v1/identity/successor")).then(keep), { say: () => t("about.withdrawn") });
  const promote = useAction(() => ask(api.POST("/api/v1/identity/promote")).then(keep), { say: () => t("about.promoted") });
  const rows: [string, React.ReactNode][] = [[t("app.fingerprint"), <Fingerprint value={data.fingerprint} />]];
  if (data.successor) rows.push([t("about.successor"), <Fingerprint value={data.successor} />]);
  if (data.after_restart) rows.push([t("about.afterRestart"), <Fingerprint value={data.after_restart} />]);
  return (
    <Card title={t("about.identity")}>
      <div className="stack">
        <p className="soft">{t("about.identityMore")}</p>
        <Facts rows={rows} />
        <p className="small soft">{t("about.prepareMore")}</p>
        <div className="row">
          {data.successor ? (
            <>
              <Button look="danger" onClick={() => setAsking(true)}>
                {t("about.promote")}
              </Button>
              <Button busy={withdraw.isPending} onClick={() => withdraw.mutate()}>
                {t("about.withdraw")}
              </Button>
            </>
          ) : (
            <Button busy={prepare.isPending} onClick={() => prepare.mutate()}>
              {t("about.prepare")}
            </Button>
          )}
        </div>
      </div>
      {asking && (
        <Confirm title={t("about.promoteTitle")} action={t("about.promote")} busy={promote.isPending} onClose={() => setAsking(false)} onConfirm={() => promote.mutate(undefined, { onSettled: () => setAsking(false) })}>
          <p>{t("about.promoteMore")}</p>
        </Confirm>
      )}
    </Card>
  );
}
