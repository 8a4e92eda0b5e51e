import { useSuspenseQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useAction } from "../../api/action";
import { api, ask } from "../../api/client";
import type { ArmRequest, PinWindowOpen } from "../../api/model";
import { pinWindow } from "../../api/queries";
import { store, useStore } from "../../api/store";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { Card, Note } from "../../ui/parts";
import { AccessFields } from "../access/AccessFields";
import { ExpiryField, type Expiry } from "../access/ExpiryField";
import { type Access, writeAccess } from "../access/access";
import { OpenInvitation } from "./OpenInvitation";

/** What this page opened: the host does not tell a PIN twice. */
const opened = store<PinWindowOpen | null>(null);

/** A PIN or a link for a device that is to come. */
export function Invitation() {
  const { t } = useWords();
  const { data: window, dataUpdatedAt } = useSuspenseQuery(pinWindow);
  const mine = useStore(opened);
  const [access, setAccess] = useState<Access>({ level: "full", grants: ["gamepad"] });
  const [expires, setExpires] = useState<Expiry>("never");
  useEffect(() => {
    if (!window) opened.write(null);
  }, [window]);
  const arm = useAction((body: ArmRequest) => ask(api.POST("/api/v1/pairing", { body })).then((open) => (opened.write(open), open)), {
    invalidate: [["pairing"]],
  });
  const disarm = useAction(() => ask(api.DELETE("/api/v1/pairing")), { invalidate: [["pairing"]], say: () => t("pairing.disarmed") });
  const open = (by: "pin" | "link") => arm.mutate({ by, access: writeAccess(access), expires });
  return (
    <Card title={t("pairing.invite")}>
      <div className="stack" aria-live="polite">
        {window && mine ? (
          <OpenInvitation invitation={mine} secondsLeft={window.seconds_left} at={dataUpdatedAt} />
        ) : (
          <>
            {window && (
              <Note tone="warn" title={t("pairing.elsewhere")}>
                <p>{t("pairing.elsewhereMore")}</p>
              </Note>
            )}
            <p className="soft">{t("pairing.inviteMore")}</p>
            <details>
              <summary>{t("pairing.options")}</summary>
              <div className="stack after">
                <AccessFields value={access} onChange={setAccess} />
                <ExpiryField value={expires} onChange={setExpires} />
              </div>
            </details>
          </>
        )}
        <div className="row">
          {!(window && mine) && (
            <>
              <Button look="primary" busy={arm.isPending} onClick={() => open("pin")}>
                {t("pairing.arm")}
              </Button>
              <Button busy={arm.isPending} onClick={() => open("link")}>
                {t("pairing.armLink")}
              </Button>
            </>
          )}
          {window && (
            <Button icon="close" busy={disarm.isPending} onClick={() => disarm.mutate()}>
              {t("pairing.disarm")}
            </Button>
          )}
        </div>
      </div>
    </Card>
  );
}
