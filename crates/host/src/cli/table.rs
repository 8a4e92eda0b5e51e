//! Answers of the host as text for people.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::admin::protocol::{AdminResponse, Device, EndedSession, HostStatus, Knock, PinWindowOpen, Session};

/// The answer, with a newline at its end.
pub(super) fn text(answer: &AdminResponse) -> String {
    match answer {
        AdminResponse::Status(status) => status_text(status),
        AdminResponse::Armed(window) => armed_text(window),
        AdminResponse::Disarmed { was_armed: true } => "The PIN window is closed.\n".to_owned(),
        AdminResponse::Disarmed { was_armed: false } => "No PIN window was open.\n".to_owned(),
        AdminResponse::Pending { knocks, dropped } => pending_text(knocks, *dropped),
        AdminResponse::Approved { device, admitted } => {
            let next = if *admitted { "its connection goes on now" } else { "it can connect now" };
            format!("Approved {}; {next}.\n", device_line(device))
        }
        AdminResponse::Denied { knock } => {
            format!("Denied \"{}\" ({}).\n", printable(&knock.name), knock.fingerprint.short())
        }
        AdminResponse::Devices { devices } => devices_text(devices),
        AdminResponse::Renamed { device } => format!("Renamed: {}.\n", device_line(device)),
        AdminResponse::Revoked { device, sessions_ended } => {
            format!("Revoked {}; sessions ended: {sessions_ended}.\n", device_line(device))
        }
        AdminResponse::Sessions { sessions } => sessions_text(sessions),
        AdminResponse::SessionHistory { sessions } => history_text(sessions),
        AdminResponse::SessionStopped { session } => {
            format!("Session {} of \"{}\" was stopped.\n", session.id, printable(&session.device))
        }
        AdminResponse::Error(error) => format!("{}\n", printable(&error.message)),
    }
}

fn device_line(device: &Device) -> String {
    format!("\"{}\" ({})", printable(&device.name), device.fingerprint.short())
}

fn status_text(status: &HostStatus) -> String {
    let pin = match &status.pin_window {
        None => "closed".to_owned(),
        Some(window) => {
            let bound = window.bound_to.map(|print| format!(", for {} only", print.short())).unwrap_or_default();
            format!("open for {} s{bound}", window.seconds_left)
        }
    };
    let rows = [
        ("Name", printable(&status.name)),
        ("Version", printable(&status.host_version)),
        ("Id", printable(&status.id)),
        ("Fingerprint", status.fingerprint.grouped()),
        ("Listening", printable(&status.listen)),
        ("Discovery", if status.mdns { "mDNS" } else { "off" }.to_owned()),
        ("Pairing", format!("{}, PIN window {pin}", printable(&status.pairing_policy))),
        ("Display", printable(&status.display)),
        ("Encoder", printable(&status.encoder)),
        ("Up", span(status.uptime_seconds)),
        ("Pending", status.pending.to_string()),
        ("Devices", status.devices.to_string()),
        ("Sessions", format!("{} of {}", status.sessions, status.max_sessions)),
    ];
    let mut text: String = rows.iter().map(|(name, value)| format!("{name:<12} {value}\n")).collect();
    for warning in &status.warnings {
        text.push_str(&format!("warning: {}\n", printable(warning)));
    }
    text
}

fn armed_text(window: &PinWindowOpen) -> String {
    let who = match window.bound_to {
        Some(fingerprint) => format!("the device {}", fingerprint.short()),
        None => "the new device".to_owned(),
    };
    let (pin, seconds) = (window.pin.reveal(), window.seconds_left);
    format!("PIN: {pin}\nType it on {who} within {seconds} seconds. It is good for one attempt.\n")
}

fn pending_text(knocks: &[Knock], dropped: u64) -> String {
    let rows = knocks.iter().map(|knock| {
        let state = if knock.waiting { "waiting" } else { "gone" };
        vec![
            knock.id.to_string(),
            printable(&knock.name),
            knock.fingerprint.short(),
            printable(&knock.source),
            span(knock.age_seconds),
            state.to_owned(),
        ]
    });
    let mut text =
        table(&["ID", "NAME", "FINGERPRINT", "FROM", "AGE", "CONNECTION"], rows.collect(), "Nobody knocked.\n");
    if dropped > 0 {
        text.push_str(&format!("{dropped} more were turned away because the list was full.\n"));
    }
    text
}

