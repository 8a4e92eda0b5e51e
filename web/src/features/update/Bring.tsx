import { useState } from "react";
import { useAction } from "../../api/action";
import { api, ask } from "../../api/client";
import { update } from "../../api/queries";
import { useWords } from "../../i18n/words";
import { TextField } from "../../ui/Field";
import { bring } from "./bring";

/** Takes an update from files of this browser's machine. */
export function Bring() {
  const { t, number } = useWords();
  const [done, setDone] = useState(0);
  const take = useAction(
    async (files: readonly File[]) => {
      setDone(0);
      await bring(files, setDone);
      await ask(api.POST("/api/v1/update/check", { body: { from: "files" } }));
    },
    { invalidate: [update.queryKey] },
  );
  return (
    <details>
      <summary>{t("update.files")}</summary>
      <div className="stack-tight">
        <TextField
          label={t("update.filesMore")}
          type="file"
          multiple
          disabled={take.isPending}
          onChange={({ target }) => {
            const files = [...(target.files ?? [])];
            if (files.length > 0) take.mutate(files);
          }}
        />
        {take.isPending && <p role="status">{t("update.bringing", { percent: number(Math.floor(done * 100)) })}</p>}
      </div>
    </details>
  );
}
