import { useState } from "react";
import type { Knock } from "../../api/model";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/Field";
import { Fingerprint } from "../../ui/parts";
import { AccessFields } from "../access/AccessFields";
import { ExpiryField, type Expiry } from "../access/ExpiryField";
import { type Access, writeAccess } from "../access/access";
import { useApprove } from "./actions";

/** Admits a device under a name, with a level and for a time. */
export function ApproveDialog({ knock, onClose }: { knock: Knock; onClose: () => void }) {
  const { t } = useWords();
  const [label, setLabel] = useState(knock.name);
  const [access, setAccess] = useState<Access>({ level: "full", grants: ["gamepad"] });
  const [expires, setExpires] = useState<Expiry>("never");
  const approve = useApprove(knock);
  return (
    <Dialog title={t("pairing.approveTitle", { name: knock.name })} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          const named = label.trim();
          if (!approve.isPending) approve.mutate({ ...(named && { label: named }), access: writeAccess(access), expires }, { onSuccess: onClose });
        }}
      >
        <Fingerprint value={knock.fingerprint} />
        <TextField label={t("pairing.label")} value={label} maxLength={64} onChange={(event) => setLabel(event.target.value)} autoFocus />
        <AccessFields value={access} onChange={setAccess} />
        <ExpiryField value={expires} onChange={setExpires} />
        <div className="dialog-actions">
          <Button onClick={onClose}>{t("app.cancel")}</Button>
          <Button type="submit" look="primary" icon="good" busy={approve.isPending}>
            {t("pairing.approve")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
