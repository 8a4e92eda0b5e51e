import { useId } from "react";
import { Icon, type IconName } from "./Icon";

interface SegmentsProps<T extends string> {
  label: string;
  value: T;
  choices: readonly { value: T; label: string; icon?: IconName; lang?: string }[];
  onChange: (value: T) => void;
}

/** One of a few, side by side: radio buttons in the shape of a selector switch. */
export function Segments<T extends string>({ label, value, choices, onChange }: SegmentsProps<T>) {
  const name = useId();
  return (
    <fieldset className="segments">
      <legend className="visually-hidden">{label}</legend>
      {choices.map((choice) => (
        <label key={choice.value} className="segment" title={choice.icon ? choice.label : undefined}>
          <input type="radio" name={name} checked={choice.value === value} onChange={() => onChange(choice.value)} />
          <span lang={choice.lang}>
            {choice.icon ? (
              <>
                <Icon name={choice.icon} />
                <span className="visually-hidden">{choice.label}</span>
              </>
            ) : (
              choice.label
            )}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
