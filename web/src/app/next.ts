/** Where a login leads that names no page of this console. */
export const HOME = "/";

/**
 * The page that `next=` names, if it is one of this console: a path of the same origin as a browser reads it, so that no
 * link can lead a person who just typed the password to another site.
 */
export function safeNext(next: unknown, origin: string = location.origin): string {
  if (typeof next !== "string" || !/^\/(?![/\\])/.test(next)) return HOME;
  // Browsers drop tabs and line breaks from addresses and read a backslash as a slash.
  if (hasControlOrBackslash(next)) return HOME;
  try {
    const url = new URL(next, origin);
    const path = url.pathname + url.search + url.hash;
    return url.origin === origin && !path.startsWith("//") && !url.pathname.startsWith("/login") ? path : HOME;
  } catch {
    return HOME;
  }
}

function hasControlOrBackslash(text: string): boolean {
  return [...text].some((character) => character <= " " || character === "\\" || character === "\u007f");
}
