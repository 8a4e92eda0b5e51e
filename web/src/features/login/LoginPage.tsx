import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { safeNext } from "../../app/next";
import { Doorstep } from "../../app/Doorstep";
import { api, ask, isProblem } from "../../api/client";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { PasswordField } from "../../ui/PasswordField";

export function LoginPage() {
  const { t, problem } = useWords();
  const { next } = useSearch({ from: "/login" });
  const router = useRouter();
  const queries = useQueryClient();
  const [password, setPassword] = useState("");
  const entry = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/login", { body: { password } })),
    onSuccess: (login) => {
      queries.clear();
      queries.setQueryData(["login"], login);
      router.history.push(safeNext(next));
    },
    onError: (error) => isProblem(error, "unclaimed") && void router.navigate({ to: "/claim" }),
  });
  return (
    <Doorstep title={t("login.title")} lead={t("login.lead")}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (!entry.isPending) entry.mutate();
        }}
      >
        <PasswordField
          label={t("app.password")}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          wrong={entry.error ? problem(entry.error) : undefined}
          autoComplete="current-password"
          autoFocus
          required
        />
        <Button type="submit" look="primary" wide busy={entry.isPending}>
          {t("login.submit")}
        </Button>
      </form>
      <details className="small">
        <summary>{t("login.forgotten")}</summary>
        <p className="soft">{t("login.forgottenMore", { command: "punktfunk-host ctl claim --reset" })}</p>
      </details>
    </Doorstep>
  );
}
