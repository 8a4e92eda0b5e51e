import { useState } from "react";
import { useAction } from "../../api/action";
import { api, ask } from "../../api/client";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { PasswordField } from "../../ui/PasswordField";
import { Card } from "../../ui/parts";
import { wrongWith } from "../claim/form";

export function NewPassword({ declared }: { declared: boolean }) {
  const { t } = useWords();
  const [password, setPassword] = useState("");
  const [repeated, setRepeated] = useState("");
  const [tried, setTried] = useState(false);
  const found = wrongWith({ code: "-", password, repeated });
  const wrong = tried ? found : {};
  const change = useAction(() => ask(api.PUT("/api/v1/password", { body: { password } })), { invalidate: [["login"]], say: () => t("about.passwordDone") });
  const done = () => {
    setPassword("");
    setRepeated("");
    setTried(false);
  };
  if (declared) {
    return (
      <Card title={t("about.password")}>
        <p className="soft">{t("about.passwordDeclared")}</p>
      </Card>
    );
  }
  return (
    <Card title={t("about.password")}>
      <form
        className="stack"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          setTried(true);
          if (Object.keys(found).length === 0 && !change.isPending) change.mutate(undefined, { onSuccess: done });
        }}
      >
        <p className="soft">{t("about.passwordMore")}</p>
        <PasswordField label={t("claim.password")} value={password} onChange={(event) => setPassword(event.target.value)} wrong={wrong.password && t(wrong.password)} autoComplete="new-password" />
        <PasswordField label={t("claim.repeat")} value={repeated} onChange={(event) => setRepeated(event.target.value)} wrong={wrong.repeated && t(wrong.repeated)} autoComplete="new-password" />
        <div>
          <Button type="submit" busy={change.isPending}>
            {t("about.passwordDo")}
          </Button>
        </div>
      </form>
    </Card>
  );
}
