interface Choice {
  value: string;
  description: string;
}

interface Named {
  "aria-labelledby": string;
  "aria-describedby": string;
  "aria-invalid": boolean;
}

/** One of several texts, with what the chosen one means. */
export function ChoiceEditor({ named, choices, value, onChange }: { named: Named; choices: readonly Choice[]; value: unknown; onChange: (value: string) => void }) {
  const chosen = choices.find((choice) => choice.value === value);
  return (
    <>
      <select {...named} className="input" value={String(value)} onChange={(event) => onChange(event.target.value)}>
        {choices.map((choice) => (
          <option key={choice.value}>{choice.value}</option>
        ))}
      </select>
      <p className="small soft" lang="en">
        {chosen?.description}
      </p>
    </>
  );
}

/** Any of several texts; the order of those chosen is kept. */
export function ChoicesEditor({ id, choices, value, onChange }: { id: string; choices: readonly Choice[]; value: readonly string[]; onChange: (value: string[]) => void }) {
  const toggle = (text: string, on: boolean) => onChange(on ? [...value, text] : value.filter((one) => one !== text));
  return (
    <div role="group" aria-labelledby={id}>
      {choices.map((choice) => (
        <label key={choice.value} className="check">
          <input type="checkbox" checked={value.includes(choice.value)} onChange={(event) => toggle(choice.value, event.target.checked)} />
          <span>
            {choice.value}{" "}
            <span className="small soft" lang="en">
              {choice.description}
            </span>
          </span>
        </label>
      ))}
    </div>
  );
}
