//! Answers of the host as text for people, in their language.

mod columns;
mod machine;
mod qr;
mod update;
mod welcome;
mod words;

use std::path::Path;

use punktfunk_proto::units::Fingerprint;
use punktfunk_trust::backup::Restored;
use serde_json::Value;

pub(super) use self::welcome::welcome_text;
use self::{
    columns::{printable, table},
    words::{ago, grants, span, until},
};
use super::language::Language;
use crate::admin::protocol::{
    AdminResponse, Administrator, AdministratorState, AuditVerdict, Device, EndedSession, HostIdentity, HostStatus,
    Knock, Moonlights, PairedBy, PinWindowOpen, Session,
};
pub(super) use update::update_text;

/// The answer, with a newline at its end.
pub(super) fn text(answer: &AdminResponse, language: Language) -> String {
    let pick = |english, german| language.pick(english, german);
    match answer {
        AdminResponse::Status(status) => status_text(status, language),
        AdminResponse::Armed(window) => armed_text(window, language),
        AdminResponse::Disarmed { was_armed: true } => {
            pick("The PIN window is closed.\n", "Das PIN-Fenster ist geschlossen.\n").to_owned()
        }
        AdminResponse::Disarmed { was_armed: false } => {
            pick("No PIN window was open.\n", "Es war kein PIN-Fenster offen.\n").to_owned()
        }
        AdminResponse::Moonlights(moonlights) => moonlights_text(moonlights, language),
        AdminResponse::MoonlightPaired { device } => {
            format!("{} {}.\n", pick("Paired:", "Gekoppelt:"), device_line(device))
        }
        AdminResponse::Pending { knocks, dropped } => pending_text(knocks, *dropped, language),
        AdminResponse::Approved { device, admitted } => {
            let next = match admitted {
                true => pick("its connection goes on now", "die Verbindung geht jetzt weiter"),
                false => pick("it can connect now", "das Gerät kann sich jetzt verbinden"),
            };
            format!("{} {}; {next}.\n", pick("Approved", "Zugelassen:"), device_line(device))
        }
        AdminResponse::Denied { knock } => {
            let head = pick("Denied", "Abgelehnt:");
            format!("{head} \"{}\" ({}).\n", printable(&knock.name), knock.fingerprint.short())
        }
        AdminResponse::Devices { devices } => devices_text(devices, language),
        AdminResponse::Renamed { device } => format!("{} {}.\n", pick("Renamed:", "Umbenannt:"), device_line(device)),
        AdminResponse::Revoked { device, sessions_ended } => {
            let (head, ended) = (pick("Revoked", "Entfernt:"), pick("sessions ended", "beendete Sitzungen"));
            format!("{head} {}; {ended}: {sessions_ended}.\n", device_line(device))
        }
        AdminResponse::Forgotten { device } => {
            format!("{} {}.\n", pick("Forgotten:", "Vergessen:"), device_line(device))
        }
        AdminResponse::AccessSet { device } => access_text(device, language),
        AdminResponse::Administrator(administrator) => administrator_text(administrator, language),
        AdminResponse::AuditRows { rows } => audit_text(rows, language),
        AdminResponse::AuditVerified(verdict) => verdict_text(verdict, language),
        // `ctl backup` writes the file and says that instead: see `backup_text`.
        AdminResponse::Backup { .. } => String::new(),
        AdminResponse::Identity(identity) => identity_text(identity, language),
        AdminResponse::Sessions { sessions } => sessions_text(sessions, language),
        AdminResponse::SessionHistory { sessions } => history_text(sessions, language),
        AdminResponse::SessionStopped { session } => match language {
            Language::English => format!("Session {} of \"{}\" was stopped.\n", session.id, printable(&session.device)),
            Language::German => {
                format!("Sitzung {} von \"{}\" wurde beendet.\n", session.id, printable(&session.device))
            }
        },
        AdminResponse::Doctor(report) => machine::doctor_text(report, language),
        AdminResponse::Settings(settings) => machine::settings_text(settings, language),
        AdminResponse::ProbeExpected => {
            pick("The health check may connect.\n", "Die Prüfung darf sich verbinden.\n").to_owned()
        }
        AdminResponse::Restarting => pick("The host restarts now.\n", "Der Host startet jetzt neu.\n").to_owned(),
        AdminResponse::Error(error) => format!("{}\n", printable(&error.message)),
    }
}

