import { store } from "./store";

export interface Toast {
  id: number;
  text: string;
  tone: "good" | "bad";
}

export const toasts = store<readonly Toast[]>([]);
let last = 0;

export const dismiss = (id: number) => toasts.write(toasts.read().filter((toast) => toast.id !== id));

/** Says something in a corner. What went well leaves by itself, what went wrong stays until it is dismissed. */
export function toast(text: string, tone: Toast["tone"]) {
  const id = (last += 1);
  toasts.write([...toasts.read().slice(-2), { id, text, tone }]);
  if (tone === "good") setTimeout(() => dismiss(id), 6_000);
}
