import { useId, useState } from "react";
import { useAction } from "../../api/action";
import { api, ask } from "../../api/client";
import type { Device } from "../../api/model";
import { useWords } from "../../i18n/words";
import { Confirm } from "../../ui/Confirm";

/** Revokes a device, and forgets it if that is wanted. */
export function RemoveDialog({ device, onClose }: { device: Device; onClose: () => void }) {
  const { t, many } = useWords();
  const [forget, setForget] = useState(false);
  const group = useId();
  const remove = useAction(
    () => ask(api.DELETE("/api/v1/devices/{fingerprint}", { params: { path: { fingerprint: device.fingerprint }, query: { forget } } })),
    {
      invalidate: [["devices"], ["sessions"], ["overview"]],
      say: (revoked) => many("devices.revoked", revoked?.sessions_ended ?? 0, { name: device.name }),
    },
  );
  return (
    <Confirm
      title={t("devices.removeTitle", { name: device.name })}
      action={t(forget ? "devices.forget" : "devices.revoke")}
      busy={remove.isPending}
      onClose={onClose}
      onConfirm={() => remove.mutate(undefined, { onSuccess: onClose })}
    >
      <div className="stack">
        <p>{t("devices.removeMore")}</p>
        <fieldset className="field">
          <legend className="visually-hidden">{t("devices.remove")}</legend>
          {([false, true] as const).map((choice) => (
            <label key={String(choice)} className="option">
              <input type="radio" name={group} checked={forget === choice} onChange={() => setForget(choice)} />
              <span>
                <strong>{t(choice ? "devices.forget" : "devices.revoke")}</strong>
                <span className="small">{t(choice ? "devices.forgetMore" : "devices.revokeMore")}</span>
              </span>
            </label>
          ))}
        </fieldset>
      </div>
    </Confirm>
  );
}
