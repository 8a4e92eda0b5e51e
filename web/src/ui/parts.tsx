import { type ReactNode, useId } from "react";
import { Icon, type IconName } from "./Icon";

export type Tone = "good" | "warn" | "bad" | "accent" | undefined;

/** A titled part of a page. */
export function Card({ title, aside, children }: { title?: string; aside?: ReactNode; children: ReactNode }) {
  const id = useId();
  if (!title) return <div className="card">{children}</div>;
  return (
    <section className="card" aria-labelledby={id}>
      <div className="card-head">
        <h2 id={id}>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** A light beside a text that says the same. */
export function Lamp({ tone }: { tone: "good" | "warn" | "bad" | "live" | "off" }) {
  return <span className={`lamp lamp-${tone}`} aria-hidden="true" />;
}

export function Badge({ tone, icon, children }: { tone?: Tone; icon?: IconName; children: ReactNode }) {
  return (
    <span className={`badge ${tone ? `badge-${tone}` : ""}`}>
      {icon && <Icon name={icon} />}
      {children}
    </span>
  );
}

/** Something that a person ought to read. */
export function Note({ tone, title, role, children }: { tone: "good" | "warn" | "bad" | "info"; title?: string; role?: "alert" | "status"; children?: ReactNode }) {
  return (
    <div className={`note note-${tone}`} role={role}>
      <Icon name={tone === "info" ? "about" : tone} />
      <div className="stack-tight">
        {title && <strong>{title}</strong>}
        {children}
      </div>
    </div>
  );
}

/** Where there is nothing yet: what would be here, and how it gets here. */
export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <Icon name={icon} />
      <strong>{title}</strong>
      {children}
    </div>
  );
}

/** The SHA-256 of a certificate in groups of four digits. */
export function Fingerprint({ value, short = false }: { value: string; short?: boolean }) {
  const digits = short ? value.slice(0, 16) : value;
  return (
    <span className="fingerprint" translate="no">
      {digits.match(/.{1,4}/g)?.join(" ")}
      {short && " …"}
    </span>
  );
}

/** Pairs of a name and a value. */
export function Facts({ rows }: { rows: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="facts">
      {rows.map(([name, value]) => (
        <div key={name} className="fact">
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
