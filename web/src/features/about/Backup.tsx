import { useState } from "react";
import { useAction } from "../../api/action";
import { api } from "../../api/client";
import { problemOf } from "../../api/problem";
import { saveFile } from "../../api/save";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { PasswordField } from "../../ui/PasswordField";
import { Card } from "../../ui/parts";

/** The least that the host accepts as a passphrase, in characters. */
const LEAST = 12;

export function Backup() {
  const { t, many } = useWords();
  const [passphrase, setPassphrase] = useState("");
  const [tried, setTried] = useState(false);
  const short = [...passphrase].length < LEAST;
  const backup = useAction(
    async () => {
      const { data, error, response } = await api.POST("/api/v1/backup", { body: { passphrase }, parseAs: "blob" });
      if (!response.ok) throw problemOf(response.status, error);
      saveFile("punktfunk-backup.age", data as unknown as Blob);
      setPassphrase("");
      setTried(false);
      return Number(response.headers.get("x-devices") ?? 0);
    },
    { say: (devices) => many("about.backupDone", devices) },
  );
  return (
    <Card title={t("about.backup")}>
      <form
        className="stack"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          setTried(true);
          if (!short && !backup.isPending) backup.mutate();
        }}
      >
        <p className="soft">{t("about.backupMore")}</p>
        <PasswordField
          label={t("about.passphrase")}
          hint={!(tried && short) && t("about.passphraseRule")}
          wrong={tried && short ? t("about.passphraseRule") : undefined}
          value={passphrase}
          onChange={(event) => setPassphrase(event.target.value)}
          autoComplete="off"
        />
        <div>
          <Button type="submit" icon="download" busy={backup.isPending}>
            {t("about.backupDo")}
          </Button>
        </div>
      </form>
    </Card>
  );
}
