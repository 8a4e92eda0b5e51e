//! What the fake host knows.

use std::collections::BTreeMap;

use punktfunk_api::model::{
    Device, DoctorReport, EndedSession, HealthState, Knock, LibraryEntry, LogLevel, LogLine, PairedBy, PinWindowState,
    Session, SessionSample, Setting, SettingChoice, SettingKind, SettingLock, StageLatency,
};
use punktfunk_proto::units::Fingerprint;
use punktfunk_trust::{Grants, Origin};
use serde_json::{Value, json};

/// A paired device that may stream and nothing else.
pub(crate) const PAIRED: Fingerprint = Fingerprint::from_bytes([0x11; 32]);
/// A paired device that may administer the host.
pub(crate) const ADMIN_DEVICE: Fingerprint = Fingerprint::from_bytes([0x22; 32]);
/// A device that the configuration declares.
pub(crate) const DECLARED: Fingerprint = Fingerprint::from_bytes([0x33; 32]);
/// The identity that follows.
pub(super) const NEXT: Fingerprint = Fingerprint::from_bytes([0xcd; 32]);
/// A device that knocked.
pub(crate) const STRANGER: Fingerprint = Fingerprint::from_bytes([0x99; 32]);

pub(super) struct Data {
    pub(super) health: HealthState,
    pub(super) devices: Vec<Device>,
    pub(super) knocks: Vec<Knock>,
    pub(super) window: Option<PinWindowState>,
    pub(super) sessions: Vec<Session>,
    pub(super) ended: Vec<EndedSession>,
    pub(super) settings: Vec<Setting>,
    pub(super) logs: Vec<LogLine>,
    pub(super) doctor: Option<DoctorReport>,
    pub(super) client_logs: Vec<String>,
    pub(super) origins: Vec<Origin>,
    pub(super) successor: Option<Fingerprint>,
    pub(super) after_restart: Option<Fingerprint>,
    /// The update in the other slot.
    pub(super) staged: Option<String>,
}

impl Data {
    pub(super) fn new() -> Self {
        let mut data = Self {
            health: HealthState::Ok,
            devices: vec![
                device("Living room", PAIRED, Grants::FULL, PairedBy::Pin),
                device("Tablet", ADMIN_DEVICE, Grants::FULL.with(Grants::ADMIN), PairedBy::Approval),
                device("Handheld", DECLARED, Grants::CONTROLLER_ONLY, PairedBy::Declared),
            ],
            knocks: (1..=3).map(knock).collect(),
            window: None,
            sessions: (1..=2).map(session).collect(),
            ended: vec![EndedSession {
                session: session(0),
                ended_unix: 1_790_000_000,
                end: "closed by the client (0x51)".into(),
            }],
            settings: settings(),
            logs: Vec::new(),
            doctor: None,
            client_logs: Vec::new(),
            staged: None,
            origins: Vec::new(),
            successor: Some(NEXT),
            after_restart: None,
        };
        data.log("the host is ready");
        data.log("a session began");
        data
    }

    pub(super) fn log(&mut self, text: &str) -> LogLine {
        let number = self.logs.len() as u64 + 1;
        let target = "punktfunk_host::serve".to_owned();
        let line =
            LogLine { number, unix_ms: 1_790_000_000_000 + number, level: LogLevel::Info, target, text: text.into() };
        self.logs.push(line.clone());
        line
    }

    pub(super) fn device(&mut self, fingerprint: Fingerprint) -> Option<&mut Device> {
        self.devices.iter_mut().find(|device| device.fingerprint == fingerprint)
    }
}

pub(super) fn device(name: &str, fingerprint: Fingerprint, grants: Grants, paired_by: PairedBy) -> Device {
    Device {
        name: name.into(),
        fingerprint,
        grants: grants.bits(),
        access: punktfunk_api::model::AccessWord(grants),
        paired_by,
        paired_unix: 1_780_000_000,
        last_seen_unix: Some(1_789_000_000),
        expires_unix: None,
        connected: fingerprint == PAIRED,
    }
}

