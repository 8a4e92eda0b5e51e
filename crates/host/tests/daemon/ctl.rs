//! `punktfunk-host ctl`: what each order asks for, what it prints, how it ends.

use std::{
    process::Output,
    sync::{Arc, Mutex},
};

use punktfunk_host::admin::{
    protocol::{
        AccessWord, AdminErrorCode, AdminRequest, AdminResponse, AdministratorState, Device, EndedSession, ExpiresIn,
        HostStatus, Knock, PairedBy, PinWindowOpen, PinWindowState, Session,
    },
    server::{AdminHandler, AdminLimits, AdminServer, Caller},
};
use punktfunk_proto::units::Fingerprint;

use crate::common::{Home, stderr, stdout};

/// Remembers what was asked and always answers the same.
struct Scripted {
    asked: Mutex<Option<AdminRequest>>,
    answer: AdminResponse,
}

impl AdminHandler for Scripted {
    async fn handle(&self, request: AdminRequest, _caller: Caller) -> AdminResponse {
        *self.asked.lock().unwrap() = Some(request);
        self.answer.clone()
    }
}

/// Runs `ctl` against a host that gives `answer`.
async fn ctl(args: &[&str], answer: AdminResponse) -> (Output, Option<AdminRequest>) {
    let home = Home::new("");
    let server = AdminServer::bind(&home.make_runtime_dir(), AdminLimits::default()).unwrap();
    let handler = Arc::new(Scripted { asked: Mutex::new(None), answer });
    let serving = tokio::spawn(server.run(Arc::clone(&handler), std::future::pending()));
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let output = tokio::task::spawn_blocking(move || {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        home.ctl(&args)
    })
    .await
    .unwrap();
    serving.abort();
    let asked = handler.asked.lock().unwrap().take();
    (output, asked)
}

fn print(byte: u8) -> Fingerprint {
    Fingerprint::from_bytes([byte; 32])
}

fn device() -> Device {
    Device {
        name: "Living room".into(),
        fingerprint: print(0xab),
        grants: 0x3f,
        access: "full".parse().unwrap(),
        paired_by: PairedBy::Pin,
        paired_unix: 1_000,
        last_seen_unix: None,
        expires_unix: None,
        connected: false,
    }
}

fn session() -> Session {
    Session {
        id: 4,
        device: "Living room".into(),
        fingerprint: Some(print(0xab)),
        peer: "192.168.1.7:40000".into(),
        mode: "1280x720@60".into(),
        codec: "h264".into(),
        bitrate_kbps: 20_000,
        age_seconds: 61,
        frames_captured: 3_610,
        frames_dropped: 10,
        frames_sent: 3_600,
        fec_percent: 10,
    }
}

fn knock() -> Knock {
    Knock {
        id: 7,
        name: "tv\x1b[2J".into(),
        fingerprint: print(0xcd),
        source: "192.168.1.9".into(),
        age_seconds: 5,
        waiting: true,
    }
}

fn status() -> HostStatus {
    HostStatus {
        host_version: "0.1.0".into(),
        name: "den".into(),
        id: "b7".into(),
        fingerprint: print(0x12),
        listen: "0.0.0.0:9777".into(),
        console: Some("0.0.0.0:47990".into()),
        pairing_policy: "open".into(),
        mdns: true,
        display: "embedded".into(),
        encoder: "x264".into(),
        administrator: AdministratorState::Unclaimed,
        uptime_seconds: 7_200,
        pin_window: Some(PinWindowState { seconds_left: 90, bound_to: Some(print(0xab)) }),
        pending: 1,
        devices: 2,
        sessions: 1,
        max_sessions: 4,
        warnings: vec!["pairing.policy is \"open\": anybody who reaches this host is let in".into()],
    }
}

fn access(text: &str) -> Option<AccessWord> {
    Some(text.parse().unwrap())
}

fn expires(text: &str) -> Option<ExpiresIn> {
    Some(text.parse().unwrap())
}

fn arm(bound_to: Option<Fingerprint>, join: bool) -> AdminRequest {
    AdminRequest::PairArm { bound_to, join, access: None, expires: None }
}

fn approve(knock: &str, label: Option<&str>) -> AdminRequest {
    AdminRequest::Approve {
        knock: knock.parse().unwrap(),
        label: label.map(str::to_owned),
        access: None,
        expires: None,
    }
}

