import { useState } from "react";
import { useAction } from "../../api/action";
import { api, ask } from "../../api/client";
import type { Session } from "../../api/model";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Confirm";
import { Lamp } from "../../ui/parts";
import { Graphs } from "./Graphs";

/** A running session: who, how it does, and how to end it. */
export function LiveSession({ session }: { session: Session }) {
  const { t, duration } = useWords();
  const [stopping, setStopping] = useState(false);
  const path = { params: { path: { id: session.id } } };
  const stop = useAction(() => ask(api.DELETE("/api/v1/sessions/{id}", path)), {
    invalidate: [["sessions"], ["overview"], ["devices"]],
    say: () => t("sessions.stopped", { name: session.device }),
  });
  const keyframe = useAction(() => ask(api.POST("/api/v1/sessions/{id}/keyframe", path)), { say: () => t("sessions.keyframed") });
  return (
    <section className="card" aria-label={session.device}>
      <div className="card-head">
        <div className="row">
          <Lamp tone="live" />
          <h2>{session.device}</h2>
          <span className="small soft number">
            {t("sessions.facts", { mode: session.mode, codec: session.codec, peer: session.peer })} · {t("sessions.since", { time: duration(session.age_seconds) })}
          </span>
        </div>
        <div className="row">
          <Button icon="picture" title={t("sessions.keyframeMore")} busy={keyframe.isPending} onClick={() => keyframe.mutate()}>
            {t("sessions.keyframe")}
          </Button>
          <Button look="danger" icon="stop" onClick={() => setStopping(true)}>
            {t("sessions.stop")}
          </Button>
        </div>
      </div>
      <Graphs id={session.id} />
      {stopping && (
        <Confirm
          title={t("sessions.stopTitle", { name: session.device })}
          action={t("sessions.stop")}
          busy={stop.isPending}
          onClose={() => setStopping(false)}
          onConfirm={() => stop.mutate(undefined, { onSettled: () => setStopping(false) })}
        >
          <p>{t("sessions.stopMore")}</p>
        </Confirm>
      )}
    </section>
  );
}
