import { type ComponentProps, type ReactNode, useState } from "react";
import { useWords } from "../i18n/words";
import { Button } from "./Button";
import { Field } from "./Field";

interface Props extends Omit<ComponentProps<"input">, "type"> {
  label: ReactNode;
  hint?: ReactNode;
  wrong?: string | undefined;
}

/** A password that can be looked at. */
export function PasswordField({ label, hint, wrong, ...input }: Props) {
  const { t } = useWords();
  const [shown, setShown] = useState(false);
  return (
    <Field label={label} hint={hint} wrong={wrong}>
      {(tied) => (
        <div className="password">
          <input {...input} {...tied} className="input" type={shown ? "text" : "password"} spellCheck={false} autoCapitalize="none" />
          <Button look="plain" aria-pressed={shown} onClick={() => setShown(!shown)}>
            {t(shown ? "app.hidePassword" : "app.showPassword")}
          </Button>
        </div>
      )}
    </Field>
  );
}
