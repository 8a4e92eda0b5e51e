import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useWords } from "../i18n/words";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Icon, Mark } from "../ui/Icon";
import { IN_THE_BAR, PAGES } from "./pages";
import { Switches } from "./Switches";

interface Counts {
  waiting: number;
}

/** The rail beside the page, where there is room. */
export function Rail({ host, waiting }: Counts & { host: string }) {
  const { t } = useWords();
  return (
    <header className="rail">
      <Link to="/" className="brand">
        <Mark />
        <span>
          punktfunk<small>{host}</small>
        </span>
      </Link>
      <nav aria-label={t("app.nav")} className="rail-links">
        <PageLinks pages={PAGES} waiting={waiting} className="rail-link" />
      </nav>
      <div className="rail-foot">
        <div className="speaker" aria-hidden="true" />
        <Switches />
      </div>
    </header>
  );
}

/** The bar below the page, on a phone. */
export function Tabs({ waiting }: Counts) {
  const { t } = useWords();
  const [open, setOpen] = useState(false);
  return (
    <>
      <nav aria-label={t("app.nav")} className="tabs">
        <PageLinks pages={PAGES.slice(0, IN_THE_BAR)} waiting={waiting} className="tab" />
        <button type="button" className="tab" aria-haspopup="dialog" aria-expanded={open} onClick={() => setOpen(true)}>
          <Icon name="more" />
          {t("app.more")}
        </button>
      </nav>
      {open && (
        <Dialog title={t("app.more")} onClose={() => setOpen(false)}>
          <nav aria-label={t("app.more")} className="rail-links" onClick={() => setOpen(false)}>
            <PageLinks pages={PAGES.slice(IN_THE_BAR)} waiting={0} className="rail-link" />
          </nav>
          <Switches />
          <Button onClick={() => setOpen(false)}>{t("app.close")}</Button>
        </Dialog>
      )}
    </>
  );
}

function PageLinks({ pages, waiting, className }: Counts & { pages: readonly (typeof PAGES)[number][]; className: string }) {
  const { t, many } = useWords();
  return pages.map(({ to, icon, label }) => (
    <Link key={to} to={to} className={className} activeOptions={{ exact: to === "/" }}>
      <Icon name={icon} />
      {t(label)}
      {to === "/pairing" && waiting > 0 && (
        <span className="rail-count">
          <span aria-hidden="true">{waiting}</span>
          <span className="visually-hidden">{many("app.waiting", waiting)}</span>
        </span>
      )}
    </Link>
  ));
}
