/** The fields of an event in one line: names as they are, fingerprints short. */
export function describe(what: Readonly<Record<string, unknown>>): string {
  return Object.entries(what)
    .filter(([name]) => name !== "event")
    .map(([name, value]) => plain(name, value))
    .filter(Boolean)
    .join(" · ");
}

function plain(name: string, value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "object") return `${words(name)} ${short(String(value))}`;
  const fields = Object.entries(value as Record<string, unknown>);
  const inner = fields.map(([field, one]) => (field === "name" ? String(one) : plain(field, one))).filter(Boolean);
  return `${words(name)} ${inner.join(", ")}`;
}

const words = (name: string) => name.replaceAll("_", " ");
const short = (text: string) => (/^[0-9a-f]{64}$/.test(text) ? `${text.slice(0, 16)}…` : text);
