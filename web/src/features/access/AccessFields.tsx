import { useId } from "react";
import { useWords } from "../../i18n/words";
import { type Access, GRANTS, LEVELS } from "./access";

/** What a device may do: a level, or each right. */
export function AccessFields({ value, onChange }: { value: Access; onChange: (access: Access) => void }) {
  const { t } = useWords();
  const name = useId();
  return (
    <fieldset className="field">
      <legend>{t("access.label")}</legend>
      {LEVELS.map((level) => (
        <label key={level} className="option">
          <input type="radio" name={name} checked={value.level === level} onChange={() => onChange({ ...value, level })} />
          <span>
            <strong>{t(`access.${level}`)}</strong>
            <span className="small soft">{t(`access.${level}More`)}</span>
          </span>
        </label>
      ))}
      {value.level === "custom" && <Grants value={value} onChange={onChange} />}
    </fieldset>
  );
}

function Grants({ value, onChange }: { value: Access; onChange: (access: Access) => void }) {
  const { t } = useWords();
  return (
    <div className="grants">
      {GRANTS.map((grant) => (
        <label key={grant} className="check">
          <input
            type="checkbox"
            checked={value.grants.includes(grant)}
            onChange={(event) => onChange({ ...value, grants: GRANTS.filter((one) => (one === grant ? event.target.checked : value.grants.includes(one))) })}
          />
          {t(`grant.${grant}`)}
        </label>
      ))}
    </div>
  );
}
