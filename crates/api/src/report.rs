//! Diagnostics to show to somebody else, for a report of a fault. No secrets, and nothing that says who uses the
//! host: devices and sessions are counted, not named.

use std::fmt::Write as _;

use serde::Serialize;

use crate::{
    host::Host,
    model::{HostStatus, LogQuery},
    redact::redact,
};

/// The report.
pub(crate) fn write(host: &dyn Host) -> String {
    let mut text = String::from("punktfunk report\n");
    overview(&mut text, &host.status());
    section(&mut text, "health", &host.health());
    section(&mut text, "probes", &host.probes());
    section(&mut text, "self test", &host.last_doctor());
    let settings: Vec<_> =
        host.settings().settings.into_iter().filter(|setting| setting.value != setting.default).collect();
    let settings: Vec<_> = settings.iter().map(|setting| (&setting.key, &setting.value, &setting.locked)).collect();
    section(&mut text, "settings that are not as shipped", &settings);
    text.push_str("\n== log\n");
    for line in host.logs(&LogQuery { limit: Some(LOG_LINES), ..LogQuery::default() }) {
        let level = format!("{:?}", line.level).to_uppercase();
        writeln!(text, "{} {level:5} {}: {}", line.unix_ms, line.target, line.text).expect("a String takes everything");
    }
    without_names(host, redact(&text).into_owned())
}

fn overview(text: &mut String, status: &HostStatus) {
    let HostStatus { host_version, display, encoder, pairing_policy, .. } = status;
    let HostStatus { uptime_seconds, devices, sessions, max_sessions, pending, mdns, .. } = status;
    write!(
        text,
        "version {host_version}\ndisplay {display}\nencoder {encoder}\npairing {pairing_policy}\nmdns {mdns}\n\
         up {uptime_seconds} s\ndevices {devices}, pending {pending}\nsessions {sessions} of {max_sessions}\n"
    )
    .expect("a String takes everything");
    for warning in &status.warnings {
        writeln!(text, "warning: {warning}").expect("a String takes everything");
    }
}

fn section(text: &mut String, name: &str, what: &impl Serialize) {
    let json = serde_json::to_string_pretty(what).expect("answers are plain data");
    writeln!(text, "\n== {name}\n{json}").expect("a String takes everything");
}

/// Lines of the log name devices and the host, and say where they are.
fn without_names(host: &dyn Host, mut text: String) -> String {
    let status = host.status();
    for (number, device) in host.devices().iter().enumerate() {
        let stand_in = format!("[device {}]", number + 1);
        for what in [&device.fingerprint.to_string(), &device.fingerprint.short(), &device.name] {
            text = replace_word(&text, what, &stand_in);
        }
    }
    for knock in host.pending().knocks {
        text = replace_word(&text, &knock.fingerprint.to_string(), "[knocking device]");
        text = replace_word(&text, &knock.name, "[knocking device]");
    }
    text = replace_word(&text, &status.name, "[host]");
    replace_word(&text, &status.id, "[host id]")
}

/// Replaces `what` where it stands by itself; a name of one or two letters would take half of the text with it.
fn replace_word(text: &str, what: &str, stand_in: &str) -> String {
    if what.chars().count() < 3 { text.to_owned() } else { text.replace(what, stand_in) }
}

/// Lines of the log in a report.
const LOG_LINES: u32 = 500;
