import { useWords } from "../../i18n/words";
import { Field } from "../../ui/Field";

export const TERMS = ["never", "2h", "1d", "7d", "30d"] as const;
/** For how long from now; `keep` leaves it as it is. */
export type Expiry = (typeof TERMS)[number] | "keep";

export function ExpiryField({ value, onChange, keep = false }: { value: Expiry; onChange: (expiry: Expiry) => void; keep?: boolean }) {
  const { t } = useWords();
  return (
    <Field label={t("expiry.label")}>
      {(tied) => (
        <select {...tied} className="input" value={value} onChange={(event) => onChange(event.target.value as Expiry)}>
          {(keep ? (["keep", ...TERMS] as const) : TERMS).map((term) => (
            <option key={term} value={term}>
              {t(`expiry.${term}`)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
