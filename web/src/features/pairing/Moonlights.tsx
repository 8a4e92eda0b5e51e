import { useSuspenseQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useAction } from "../../api/action";
import { api, ask, isProblem } from "../../api/client";
import type { MoonlightPin, MoonlightWaiting } from "../../api/model";
import { moonlights } from "../../api/queries";
import { useWords } from "../../i18n/words";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Card, Empty, Note } from "../../ui/parts";

/** The Moonlights that show a PIN; nothing where the host does not speak with them. */
export function Moonlights() {
  const { t } = useWords();
  const { data } = useSuspenseQuery(moonlights);
  // Kept here: a device whose PIN was wrong waits no longer, and its form is gone before anybody has read why.
  const pair = useAction((body: MoonlightPin) => ask(api.POST("/api/v1/pairing/moonlight", { body })), {
    invalidate: [["pairing"], ["devices"], ["overview"]],
    say: ({ name }) => t("pairing.moonlight.paired", { name }),
    failure: "inline",
  });
  const wrong = useFailure(pair.error);
  if (!data.enabled) return null;
  return (
    <Card title={t("pairing.moonlight")}>
      <div className="stack">
        {wrong && (
          <div role="alert">
            <Note tone="warn">
              <p>{wrong}</p>
            </Note>
          </div>
        )}
        {data.waiting.length === 0 ? (
          <Empty icon="pairing" title={t("pairing.moonlight.none")}>
            <p>{t("pairing.moonlight.noneMore")}</p>
          </Empty>
        ) : (
          <ul className="list">
            {data.waiting.map((waiting) => (
              <li key={waiting.address}>
                <PinForm waiting={waiting} busy={pair.isPending} onTyped={(pin) => pair.mutate(pin)} />
              </li>
            ))}
          </ul>
        )}
      </div>
    </Card>
  );
}

/** Why a device was not paired, in the words of this page. */
function useFailure(error: unknown): string | null {
  const { t, problem } = useWords();
  if (!error || isProblem(error, "password_needed")) return null;
  if (isProblem(error, "refused")) return t("pairing.moonlight.refused");
  if (isProblem(error, "not_found")) return t("pairing.moonlight.gone");
  return problem(error);
}

interface PinFormProps {
  waiting: MoonlightWaiting;
  busy: boolean;
  onTyped: (pin: MoonlightPin) => void;
}

/** Where the owner types what the device shows. */
function PinForm({ waiting: { address }, busy, onTyped }: PinFormProps) {
  const { t } = useWords();
  const [pin, setPin] = useState("");
  const [label, setLabel] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const name = label.trim();
    onTyped({ pin, address, ...(name && { label: name }) });
  };
  return (
    <form className="stack" onSubmit={submit}>
      <p>{t("pairing.moonlight.waits", { address })}</p>
      <TextField
        label={t("pairing.moonlight.pin")}
        value={pin}
        onChange={(event) => setPin(event.target.value.replace(/[^0-9]/g, ""))}
        inputMode="numeric"
        autoComplete="off"
        maxLength={4}
        required
        className="digits"
      />
      <TextField label={t("pairing.label")} value={label} onChange={(event) => setLabel(event.target.value)} autoComplete="off" maxLength={64} />
      <div className="row">
        <Button look="primary" type="submit" busy={busy} disabled={pin.length !== 4}>
          {t("pairing.moonlight.pair")}
        </Button>
      </div>
    </form>
  );
}
