import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { Doorstep } from "../../app/Doorstep";
import { api, ask, isProblem } from "../../api/client";
import { toast } from "../../api/toasts";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { PasswordField } from "../../ui/PasswordField";
import { Note } from "../../ui/parts";
import { type ClaimForm, wrongWith } from "./form";

export function ClaimPage() {
  const { t, problem } = useWords();
  const router = useRouter();
  const queries = useQueryClient();
  const [form, setForm] = useState<ClaimForm>({ code: "", password: "", repeated: "" });
  const [tried, setTried] = useState(false);
  const wrong = tried ? wrongWith(form) : {};
  const set = (name: keyof ClaimForm) => (event: { target: { value: string } }) => setForm({ ...form, [name]: event.target.value });
  const claim = useMutation({
    mutationFn: () => ask(api.POST("/api/v1/claim", { body: { code: form.code.trim(), password: form.password } })),
    onSuccess: (login) => {
      queries.clear();
      queries.setQueryData(["login"], login);
      toast(t("claim.done"), "good");
      void router.navigate({ to: "/" });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (Object.keys(wrongWith(form)).length === 0 && !claim.isPending) claim.mutate();
  };
  return (
    <Doorstep title={t("claim.title")} lead={t("claim.lead")}>
      <form className="stack" onSubmit={submit} noValidate>
        <TextField
          label={t("claim.code")}
          hint={t("claim.where", { command: "punktfunk-host ctl claim" })}
          value={form.code}
          onChange={set("code")}
          wrong={wrong.code && t(wrong.code)}
          className="input-code"
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          autoFocus
        />
        <PasswordField
          label={t("claim.password")}
          hint={t("claim.rule")}
          value={form.password}
          onChange={set("password")}
          wrong={wrong.password && t(wrong.password)}
          autoComplete="new-password"
        />
        <PasswordField
          label={t("claim.repeat")}
          value={form.repeated}
          onChange={set("repeated")}
          wrong={wrong.repeated && t(wrong.repeated)}
          autoComplete="new-password"
        />
        {claim.error && (
          <Note tone="bad" role="alert">
            <p>{isProblem(claim.error, "claimed") ? t("claim.already") : problem(claim.error)}</p>
          </Note>
        )}
        <Button type="submit" look="primary" wide busy={claim.isPending}>
          {t("claim.submit")}
        </Button>
      </form>
    </Doorstep>
  );
}
