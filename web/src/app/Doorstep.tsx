import { type ReactNode, useEffect } from "react";
import { Mark } from "../ui/Icon";
import { AwayBanner } from "./AwayBanner";
import { Switches } from "./Switches";

/** The frame of the pages before the login. */
export function Doorstep({ title, lead, children }: { title: string; lead: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · punktfunk`;
  }, [title]);
  return (
    <>
      <AwayBanner />
      <main className="doorstep" id="content">
        <div className="card doorstep-card">
          <div className="brand">
            <Mark />
            punktfunk
          </div>
          <div className="stack-tight">
            <h1 tabIndex={-1}>{title}</h1>
            <p className="soft">{lead}</p>
          </div>
          {children}
          <Switches />
        </div>
      </main>
    </>
  );
}
