import { useEffect, useState } from "react";

/** Seconds left of those that the host said there were at `at` (milliseconds since 1970). */
export function useCountdown(seconds: number, at: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return Math.max(0, Math.round(seconds - Math.max(0, now - at) / 1_000));
}
