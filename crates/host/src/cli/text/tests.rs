use punktfunk_proto::units::Fingerprint;

use super::{super::language::Language, text};
use crate::admin::protocol::{AdminResponse, Device, Knock, PairedBy, PinWindowOpen};

fn knock(id: u64, name: &str, waiting: bool) -> Knock {
    Knock {
        id,
        name: name.into(),
        fingerprint: Fingerprint::from_bytes([id as u8; 32]),
        source: "192.168.1.7".into(),
        age_seconds: 75,
        waiting,
    }
}

#[test]
fn the_pending_list_is_a_table() {
    let knocks = vec![knock(1, "Living room", true), knock(12, "tv", false)];
    insta::assert_snapshot!(text(&AdminResponse::Pending { knocks, dropped: 3 }, Language::English), @"
    ID  NAME         FINGERPRINT  FROM         AGE    CONNECTION
    1   Living room  01010101     192.168.1.7  1 min  waiting
    12  tv           0c0c0c0c     192.168.1.7  1 min  gone
    3 more were turned away because the list was full.
    ");
}

#[test]
fn who_reads_german_is_answered_in_german() {
    let knocks = vec![knock(1, "Wohnzimmer", true)];
    let pin = Some("0042".to_owned().try_into().unwrap());
    let device = Device {
        name: "Wohnzimmer".into(),
        fingerprint: Fingerprint::from_bytes([1; 32]),
        grants: 1,
        access: "controller-only".parse().unwrap(),
        paired_by: PairedBy::Approval,
        paired_unix: 0,
        last_seen_unix: None,
        expires_unix: None,
        connected: false,
    };
    let answers = [
        AdminResponse::Pending { knocks, dropped: 0 },
        AdminResponse::Armed(PinWindowOpen { pin, link: None, qr: None, seconds_left: 120, bound_to: None }),
        AdminResponse::Devices { devices: vec![device] },
    ];
    let said: Vec<String> = answers.iter().map(|answer| text(answer, Language::German)).collect();
    insta::assert_snapshot!(said.join("\n"), @"
    NR  NAME        FINGERABDRUCK  VON          SEIT   VERBINDUNG
    1   Wohnzimmer  01010101       192.168.1.7  1 min  wartet

    PIN: 0042
    Auf dem neuen Gerät innerhalb von 120 Sekunden eingeben. Sie gilt für einen Versuch.

    NAME        FINGERABDRUCK  DARF         GEKOPPELT  GESEHEN  LÄUFT AB
    Wohnzimmer  01010101       nur Gamepad  Zulassung  nie      nie
    ");
}
