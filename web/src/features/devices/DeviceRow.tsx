import { useState } from "react";
import type { Device } from "../../api/model";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { Badge, Fingerprint, Lamp } from "../../ui/parts";
import { AccessBadge } from "../access/AccessBadge";
import { ChangeDialog } from "./ChangeDialog";
import { RemoveDialog } from "./RemoveDialog";

/** A paired device and what can be done about it. */
export function DeviceRow({ device }: { device: Device }) {
  const { t, ago, moment } = useWords();
  const [asking, setAsking] = useState<"change" | "remove" | null>(null);
  const close = () => setAsking(null);
  const declared = device.paired_by === "declared";
  const seen = device.last_seen_unix ? t("devices.seen", { when: ago(device.last_seen_unix) }) : t("devices.notSeen");
  const facts = [
    device.connected ? t("devices.connected") : seen,
    `${t("devices.paired", { when: moment(device.paired_unix) })} ${t(`devices.by.${device.paired_by}`)}`,
  ];
  return (
    <li className="device">
      <Lamp tone={device.connected ? "live" : "off"} />
      <div className="stack-tight">
        <h2 className="device-name">{device.name}</h2>
        <span className="small soft">{facts.join(" · ")}</span>
        <Fingerprint value={device.fingerprint} short />
      </div>
      <div className="row device-badges">
        <AccessBadge access={device.access} />
        <Badge icon="clock" tone={device.expires_unix ? "warn" : undefined}>
          {device.expires_unix ? t("devices.until", { when: moment(device.expires_unix) }) : t("devices.forever")}
        </Badge>
        {declared && <Badge icon="lock">{t("devices.declared")}</Badge>}
      </div>
      {declared ? (
        <p className="small soft device-actions">{t("devices.declaredMore")}</p>
      ) : (
        <div className="row device-actions">
          <Button aria-label={`${t("devices.change")}: ${device.name}`} onClick={() => setAsking("change")}>
            {t("devices.change")}
          </Button>
          <Button look="danger" aria-label={`${t("devices.remove")}: ${device.name}`} onClick={() => setAsking("remove")}>
            {t("devices.remove")}
          </Button>
        </div>
      )}
      {asking === "change" && <ChangeDialog device={device} onClose={close} />}
      {asking === "remove" && <RemoveDialog device={device} onClose={close} />}
    </li>
  );
}
