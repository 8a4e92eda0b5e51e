import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import type { PinWindowOpen } from "../../api/model";
import { toast } from "../../api/toasts";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { Qr } from "../../ui/Qr";
import { useCountdown } from "../../ui/useCountdown";

/** The open PIN in big digits, or the link as a picture, with the time that is left. */
export function OpenInvitation({ invitation, secondsLeft, at }: { invitation: PinWindowOpen; secondsLeft: number; at: number }) {
  const { t, duration } = useWords();
  const queries = useQueryClient();
  const left = useCountdown(secondsLeft, at);
  const over = left === 0;
  useEffect(() => {
    if (over) void queries.invalidateQueries({ queryKey: ["pairing"] });
  }, [over, queries]);
  return (
    <div className="invitation">
      <p>{t(invitation.pin ? "pairing.pin" : "pairing.link")}</p>
      {invitation.pin && (
        <p className="pin" role="img" aria-label={[...invitation.pin].join(" ")}>
          {[...invitation.pin].map((digit, at) => (
            <span key={at} aria-hidden="true">
              {digit}
            </span>
          ))}
        </p>
      )}
      {invitation.qr && <Qr rows={invitation.qr.rows} label={t("pairing.qr")} />}
      {invitation.link && <CopyLink link={invitation.link} />}
      <p className="row number" role="timer" aria-live="off">
        <Icon name="clock" />
        {over ? t("pairing.used") : t("pairing.left", { time: duration(left) })}
      </p>
    </div>
  );
}

function CopyLink({ link }: { link: string }) {
  const { t } = useWords();
  return (
    <div className="stack-tight link">
      <code translate="no">{link}</code>
      <Button onClick={() => void navigator.clipboard.writeText(link).then(() => toast(t("app.copied"), "good"))}>{t("pairing.copyLink")}</Button>
    </div>
  );
}