#[tokio::test]
async fn every_order_asks_for_what_it_says() {
    let full = "ab".repeat(32);
    let bound = ["pair", "arm", "--for", &full];
    let prefix = || "abababab".parse().unwrap();
    let orders: Vec<(&[&str], AdminRequest)> = vec![
        (&["status"], AdminRequest::Status),
        (&["pair"], arm(None, false)),
        (&["pair", "arm"], arm(None, false)),
        (&["pair", "--qr"], arm(None, true)),
        (&bound, arm(Some(print(0xab)), false)),
        (
            &["pair", "--access", "controller-only", "--expires", "3h"],
            AdminRequest::PairArm {
                bound_to: None,
                join: false,
                access: access("controller-only"),
                expires: expires("3h"),
            },
        ),
        (&["pair", "disarm"], AdminRequest::PairDisarm),
        (&["pending"], AdminRequest::Pending),
        (&["approve", "7"], approve("7", None)),
        (&["approve", "ABABABAB", "--label", "tv"], approve("abababab", Some("tv"))),
        (&["deny", "7"], AdminRequest::Deny { knock: "7".parse().unwrap() }),
        (&["devices"], AdminRequest::Devices),
        (&["devices", "list"], AdminRequest::Devices),
        (&["devices", "rename", "abababab", "tv"], AdminRequest::RenameDevice { device: prefix(), name: "tv".into() }),
        (&["devices", "revoke", "abababab"], AdminRequest::RevokeDevice { device: prefix() }),
        (&["devices", "forget", "abababab"], AdminRequest::ForgetDevice { device: prefix() }),
        (
            &["devices", "access", "abababab", "view-only"],
            AdminRequest::SetAccess { device: prefix(), access: access("view-only"), expires: None },
        ),
        (
            &["devices", "access", "abababab", "--expires", "never"],
            AdminRequest::SetAccess { device: prefix(), access: None, expires: expires("never") },
        ),
        (&["revoke", "abababab"], AdminRequest::RevokeDevice { device: prefix() }),
        (&["claim"], AdminRequest::Administrator),
        (&["claim", "--reset"], AdminRequest::Unclaim),
        (&["audit", "verify"], AdminRequest::AuditVerify),
        (&["identity"], AdminRequest::Identity),
        (&["identity", "prepare"], AdminRequest::PrepareIdentity),
        (&["identity", "withdraw"], AdminRequest::WithdrawIdentity),
        (&["identity", "promote"], AdminRequest::PromoteIdentity),
        (&["sessions"], AdminRequest::Sessions),
        (&["sessions", "list"], AdminRequest::Sessions),
        (&["sessions", "history"], AdminRequest::SessionHistory),
        (&["sessions", "stop", "4"], AdminRequest::StopSession { session: 4 }),
        (&["doctor"], AdminRequest::Doctor),
        (&["settings"], AdminRequest::Settings),
        (&["settings", "list"], AdminRequest::Settings),
        (
            &["settings", "set", "host.name", "den"],
            AdminRequest::ChangeSettings { changes: [("host.name".into(), "den".into())].into() },
        ),
        (
            &["settings", "set", "session.max_sessions", "2"],
            AdminRequest::ChangeSettings { changes: [("session.max_sessions".into(), 2.into())].into() },
        ),
        (
            &["settings", "reset", "host.name"],
            AdminRequest::ChangeSettings { changes: [("host.name".into(), serde_json::Value::Null)].into() },
        ),
        (&["restart"], AdminRequest::Restart),
    ];
    for (args, request) in orders {
        let (output, asked) = ctl(args, AdminResponse::Disarmed { was_armed: true }).await;
        assert_eq!(asked.as_ref(), Some(&request), "{args:?}");
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
    }
}