/// A backup that was written.
pub(super) fn backup_text(path: &Path, devices: u32, language: Language) -> String {
    let path = path.display();
    match language {
        Language::English => format!(
            "Wrote {path}: the host's identity and its devices ({devices}). Whoever opens it can pretend to be this \
             host: keep it and its passphrase apart.\n"
        ),
        Language::German => format!(
            "{path} geschrieben: Identität des Hosts und seine Geräte ({devices}). Wer die Datei öffnen kann, kann sich \
             als dieser Host ausgeben: Datei und Passphrase getrennt aufbewahren.\n"
        ),
    }
}

/// A backup that was restored.
pub(super) fn restored_text(restored: &Restored, language: Language) -> String {
    let (devices, print) = (restored.summary.devices, restored.summary.fingerprint.grouped());
    let mut text = match language {
        Language::English => format!("Restored: {devices} devices, and the identity\n  {print}\nStart the host.\n"),
        Language::German => {
            format!("Wiederhergestellt: {devices} Geräte und die Identität\n  {print}\nJetzt den Host starten.\n")
        }
    };
    if let Some(kept) = &restored.kept {
        let head = language.pick("What was there before is in", "Der vorige Stand liegt in");
        text.push_str(&format!("{head} {}.\n", kept.display()));
    }
    text
}

fn moonlights_text(moonlights: &Moonlights, language: Language) -> String {
    let pick = |english, german| language.pick(english, german);
    if !moonlights.enabled {
        let off = pick(
            "The host does not speak with Moonlight: set gamestream.enable and restart it.\n",
            "Der Host spricht nicht mit Moonlight: gamestream.enable setzen und neu starten.\n",
        );
        return off.to_owned();
    }
    if moonlights.waiting.is_empty() {
        let none = pick(
            "No Moonlight waits. Choose this host in Moonlight; it then shows a PIN.\n",
            "Kein Moonlight wartet. Diesen Host in Moonlight wählen; dann zeigt es eine PIN.\n",
        );
        return none.to_owned();
    }
    let mut text = String::new();
    for waiting in &moonlights.waiting {
        let (address, age) = (printable(&waiting.address), span(waiting.age_seconds, language));
        text.push_str(&match language {
            Language::English => format!("Moonlight on {address} waits for its PIN since {age}.\n"),
            Language::German => format!("Moonlight auf {address} wartet seit {age} auf seine PIN.\n"),
        });
    }
    text + pick(
        "Type what it shows: punktfunk-host ctl pair moonlight PIN\n",
        "Eingeben, was es zeigt: punktfunk-host ctl pair moonlight PIN\n",
    )
}

fn device_line(device: &Device) -> String {
    format!("\"{}\" ({})", printable(&device.name), device.fingerprint.short())
}