fn knock(id: u64) -> Knock {
    let fingerprint = if id == 1 { STRANGER } else { Fingerprint::from_bytes([0x90 + id as u8; 32]) };
    let source = format!("192.168.1.{}", 20 + id);
    Knock { id, name: format!("Laptop {id}"), fingerprint, source, age_seconds: 7 * id, waiting: id == 1 }
}

fn session(id: u64) -> Session {
    Session {
        id,
        device: "Living room".into(),
        fingerprint: Some(PAIRED),
        peer: "192.168.1.5:40112".into(),
        mode: "1920x1080@60".into(),
        codec: "h264".into(),
        bitrate_kbps: 40_000,
        age_seconds: 120,
        frames_captured: 7_200,
        frames_dropped: 3,
        frames_sent: 7_210,
        fec_percent: 10,
    }
}

/// The last `count` seconds of a session, up to `unix_ms`.
pub(crate) fn samples(session: u64, unix_ms: u64, count: u64) -> Vec<SessionSample> {
    let sample = |age: u64| {
        let wave = ((unix_ms / 1_000 - age) % 20) as u32;
        let stage = |p50_us: u32| StageLatency { p50_us, p95_us: p50_us * 2, max_us: p50_us * 4 };
        SessionSample {
            session,
            unix_ms: unix_ms - age * 1_000,
            frames_captured: 60,
            frames_dropped: wave / 19,
            frames_sent: 60,
            video_kbps: 30_000 + wave * 400,
            target_kbps: 40_000,
            fec_percent: 10,
            loss_ppm: wave * 50,
            rtt_us: 1_900 + wave * 30,
            capture: stage(900 + wave * 10),
            encode: stage(4_100 + wave * 40),
            send: stage(350 + wave * 5),
        }
    };
    (0..count).rev().map(sample).collect()
}

fn settings() -> Vec<Setting> {
    let choice = |value: &str| SettingChoice { value: value.into(), description: format!("{value}, as it is") };
    let choices = vec![choice("auto"), choice("x264"), choice("vaapi")];
    let declared = SettingLock::Declared { place: "/etc/punktfunk/punktfunk.toml:12".into() };
    vec![
        setting("network.name", SettingKind::Text, json!("couch"), None),
        setting("session.max_sessions", SettingKind::Integer { minimum: 1, maximum: 16 }, json!(2), None),
        setting("network.mdns", SettingKind::Boolean, json!(true), None),
        setting("video.encoder", SettingKind::Choice { choices: choices.clone() }, json!("auto"), None),
        setting("video.encoders", SettingKind::TextList { choices }, json!(["auto"]), Some(declared)),
        setting("pairing.policy", SettingKind::Text, json!("require"), Some(SettingLock::FileOnly)),
        setting("library.titles", SettingKind::TextMap, json!({}), None),
    ]
}

fn setting(key: &str, kind: SettingKind, value: Value, locked: Option<SettingLock>) -> Setting {
    let description = format!("What {key} means");
    Setting { key: key.into(), description, kind, default: value.clone(), value, after_restart: None, locked }
}

/// Whether a value is one that a setting can have.
pub(super) fn fits(kind: &SettingKind, value: &Value) -> bool {
    let known = |choices: &[SettingChoice], value: &Value| {
        value.as_str().is_some_and(|text| choices.is_empty() || choices.iter().any(|choice| choice.value == text))
    };
    match kind {
        SettingKind::Text => value.is_string(),
        SettingKind::Integer { minimum, maximum } => value.as_i64().is_some_and(|n| (*minimum..=*maximum).contains(&n)),
        SettingKind::Boolean => value.is_boolean(),
        SettingKind::Choice { choices } => known(choices, value),
        SettingKind::TextList { choices } => {
            value.as_array().is_some_and(|list| list.iter().all(|value| known(choices, value)))
        }
        SettingKind::TextMap => value.as_object().is_some_and(|map| map.values().all(Value::is_string)),
    }
}

/// What sessions can run.
pub(super) fn library() -> Vec<LibraryEntry> {
    vec![
        LibraryEntry { id: "desktop".into(), title: "Desktop".into(), art: Some("cover.png".into()) },
        LibraryEntry { id: "game".into(), title: "Game".into(), art: None },
    ]
}

/// What is to change, by key.
pub(super) type Changes = BTreeMap<String, Value>;