#[tokio::test]
async fn answers_are_printed_for_people() {
    let answers = [
        AdminResponse::Status(status()),
        AdminResponse::Armed(PinWindowOpen {
            pin: Some("0042".to_owned().try_into().unwrap()),
            link: None,
            qr: None,
            seconds_left: 120,
            bound_to: None,
        }),
        AdminResponse::Disarmed { was_armed: false },
        AdminResponse::Pending { knocks: vec![knock()], dropped: 0 },
        AdminResponse::Approved { device: device(), admitted: true },
        AdminResponse::Denied { knock: knock() },
        AdminResponse::Devices { devices: vec![device()] },
        AdminResponse::Renamed { device: device() },
        AdminResponse::Revoked { device: device(), sessions_ended: 1 },
        AdminResponse::Sessions { sessions: vec![session()] },
        AdminResponse::SessionStopped { session: session() },
        AdminResponse::Sessions { sessions: vec![] },
        AdminResponse::SessionHistory {
            sessions: vec![EndedSession {
                session: session(),
                ended_unix: u64::MAX,
                end: "closed by the client (0x51)".into(),
            }],
        },
    ];
    let mut printed = String::new();
    for answer in answers {
        printed.push_str(&stdout(&ctl(&["status"], answer).await.0));
        printed.push('\n');
    }
    insta::assert_snapshot!(printed, @r#"
    Name         den
    Version      0.1.0
    Id           b7
    Fingerprint  1212 1212 1212 1212 1212 1212 1212 1212 1212 1212 1212 1212 1212 1212 1212 1212
    Listening    0.0.0.0:9777
    Console      0.0.0.0:47990
    Discovery    mDNS
    Pairing      open, PIN window open for 90 s, for abababab only
    Admin        nobody yet: `ctl claim` shows the code
    Display      embedded
    Encoder      x264
    Up           2 h
    Pending      1
    Devices      2
    Sessions     1 of 4
    warning: pairing.policy is "open": anybody who reaches this host is let in

    PIN: 0042
    Type it on the new device within 120 seconds. It is good for one attempt.

    No PIN window was open.

    ID  NAME    FINGERPRINT  FROM         AGE  CONNECTION
    7   tv�[2J  cdcdcdcd     192.168.1.9  5 s  waiting

    Approved "Living room" (abababab); its connection goes on now.

    Denied "tv�[2J" (cdcdcdcd).

    NAME         FINGERPRINT  MAY         PAIRED BY  SEEN   EXPIRES
    Living room  abababab     everything  PIN        never  never

    Renamed: "Living room" (abababab).

    Revoked "Living room" (abababab); sessions ended: 1.

    ID  DEVICE       FINGERPRINT  FROM               MODE         CODEC  RATE          FRAMES  AGE
    4   Living room  abababab     192.168.1.7:40000  1280x720@60  h264   20000 kbit/s  3600    1 min

    Session 4 of "Living room" was stopped.

    No session is running.

    ID  DEVICE       FINGERPRINT  ENDED    TOOK   FRAMES  END
    4   Living room  abababab     0 s ago  1 min  3600    closed by the client (0x51)
    "#);
}

#[tokio::test]
async fn json_is_the_answer_itself() {
    let answer = AdminResponse::Sessions { sessions: vec![session()] };
    let (output, _) = ctl(&["sessions", "--json"], answer.clone()).await;
    assert_eq!(serde_json::from_str::<AdminResponse>(&stdout(&output)).unwrap(), answer);
}

#[tokio::test]
async fn a_refusal_ends_with_the_code_of_its_cause() {
    let causes = [
        (AdminErrorCode::NotFound, 68),
        (AdminErrorCode::Ambiguous, 68),
        (AdminErrorCode::Forbidden, 77),
        (AdminErrorCode::Busy, 75),
        (AdminErrorCode::NotStored, 73),
        (AdminErrorCode::UnsupportedVersion, 76),
        (AdminErrorCode::Refused, 1),
        (AdminErrorCode::Internal, 1),
    ];
    for (cause, code) in causes {
        let (output, _) = ctl(&["approve", "7"], AdminResponse::error(cause, "no such knock")).await;
        assert_eq!(output.status.code(), Some(code), "{cause:?}");
        assert_eq!((stdout(&output).as_str(), stderr(&output).as_str()), ("", "punktfunk-host: no such knock\n"));
    }
}

#[tokio::test]
async fn json_holds_refusals_too() {
    let refusal = AdminResponse::error(AdminErrorCode::NotFound, "no such knock");
    let (output, _) = ctl(&["approve", "7", "--json"], refusal.clone()).await;
    assert_eq!(serde_json::from_str::<AdminResponse>(&stdout(&output)).unwrap(), refusal);
    assert_eq!(output.status.code(), Some(68));
}

#[test]
fn without_a_host_it_says_how_to_start_one() {
    let home = Home::new("");
    let output = home.ctl(&["status"]);
    assert_eq!(output.status.code(), Some(69));
    assert!(stderr(&output).contains("no host is running") && stderr(&output).contains("--runtime-dir"));
    let json: serde_json::Value = serde_json::from_slice(&home.ctl(&["status", "--json"]).stdout).unwrap();
    assert_eq!((&json["kind"], &json["code"]), (&"error".into(), &"not_running".into()));
}
