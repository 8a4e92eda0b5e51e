//! The self test and the settings as text for people.

use serde_json::Value;

use super::columns::{printable, table};
use crate::{
    admin::protocol::{Check, CheckOutcome, DoctorReport, Setting, SettingLock, Settings},
    cli::language::Language,
};

pub(super) fn doctor_text(report: &DoctorReport, language: Language) -> String {
    let mut text: String = report.checks.iter().map(|check| check_text(check, language)).collect();
    let seconds = report.took_ms as f64 / 1_000.0;
    let failed = report.checks.iter().filter(|check| check.outcome == CheckOutcome::Failed).count();
    let verdict = match (language, failed) {
        (Language::English, 0) => format!("Nothing failed ({seconds:.1} s).\n"),
        (Language::English, _) => format!("Failed: {failed} ({seconds:.1} s).\n"),
        (Language::German, 0) => format!("Nichts ist fehlgeschlagen ({seconds:.1} s).\n"),
        (Language::German, _) => format!("Fehlgeschlagen: {failed} ({seconds:.1} s).\n"),
    };
    text.push_str(&verdict);
    text
}

fn check_text(check: &Check, language: Language) -> String {
    let word = match check.outcome {
        CheckOutcome::Passed => language.pick("ok", "gut"),
        CheckOutcome::Warned => language.pick("warning", "Warnung"),
        CheckOutcome::Failed => language.pick("FAILED", "FEHLER"),
        CheckOutcome::Skipped => language.pick("skipped", "entfällt"),
    };
    let mut text = format!("{word:<9} {:<12} {}\n", printable(&check.id), printable(&check.found));
    if let Some(remedy) = &check.remedy {
        text.push_str(&format!("{:23}→ {}\n", "", printable(remedy)));
    }
    text
}

pub(super) fn settings_text(settings: &Settings, language: Language) -> String {
    let rows = settings.settings.iter().map(|setting| {
        let after = setting.after_restart.as_ref();
        let after = after.map(|value| format!(" ({} {})", language.pick("then", "dann"), shown(value, language)));
        let value = shown(&setting.value, language) + &after.unwrap_or_default();
        vec![setting.key.clone(), value, lock(setting, language)]
    });
    let heads = match language {
        Language::English => ["KEY", "VALUE", "SET BY"],
        Language::German => ["SCHLÜSSEL", "WERT", "FESTGELEGT"],
    };
    let mut text = table(&heads, rows.collect(), "");
    if settings.restart_needed {
        text.push_str(language.pick(
            "Restart the host to apply what was changed: `ctl restart`.\n",
            "Änderungen gelten nach einem Neustart des Hosts: `ctl restart`.\n",
        ));
    }
    text
}

fn shown(value: &Value, language: Language) -> String {
    match value {
        Value::Null => language.pick("unset", "nicht gesetzt").to_owned(),
        Value::String(text) => printable(text),
        other => printable(&other.to_string()),
    }
}

fn lock(setting: &Setting, language: Language) -> String {
    match &setting.locked {
        None => String::new(),
        Some(SettingLock::FileOnly) => language.pick("the file only", "nur die Datei").to_owned(),
        Some(SettingLock::Declared { place }) => printable(place),
    }
}
