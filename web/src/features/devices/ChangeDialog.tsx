import { useState } from "react";
import { useAction } from "../../api/action";
import { api, ask } from "../../api/client";
import type { Device, DeviceChange } from "../../api/model";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/Field";
import { Fingerprint } from "../../ui/parts";
import { AccessFields } from "../access/AccessFields";
import { ExpiryField, type Expiry } from "../access/ExpiryField";
import { readAccess, writeAccess } from "../access/access";

/** Changes the name, the rights and the term of a device; only what was changed is sent. */
export function ChangeDialog({ device, onClose }: { device: Device; onClose: () => void }) {
  const { t } = useWords();
  const before = readAccess(device.access);
  const [name, setName] = useState(device.name);
  const [access, setAccess] = useState(before);
  const [expires, setExpires] = useState<Expiry>("keep");
  const change = useAction(
    (body: DeviceChange) => ask(api.PATCH("/api/v1/devices/{fingerprint}", { params: { path: { fingerprint: device.fingerprint } }, body })),
    { invalidate: [["devices"], ["sessions"]], say: (changed) => t("devices.changed", { name: changed.name }) },
  );
  const wrong = name.trim() === "" ? t("devices.nameEmpty") : undefined;
  const body: DeviceChange = {
    ...(name.trim() !== device.name && { name: name.trim() }),
    ...(writeAccess(access) !== writeAccess(before) && { access: writeAccess(access) }),
    ...(expires !== "keep" && { expires }),
  };
  return (
    <Dialog title={t("devices.changeTitle", { name: device.name })} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (wrong || change.isPending) return;
          if (Object.keys(body).length === 0) onClose();
          else change.mutate(body, { onSuccess: onClose });
        }}
      >
        <Fingerprint value={device.fingerprint} />
        <TextField label={t("devices.name")} value={name} maxLength={64} wrong={wrong} onChange={(event) => setName(event.target.value)} autoFocus />
        <AccessFields value={access} onChange={setAccess} />
        <ExpiryField value={expires} onChange={setExpires} keep />
        <div className="dialog-actions">
          <Button onClick={onClose}>{t("app.cancel")}</Button>
          <Button type="submit" look="primary" busy={change.isPending}>
            {t("app.save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
