import type { SettingKind } from "../../api/model";
import { useWords } from "../../i18n/words";
import { ChoiceEditor, ChoicesEditor } from "./ChoiceEditor";
import { LinesEditor } from "./LinesEditor";
import { readMap } from "./draft";

interface EditorProps {
  /** Of the heading that names the setting. */
  id: string;
  kind: SettingKind;
  value: unknown;
  wrong: boolean;
  onChange: (value: unknown) => void;
}

const texts = (value: unknown) => (Array.isArray(value) ? value.map(String) : []);
const asMap = (value: unknown) => (typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : []);

/** The control that fits what a setting can be. */
export function Editor({ id, kind, value, wrong, onChange }: EditorProps) {
  const { t } = useWords();
  const named = { "aria-labelledby": id, "aria-describedby": `${id}-more`, "aria-invalid": wrong };
  switch (kind.type) {
    case "boolean":
      return <input {...named} type="checkbox" role="switch" className="switch" checked={value === true} onChange={(event) => onChange(event.target.checked)} />;
    case "integer":
      return (
        <input
          {...named}
          type="number"
          inputMode="numeric"
          className="input number"
          min={kind.minimum}
          max={kind.maximum}
          value={typeof value === "number" && !Number.isNaN(value) ? value : ""}
          onChange={(event) => onChange(event.target.valueAsNumber)}
        />
      );
    case "text":
      return <input {...named} type="text" className="input" value={typeof value === "string" ? value : ""} onChange={(event) => onChange(event.target.value || null)} />;
    case "choice":
      return <ChoiceEditor named={named} choices={kind.choices} value={value} onChange={onChange} />;
    case "text_list":
      if (kind.choices.length > 0) return <ChoicesEditor id={id} choices={kind.choices} value={texts(value)} onChange={onChange} />;
      return <LinesEditor named={named} hint={t("settings.oneALine")} value={texts(value).join("\n")} read={lines} onChange={onChange} />;
    case "text_map":
      return <LinesEditor named={named} hint={t("settings.pairALine")} value={asMap(value).map(([name, one]) => `${name}=${String(one)}`).join("\n")} read={readMap} onChange={onChange} />;
  }
}

const lines = (text: string) => text.split("\n").map((line) => line.trim()).filter(Boolean);
