import { useStore } from "../api/store";
import { dismiss, toasts } from "../api/toasts";
import { useWords } from "../i18n/words";
import { Icon } from "../ui/Icon";

/** What was just done, or why it was not, for eyes and screen readers. */
export function Toasts() {
  const { t } = useWords();
  const shown = useStore(toasts);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((toast) => (
        <div key={toast.id} className="toast" role={toast.tone === "bad" ? "alert" : undefined}>
          <Icon name={toast.tone} />
          <span>{toast.text}</span>
          <button type="button" aria-label={t("app.dismiss")} onClick={() => dismiss(toast.id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
