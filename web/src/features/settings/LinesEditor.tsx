interface LinesProps {
  named: Record<string, string | boolean>;
  hint: string;
  /** As it would be written. */
  value: string;
  read: (text: string) => unknown;
  onChange: (value: unknown) => void;
}

/** Several texts, one a line. It is taken over when the field is left: half-written lines stay as they are typed. */
export function LinesEditor({ named, hint, value, read, onChange }: LinesProps) {
  return (
    <>
      <textarea {...named} key={value} className="input" spellCheck={false} defaultValue={value} onBlur={(event) => onChange(read(event.target.value))} />
      <p className="small soft">{hint}</p>
    </>
  );
}
