import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { settings } from "../../api/queries";
import { useWords } from "../../i18n/words";
import { Page } from "../../ui/Page";
import { Card } from "../../ui/parts";
import { type Draft, groups, withChange } from "./draft";
import { RestartBanner } from "./RestartBanner";
import { SaveBar } from "./SaveBar";
import { SettingRow } from "./SettingRow";
import { useSave } from "./save";
import "./settings.css";

export function SettingsPage() {
  const { t, known } = useWords();
  const { data } = useSuspenseQuery(settings);
  const [draft, setDraft] = useState<Draft>({});
  const [search, setSearch] = useState("");
  const save = useSave(() => setDraft({}));
  const wanted = search.trim().toLowerCase();
  const shown = data.settings.filter(({ key, description }) => `${key} ${description}`.toLowerCase().includes(wanted));
  const filter = (
    <input
      type="search"
      className="input settings-search"
      aria-label={t("settings.filter")}
      placeholder={t("settings.filter")}
      value={search}
      onChange={(event) => setSearch(event.target.value)}
    />
  );
  return (
    <Page title={t("settings.title")} lead={t("settings.lead")} aside={filter}>
      {data.restart_needed && <RestartBanner />}
      {shown.length === 0 && <p className="soft">{t("settings.noMatch")}</p>}
      {groups(shown).map(([group, members]) => (
        <Card key={group} title={known("settings.group", group)}>
          <ul className="list">
            {members.map((setting) => (
              <SettingRow
                key={setting.key}
                setting={setting}
                draft={draft}
                problem={save.problems.find(({ key }) => key === setting.key)}
                onChange={(value) => setDraft(withChange(draft, setting, value))}
              />
            ))}
          </ul>
        </Card>
      ))}
      <SaveBar settings={data.settings} draft={draft} busy={save.busy} onSave={() => save.store(draft)} onDiscard={() => setDraft({})} />
    </Page>
  );
}
