import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, ask } from "../api/client";
import { passwordQuestion } from "../api/password";
import { useStore } from "../api/store";
import { useWords } from "../i18n/words";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { PasswordField } from "../ui/PasswordField";

/** The one dialog that asks for the password again; the request that needs it waits meanwhile. */
export function PasswordDialog() {
  const question = useStore(passwordQuestion);
  return question && <Question answer={question.answer} />;
}

function Question({ answer }: { answer: (proven: boolean) => void }) {
  const { t, problem } = useWords();
  const queries = useQueryClient();
  const [password, setPassword] = useState("");
  const proof = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/login/confirm", { body: { password } })),
    onSuccess: (login) => {
      queries.setQueryData(["login"], login);
      answer(true);
    },
  });
  return (
    <Dialog title={t("confirm.title")} onClose={() => answer(false)}>
      <p className="soft">{t("confirm.lead")}</p>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (!proof.isPending) proof.mutate();
        }}
      >
        <PasswordField
          label={t("app.password")}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          wrong={proof.error ? problem(proof.error) : undefined}
          autoComplete="current-password"
          autoFocus
          required
        />
        <div className="dialog-actions">
          <Button onClick={() => answer(false)}>{t("app.cancel")}</Button>
          <Button type="submit" look="primary" busy={proof.isPending}>
            {t("confirm.submit")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
