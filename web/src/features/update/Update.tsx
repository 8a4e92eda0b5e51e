import { useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useAction } from "../../api/action";
import { api, ask } from "../../api/client";
import type { UpdateStatus } from "../../api/model";
import { health, update } from "../../api/queries";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Confirm";
import { Badge, Card, Facts, Note } from "../../ui/parts";
import { LastUpdate } from "./LastUpdate";
import { Offer } from "./Offer";

/** The system's updates; nothing where it has no update service. */
export function Update() {
  const { data: status } = useSuspenseQuery(update);
  return status && <UpdateCard status={status} />;
}

function UpdateCard({ status }: { status: UpdateStatus }) {
  const { t } = useWords();
  const queries = useQueryClient();
  const keep = (next: UpdateStatus) => queries.setQueryData(update.queryKey, next);
  const check = useAction(() => ask(api.POST("/api/v1/update/check", { body: { from: "source" } })), { invalidate: [update.queryKey] });
  const stage = useAction((version: string) => ask(api.POST("/api/v1/update/stage", { body: { version } })).then(keep));
  const dismiss = useAction(() => ask(api.POST("/api/v1/update/dismiss")).then(keep), { invalidate: [health.queryKey] });
  const rows: [string, React.ReactNode][] = [[t("update.running"), <Running status={status} />]];
  if (status.other) rows.push([t("update.other"), `${status.other.version} (${t(`update.slot.${status.other.standing}`)})`]);
  rows.push([t("update.source"), status.source ?? t("update.noSource")]);
  const offered = status.offer?.version;
  return (
    <Card title={t("update.title")}>
      <div className="stack">
        {status.last && <LastUpdate last={status.last} busy={dismiss.isPending} onDismiss={() => dismiss.mutate()} />}
        <Facts rows={rows} />
        {status.refused && (
          <Note tone="bad" title={t("update.refused")}>
            <p lang="en">{status.refused.message}</p>
          </Note>
        )}
        {status.work && <p role="status">{t(`update.step.${status.work.step}`, { version: status.work.version })}</p>}
        {status.offer && !status.work && <Offer offer={status.offer} />}
        {status.staged && !status.work && <Staged version={status.staged} />}
        {!status.work && (
          <div className="row">
            {offered && offered !== status.staged && (
              <Button look="primary" icon="download" busy={stage.isPending} onClick={() => stage.mutate(offered)}>
                {t("update.stage", { version: offered })}
              </Button>
            )}
            {status.source && (
              <Button busy={check.isPending} onClick={() => check.mutate()}>
                {t(check.isPending ? "update.checking" : "update.check")}
              </Button>
            )}
          </div>
        )}
      </div>
    </Card>
  );
}

function Running({ status }: { status: UpdateStatus }) {
  const { t } = useWords();
  return (
    <span className="row">
      {status.running}
      {status.on_trial && <Badge tone="warn">{t("update.onTrial")}</Badge>}
    </span>
  );
}

/** What waits in the other slot, and the way to start it. */
function Staged({ version }: { version: string }) {
  const { t } = useWords();
  const [asking, setAsking] = useState(false);
  const apply = useAction(() => ask(api.POST("/api/v1/update/apply")), { say: () => t("update.applied") });
  return (
    <Note tone="info" title={t("update.staged", { version })}>
      <p>{t("update.stagedMore")}</p>
      <div>
        <Button icon="restart" onClick={() => setAsking(true)}>
          {t("update.apply")}
        </Button>
      </div>
      {asking && (
        <Confirm title={t("update.applyTitle", { version })} action={t("update.apply")} busy={apply.isPending} onClose={() => setAsking(false)} onConfirm={() => apply.mutate(undefined, { onSettled: () => setAsking(false) })}>
          <p>{t("update.applyMore")}</p>
        </Confirm>
      )}
    </Note>
  );
}