fn devices_text(devices: &[Device]) -> String {
    let rows = devices.iter().map(|device| {
        vec![
            printable(&device.name),
            device.fingerprint.short(),
            grants(device.grants),
            if device.connected { "now".to_owned() } else { ago(device.last_seen_unix) },
            device.expires_unix.map_or_else(|| "never".to_owned(), until),
        ]
    });
    table(&["NAME", "FINGERPRINT", "MAY", "SEEN", "EXPIRES"], rows.collect(), "No device is paired.\n")
}

fn sessions_text(sessions: &[Session]) -> String {
    let rows = sessions.iter().map(|session| {
        vec![
            session.id.to_string(),
            printable(&session.device),
            session.fingerprint.map_or_else(|| "anonymous".to_owned(), |print| print.short()),
            printable(&session.peer),
            printable(&session.mode),
            printable(&session.codec),
            format!("{} kbit/s", session.bitrate_kbps),
            session.frames_sent.to_string(),
            span(session.age_seconds),
        ]
    });
    let heads = ["ID", "DEVICE", "FINGERPRINT", "FROM", "MODE", "CODEC", "RATE", "FRAMES", "AGE"];
    table(&heads, rows.collect(), "No session is running.\n")
}

fn history_text(sessions: &[EndedSession]) -> String {
    let rows = sessions.iter().map(|EndedSession { session, ended_unix, end }| {
        vec![
            session.id.to_string(),
            printable(&session.device),
            session.fingerprint.map_or_else(|| "anonymous".to_owned(), |print| print.short()),
            ago(Some(*ended_unix)),
            span(session.age_seconds),
            session.frames_sent.to_string(),
            printable(end),
        ]
    });
    let heads = ["ID", "DEVICE", "FINGERPRINT", "ENDED", "TOOK", "FRAMES", "END"];
    table(&heads, rows.collect(), "No session has ended since the host was started.\n")
}

/// Columns as wide as their longest cell, two blanks apart.
fn table(heads: &[&str], rows: Vec<Vec<String>>, empty: &str) -> String {
    if rows.is_empty() {
        return empty.to_owned();
    }
    let mut lines = vec![heads.iter().map(|head| (*head).to_owned()).collect::<Vec<_>>()];
    lines.extend(rows);
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells: Vec<String> = line.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Text from a device or a file, without anything a terminal would act on and no longer than a column may be.
fn printable(text: &str) -> String {
    const MOST: usize = 160;
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().take(MOST).map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

/// Grant bits in words (wire specification, section 2.5).
fn grants(bits: u32) -> String {
    const NAMES: [&str; 6] = ["gamepad", "pointer", "keyboard", "clipboard", "microphone", "launch"];
    let names: Vec<&str> = NAMES.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, n)| *n).collect();
    match names.len() {
        0 => "view only".to_owned(),
        6 => "everything".to_owned(),
        _ => names.join(","),
    }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn ago(unix: Option<u64>) -> String {
    unix.map_or_else(|| "never".to_owned(), |unix| format!("{} ago", span(now_unix().saturating_sub(unix))))
}

fn until(unix: u64) -> String {
    match unix.saturating_sub(now_unix()) {
        0 => "expired".to_owned(),
        left => format!("in {}", span(left)),
    }
}

fn now_unix() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use punktfunk_proto::units::Fingerprint;

    use super::{grants, printable, span, text};
    use crate::admin::protocol::{AdminResponse, Knock};

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\u{202e}c\n"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}");
    }

    #[test]
    fn the_pending_list_is_a_table() {
        let knock = |id, name: &str, waiting| Knock {
            id,
            name: name.into(),
            fingerprint: Fingerprint::from_bytes([id as u8; 32]),
            source: "192.168.1.7".into(),
            age_seconds: 75,
            waiting,
        };
        let knocks = vec![knock(1, "Living room", true), knock(12, "tv", false)];
        insta::assert_snapshot!(text(&AdminResponse::Pending { knocks, dropped: 3 }), @"
        ID  NAME         FINGERPRINT  FROM         AGE    CONNECTION
        1   Living room  01010101     192.168.1.7  1 min  waiting
        12  tv           0c0c0c0c     192.168.1.7  1 min  gone
        3 more were turned away because the list was full.
        ");
    }

    #[test]
    fn grants_and_spans_are_said_in_words() {
        assert_eq!(grants(0x3f), "everything");
        assert_eq!(grants(0b011), "gamepad,pointer");
        assert_eq!(grants(0), "view only");
        assert_eq!([span(59), span(3_599), span(86_399), span(172_800)], ["59 s", "59 min", "23 h", "2 d"]);
    }
}
