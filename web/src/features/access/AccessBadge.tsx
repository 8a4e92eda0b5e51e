import { useWords } from "../../i18n/words";
import { Badge } from "../../ui/parts";
import { readAccess } from "./access";

/** What a device may do, in a word; the rights of a custom choice one by one. */
export function AccessBadge({ access }: { access: string }) {
  const { t } = useWords();
  const { level, grants } = readAccess(access);
  if (level !== "custom") return <Badge tone={level === "full" ? "accent" : undefined}>{t(`access.${level}`)}</Badge>;
  return grants.map((grant) => <Badge key={grant}>{t(`grant.${grant}`)}</Badge>);
}