fn status_text(status: &HostStatus, language: Language) -> String {
    let pick = |english, german| language.pick(english, german);
    let pin = match &status.pin_window {
        None => pick("closed", "geschlossen").to_owned(),
        Some(window) => {
            let bound = window.bound_to.map(|print| match language {
                Language::English => format!(", for {} only", print.short()),
                Language::German => format!(", nur für {}", print.short()),
            });
            format!("{} {} s{}", pick("open for", "offen für"), window.seconds_left, bound.unwrap_or_default())
        }
    };
    let sessions = match language {
        Language::English => format!("{} of {}", status.sessions, status.max_sessions),
        Language::German => format!("{} von {}", status.sessions, status.max_sessions),
    };
    let rows = [
        (pick("Name", "Name"), printable(&status.name)),
        (pick("Version", "Version"), printable(&status.host_version)),
        (pick("Id", "Kennung"), printable(&status.id)),
        (pick("Fingerprint", "Fingerabdruck"), status.fingerprint.grouped()),
        (pick("Listening", "Adresse"), printable(&status.listen)),
        (
            pick("Console", "Konsole"),
            match &status.console {
                Some(address) => printable(address),
                None => pick("not served", "nicht erreichbar").to_owned(),
            },
        ),
        (pick("Discovery", "Auffindbar"), if status.mdns { "mDNS" } else { pick("off", "nein") }.to_owned()),
        (pick("Pairing", "Koppeln"), {
            format!("{}, {} {pin}", printable(&status.pairing_policy), pick("PIN window", "PIN-Fenster"))
        }),
        (pick("Admin", "Verwaltung"), state_text(status.administrator, language).to_owned()),
        (pick("Display", "Anzeige"), printable(&status.display)),
        (pick("Encoder", "Encoder"), printable(&status.encoder)),
        (pick("Up", "Läuft seit"), span(status.uptime_seconds, language)),
        (pick("Pending", "Anfragen"), status.pending.to_string()),
        (pick("Devices", "Geräte"), status.devices.to_string()),
        (pick("Sessions", "Sitzungen"), sessions),
    ];
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text: String = rows.iter().map(|(name, value)| format!("{name:<width$}  {value}\n")).collect();
    for warning in &status.warnings {
        text.push_str(&format!("{}: {}\n", pick("warning", "Warnung"), printable(warning)));
    }
    text
}

fn state_text(state: AdministratorState, language: Language) -> &'static str {
    match state {
        AdministratorState::Unclaimed => {
            language.pick("nobody yet: `ctl claim` shows the code", "noch niemand: `ctl claim` zeigt den Code")
        }
        AdministratorState::Claimed => language.pick("claimed", "eingerichtet"),
        AdministratorState::Declared => {
            language.pick("declared in the configuration", "in der Konfiguration festgelegt")
        }
    }
}

fn armed_text(window: &PinWindowOpen, language: Language) -> String {
    let seconds = window.seconds_left;
    if let Some(link) = &window.link {
        return link_text(link.reveal(), seconds, language);
    }
    let pin = window.pin.as_ref().map_or("", |pin| pin.reveal());
    match language {
        Language::English => {
            let who =
                window.bound_to.map_or("the new device".to_owned(), |print| format!("the device {}", print.short()));
            format!("PIN: {pin}\nType it on {who} within {seconds} seconds. It is good for one attempt.\n")
        }
        Language::German => {
            let who =
                window.bound_to.map_or("dem neuen Gerät".to_owned(), |print| format!("dem Gerät {}", print.short()));
            format!("PIN: {pin}\nAuf {who} innerhalb von {seconds} Sekunden eingeben. Sie gilt für einen Versuch.\n")
        }
    }
}

fn link_text(link: &str, seconds: u32, language: Language) -> String {
    let picture = qr::blocks(link).map(|blocks| format!("{blocks}\n")).unwrap_or_default();
    let minutes = seconds.div_ceil(60);
    match language {
        Language::English => format!(
            "{picture}{link}\nScan it, or run `punktfunk join LINK` on the new device, within {minutes} minutes. The first \
             device to do so is paired.\n"
        ),
        Language::German => format!(
            "{picture}{link}\nInnerhalb von {minutes} Minuten scannen oder auf dem neuen Gerät `punktfunk join LINK` \
             aufrufen. Das erste Gerät, das es tut, wird gekoppelt.\n"
        ),
    }
}

fn pending_text(knocks: &[Knock], dropped: u64, language: Language) -> String {
    let pick = |english, german| language.pick(english, german);
    let rows = knocks.iter().map(|knock| {
        let state = if knock.waiting { pick("waiting", "wartet") } else { pick("gone", "beendet") };
        vec![
            knock.id.to_string(),
            printable(&knock.name),
            knock.fingerprint.short(),
            printable(&knock.source),
            span(knock.age_seconds, language),
            state.to_owned(),
        ]
    });
    let heads = match language {
        Language::English => ["ID", "NAME", "FINGERPRINT", "FROM", "AGE", "CONNECTION"],
        Language::German => ["NR", "NAME", "FINGERABDRUCK", "VON", "SEIT", "VERBINDUNG"],
    };
    let mut text = table(&heads, rows.collect(), pick("Nobody knocked.\n", "Niemand hat angefragt.\n"));
    if dropped > 0 {
        let rest = pick(
            "more were turned away because the list was full.",
            "weitere wurden abgewiesen, weil die Liste voll war.",
        );
        text.push_str(&format!("{dropped} {rest}\n"));
    }
    text
}

