import { type ComponentProps, type ReactNode, useId } from "react";

interface FieldProps {
  label: ReactNode;
  hint?: ReactNode;
  wrong?: string | undefined;
  /** The control, given the attributes that tie it to its texts. */
  children: (tied: { id: string; "aria-describedby": string | undefined; "aria-invalid": boolean }) => ReactNode;
}

/** A control with its label, its hint and what is wrong with it, tied together for screen readers. */
export function Field({ label, hint, wrong, children }: FieldProps) {
  const id = useId();
  const described = [hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(" ") || undefined;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, "aria-describedby": described, "aria-invalid": Boolean(wrong) })}
      {hint && (
        <p id={`${id}-hint`} className="field-hint">
          {hint}
        </p>
      )}
      {wrong && (
        <p id={`${id}-wrong`} className="field-wrong" role="alert">
          {wrong}
        </p>
      )}
    </div>
  );
}

type TextFieldProps = Omit<FieldProps, "children"> & Omit<ComponentProps<"input">, "children">;

export function TextField({ label, hint, wrong, className, ...input }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} wrong={wrong}>
      {(tied) => <input {...input} {...tied} className={`input ${className ?? ""}`} />}
    </Field>
  );
}
