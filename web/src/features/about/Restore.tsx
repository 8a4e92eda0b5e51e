import { type FormEvent, useState } from "react";
import { useAction } from "../../api/action";
import { api, ask } from "../../api/client";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Confirm";
import { TextField } from "../../ui/Field";
import { PasswordField } from "../../ui/PasswordField";
import { Card } from "../../ui/parts";
import { RestartBanner } from "../settings/RestartBanner";

/** Puts a backup in place of this host. */
export function Restore() {
  const { t, many, moment } = useWords();
  const [file, setFile] = useState<File | null>(null);
  const [passphrase, setPassphrase] = useState("");
  const [tried, setTried] = useState(false);
  const [asking, setAsking] = useState(false);
  const restore = useAction(
    async (from: File) => ask(api.POST("/api/v1/restore", { body: { file: await inBase64(from), passphrase } })),
    { say: ({ devices, written_unix }) => many("about.restored", devices, { when: moment(written_unix) }) },
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (file && passphrase) setAsking(true);
  };
  return (
    <Card title={t("about.restore")}>
      <form className="stack" noValidate onSubmit={submit}>
        <TextField
          label={t("about.restoreFile")}
          type="file"
          accept=".age"
          wrong={tried && !file ? t("about.restoreNoFile") : undefined}
          onChange={(event) => setFile(event.target.files?.[0] ?? null)}
        />
        <PasswordField
          label={t("about.passphrase")}
          wrong={tried && !passphrase ? t("about.restoreNoPassphrase") : undefined}
          value={passphrase}
          onChange={(event) => setPassphrase(event.target.value)}
          autoComplete="off"
        />
        <div>
          <Button type="submit" busy={restore.isPending}>
            {t("about.restoreDo")}
          </Button>
        </div>
        {restore.isSuccess && <RestartBanner />}
      </form>
      {asking && file && (
        <Confirm
          title={t("about.restoreTitle")}
          action={t("about.restoreDo")}
          busy={restore.isPending}
          onClose={() => setAsking(false)}
          onConfirm={() => restore.mutate(file, { onSettled: () => setAsking(false) })}
        >
          <p>{t("about.restoreMore")}</p>
        </Confirm>
      )}
    </Card>
  );
}

async function inBase64(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
