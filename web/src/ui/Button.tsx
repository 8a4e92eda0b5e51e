import type { ComponentProps } from "react";
import { Icon, type IconName } from "./Icon";

interface Look {
  look?: "primary" | "danger" | "plain" | undefined;
  icon?: IconName;
  wide?: boolean;
  /** Something is under way: the button stays focusable and does nothing. */
  busy?: boolean;
}

export function Button({ look, icon, wide, busy, children, className, onClick, type = "button", ...rest }: ComponentProps<"button"> & Look) {
  const names = ["button", look && `button-${look}`, wide && "button-wide", className].filter(Boolean).join(" ");
  return (
    <button {...rest} type={type} className={names} aria-busy={busy} onClick={busy ? (event) => event.preventDefault() : onClick}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}
