//! Updates of the system as text for people.

use punktfunk_update::model::{Answer, SlotStanding, UpdateOffer, UpdateOutcome, UpdateStatus};

use super::columns::{printable, table};
use crate::cli::language::Language;

/// An answer of the update service.
pub(in crate::cli) fn update_text(answer: &Answer, language: Language) -> String {
    match answer {
        Answer::Status(status) => status_text(status, language),
        Answer::Offer(offer) => offer_text(offer, language),
        Answer::Done => language.pick("Done.\n", "Erledigt.\n").to_owned(),
        Answer::Refused(refusal) => format!("{}\n", line(&refusal.message)),
    }
}

fn status_text(status: &UpdateStatus, language: Language) -> String {
    let trial = if status.on_trial { language.pick(" (on trial)", " (auf Probe)") } else { "" };
    let mut text = format!("{} {}{trial}\n", printable(&status.image), status.running);
    if let Some(other) = &status.other {
        let standing = match other.standing {
            SlotStanding::Good => language.pick("good", "gut"),
            SlotStanding::Untried => language.pick("untried", "nicht erprobt"),
            SlotStanding::Bad => language.pick("failed", "gescheitert"),
        };
        let head = language.pick("other slot", "anderer Platz");
        text.push_str(&format!("{head}: {} ({standing})\n", other.version));
    }
    if let Some(staged) = &status.staged {
        text.push_str(&match language {
            Language::English => format!("{staged} is staged: `ctl update apply` starts the machine with it.\n"),
            Language::German => format!("{staged} liegt bereit: `ctl update apply` startet die Maschine damit.\n"),
        });
    }
    match &status.source {
        Some(source) => {
            text.push_str(&format!("{}: {}\n", language.pick("source", "Quelle"), printable(source)));
        }
        None => text.push_str(language.pick("no source configured\n", "keine Quelle festgelegt\n")),
    }
    text.extend(status.last.as_ref().map(|last| outcome_text(last, language)));
    text
}

fn outcome_text(outcome: &UpdateOutcome, language: Language) -> String {
    match (outcome, language) {
        (UpdateOutcome::Kept { version, from, .. }, Language::English) => {
            format!("The last update, {from} to {version}, was proven to stream and stays.\n")
        }
        (UpdateOutcome::Kept { version, from, .. }, Language::German) => {
            format!("Die letzte Aktualisierung, {from} auf {version}, streamt nachweislich und bleibt.\n")
        }
        (UpdateOutcome::TakenBack { version, from, reason, .. }, Language::English) => {
            format!("The last update, {version}, was taken back; {from} runs again: {}\n", line(reason))
        }
        (UpdateOutcome::TakenBack { version, from, reason, .. }, Language::German) => {
            format!(
                "Die letzte Aktualisierung, {version}, wurde zurückgenommen; {from} läuft wieder: {}\n",
                line(reason)
            )
        }
    }
}

fn offer_text(offer: &UpdateOffer, language: Language) -> String {
    let Some(version) = &offer.version else {
        return language.pick("Nothing newer is offered.\n", "Es gibt nichts Neueres.\n").to_owned();
    };
    let signed = printable(&offer.signed_by);
    let mut text = match language {
        Language::English => format!("Version {version}, signed by {signed}.\n"),
        Language::German => format!("Version {version}, unterschrieben von {signed}.\n"),
    };
    let Some(packages) = &offer.packages else {
        text.push_str(language.pick(
            "In which packages it differs is not known.\n",
            "In welchen Paketen sie sich unterscheidet, ist nicht bekannt.\n",
        ));
        return text;
    };
    let none = || "–".to_owned();
    let shown = |version: &Option<String>| version.as_deref().map_or_else(none, printable);
    let rows = packages.iter().map(|change| vec![printable(&change.name), shown(&change.from), shown(&change.to)]);
    let heads = match language {
        Language::English => ["PACKAGE", "RUNS", "UPDATE"],
        Language::German => ["PAKET", "LÄUFT", "NEU"],
    };
    text.push_str(&table(
        &heads,
        rows.collect(),
        language.pick("Its packages are the same.\n", "Die Pakete sind dieselben.\n"),
    ));
    text
}

/// A sentence of ours or of a program of the system, without anything a terminal would act on.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