fn devices_text(devices: &[Device], language: Language) -> String {
    let pick = |english, german| language.pick(english, german);
    let rows = devices.iter().map(|device| {
        let seen =
            if device.connected { pick("now", "jetzt").to_owned() } else { ago(device.last_seen_unix, language) };
        let paired = match device.paired_by {
            PairedBy::Pin => "PIN",
            PairedBy::Approval => pick("approval", "Zulassung"),
            PairedBy::Declared => pick("declared", "festgelegt"),
        };
        vec![
            printable(&device.name),
            device.fingerprint.short(),
            grants(device.grants, language),
            paired.to_owned(),
            seen,
            until(device.expires_unix, language),
        ]
    });
    let heads = match language {
        Language::English => ["NAME", "FINGERPRINT", "MAY", "PAIRED BY", "SEEN", "EXPIRES"],
        Language::German => ["NAME", "FINGERABDRUCK", "DARF", "GEKOPPELT", "GESEHEN", "LÄUFT AB"],
    };
    table(&heads, rows.collect(), pick("No device is paired.\n", "Es ist kein Gerät gekoppelt.\n"))
}

fn access_text(device: &Device, language: Language) -> String {
    let (line, may) = (device_line(device), grants(device.grants, language));
    let until = until(device.expires_unix, language);
    match language {
        Language::English => format!("{line} may: {may}; expires: {until}.\n"),
        Language::German => format!("{line} darf: {may}; läuft ab: {until}.\n"),
    }
}

fn administrator_text(administrator: &Administrator, language: Language) -> String {
    match (&administrator.claim_code, language) {
        (Some(code), Language::English) => format!(
            "Claim code: {}\nWhoever types it first administers this host. It is good until the host is restarted.\n",
            code.reveal()
        ),
        (Some(code), Language::German) => format!(
            "Einrichtungscode: {}\nWer ihn zuerst eingibt, verwaltet diesen Host. Er gilt bis zum nächsten Start des \
             Hosts.\n",
            code.reveal()
        ),
        (None, _) => {
            let head = language.pick("The host's administrator", "Verwaltung des Hosts");
            format!("{head}: {}.\n", state_text(administrator.state, language))
        }
    }
}

