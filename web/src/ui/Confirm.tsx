import type { ReactNode } from "react";
import { useWords } from "../i18n/words";
import { Button } from "./Button";
import { Dialog } from "./Dialog";

interface ConfirmProps {
  title: string;
  /** What will happen. */
  children: ReactNode;
  action: string;
  danger?: boolean;
  busy?: boolean;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something that cannot be taken back. The focus is on the way out. */
export function Confirm({ title, children, action, danger = true, busy = false, onConfirm, onClose }: ConfirmProps) {
  const { t } = useWords();
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="soft">{children}</div>
      <div className="dialog-actions">
        <Button onClick={onClose} data-first-focus="">
          {t("app.cancel")}
        </Button>
        <Button look={danger ? "danger" : "primary"} busy={busy} onClick={onConfirm}>
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