/// Number, time, who, what; the details as they are stored.
fn audit_text(rows: &[Value], language: Language) -> String {
    let cells = rows.iter().map(|row| {
        let origin = &row["origin"];
        let actor = &origin["actor"];
        let detail = ["uid", "fingerprint", "session", "name"].iter().find_map(|key| match &actor[*key] {
            Value::String(text) => Some(text.chars().take(8).collect::<String>()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
        let who = [actor["kind"].as_str().map(str::to_owned), detail, origin["source"].as_str().map(str::to_owned)];
        vec![
            row["number"].to_string(),
            ago(row["unix"].as_u64(), language),
            printable(&who.into_iter().flatten().collect::<Vec<_>>().join(" ")),
            printable(row["what"]["event"].as_str().unwrap_or_default()),
            printable(&details(&row["what"])),
        ]
    });
    let heads = match language {
        Language::English => ["NO", "WHEN", "WHO", "WHAT", "DETAILS"],
        Language::German => ["NR", "WANN", "WER", "WAS", "EINZELHEITEN"],
    };
    table(&heads, cells.collect(), language.pick("The log is empty.\n", "Das Protokoll ist leer.\n"))
}

/// The fields of an event, fingerprints cut to what lists show.
fn details(event: &Value) -> String {
    fn short(value: &Value) -> String {
        match value {
            Value::String(text) if text.parse::<Fingerprint>().is_ok() => text.chars().take(8).collect(),
            Value::String(text) => text.clone(),
            Value::Object(fields) => fields.values().map(short).collect::<Vec<_>>().join(" "),
            other => other.to_string(),
        }
    }
    let fields = event.as_object().into_iter().flatten().filter(|(key, _)| *key != "event");
    fields.map(|(key, value)| format!("{key}={}", short(value))).collect::<Vec<_>>().join(" ")
}

fn verdict_text(verdict: &AuditVerdict, language: Language) -> String {
    match (verdict, language) {
        (AuditVerdict::Sound { first, last, hash }, Language::English) => {
            format!("The audit log is sound: rows {first} to {last}.\nLast hash: {hash}\n")
        }
        (AuditVerdict::Sound { first, last, hash }, Language::German) => {
            format!("Das Protokoll ist unversehrt: Zeilen {first} bis {last}.\nLetzter Hash: {hash}\n")
        }
        (AuditVerdict::Broken { row, fault }, Language::English) => {
            format!("The audit log is broken at row {row}: {}.\n", printable(fault))
        }
        (AuditVerdict::Broken { row, fault }, Language::German) => {
            format!("Das Protokoll ist ab Zeile {row} nicht mehr das geschriebene: {}.\n", printable(fault))
        }
    }
}

fn identity_text(identity: &HostIdentity, language: Language) -> String {
    let pick = |english, german| language.pick(english, german);
    let mut text = format!("{}\n  {}\n", pick("Clients meet", "Clients sehen"), identity.fingerprint.grouped());
    if let Some(next) = identity.successor {
        let head = pick("Announced as the next one", "Angekündigt als nächste");
        text.push_str(&format!("{head}\n  {}\n", next.grouped()));
    }
    if let Some(next) = identity.after_restart {
        let head = pick("After a restart of the host they meet", "Nach einem Neustart des Hosts sehen sie");
        text.push_str(&format!("{head}\n  {}\n", next.grouped()));
    }
    text
}

fn session_head(session: &Session, language: Language) -> Vec<String> {
    let anonymous = || language.pick("anonymous", "anonym").to_owned();
    let print = session.fingerprint.map_or_else(anonymous, |print| print.short());
    vec![session.id.to_string(), printable(&session.device), print]
}

fn sessions_text(sessions: &[Session], language: Language) -> String {
    let rows = sessions.iter().map(|session| {
        let rest = vec![
            printable(&session.peer),
            printable(&session.mode),
            printable(&session.codec),
            format!("{} kbit/s", session.bitrate_kbps),
            session.frames_sent.to_string(),
            span(session.age_seconds, language),
        ];
        [session_head(session, language), rest].concat()
    });
    let heads = match language {
        Language::English => ["ID", "DEVICE", "FINGERPRINT", "FROM", "MODE", "CODEC", "RATE", "FRAMES", "AGE"],
        Language::German => ["NR", "GERÄT", "FINGERABDRUCK", "VON", "MODUS", "CODEC", "RATE", "BILDER", "SEIT"],
    };
    table(&heads, rows.collect(), language.pick("No session is running.\n", "Es läuft keine Sitzung.\n"))
}

fn history_text(sessions: &[EndedSession], language: Language) -> String {
    let rows = sessions.iter().map(|EndedSession { session, ended_unix, end }| {
        let rest = vec![
            ago(Some(*ended_unix), language),
            span(session.age_seconds, language),
            session.frames_sent.to_string(),
            printable(end),
        ];
        [session_head(session, language), rest].concat()
    });
    let heads = match language {
        Language::English => ["ID", "DEVICE", "FINGERPRINT", "ENDED", "TOOK", "FRAMES", "END"],
        Language::German => ["NR", "GERÄT", "FINGERABDRUCK", "BEENDET", "DAUER", "BILDER", "ENDE"],
    };
    let empty = language.pick(
        "No session has ended since the host was started.\n",
        "Seit dem Start des Hosts ist keine Sitzung zu Ende gegangen.\n",
    );
    table(&heads, rows.collect(), empty)
}

#[cfg(test)]
mod tests;
