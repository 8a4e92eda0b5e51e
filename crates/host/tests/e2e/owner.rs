//! What the owner grants, limits, takes back, saves and looks up: a real host, real devices, real `ctl`.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use punktfunk_proto::{
    pairing::{JoinLink, PairingSecret},
    session::{
        client_control::{ClientCommand, ClientEvent},
        client_pairing::PairingOutcome,
    },
    units::Fingerprint,
    wire::Grants,
};
use serde_json::Value;

use crate::fixture::{Device, Host, PROGRAM, SYNTHETIC, Session, configure, serve};

/// A paired device that streams.
async fn streaming(host: &Host, device: &Device) -> Session {
    let mut session = device.hello(host).await;
    let welcome = session.welcome().await;
    session.start(&welcome).await.take(3).await;
    session
}

async fn access_update(session: &mut Session) -> (Grants, Option<Duration>) {
    session
        .wait_for(|event| match event {
            ClientEvent::AccessChanged { grants, remaining } => Some((*grants, *remaining)),
            _ => None,
        })
        .await
}

fn prefix(device: &Device) -> String {
    device.fingerprint().short()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_session_learns_of_new_rights_and_a_device_keeps_them_when_it_pairs_again() {
    let host = Host::start(SYNTHETIC);
    let device = Device::new("Guest");
    device.pair_now(&host).await;
    let mut session = streaming(&host, &device).await;
    let set = host.ctl_json(&["devices", "access", &prefix(&device), "controller-only"]);
    assert_eq!(set["device"]["access"], "controller-only");
    assert_eq!(access_update(&mut session).await, (Grants::GAMEPAD, None));
    session.tell(ClientCommand::Close { quit: true }).await;
    session.closed().await;
    // Abuse case 19: pairing again widens nothing.
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    device.pair_now(&host).await;
    let welcome = device.hello(&host).await.welcome().await;
    assert_eq!(welcome.grants, Grants::GAMEPAD);
}

#[tokio::test(flavor = "multi_thread")]
async fn access_that_ends_is_announced_and_closes_the_live_session_with_0x69_within_a_second() {
    let host = Host::start(SYNTHETIC);
    let device = Device::new("Visitor");
    device.pair_now(&host).await;
    let mut session = streaming(&host, &device).await;
    host.ctl_json(&["devices", "access", &prefix(&device), "--expires", "3s"]);
    let set_at = Instant::now();
    let (grants, remaining) = access_update(&mut session).await;
    assert_eq!(grants, Grants::ALL);
    assert!(remaining.is_some_and(|left| left <= Duration::from_secs(3)), "{remaining:?}");
    assert_eq!(session.close_code().await, 0x69);
    // Access is kept in whole seconds, so it may end up to one before the three are over.
    let took = set_at.elapsed();
    println!("access of 3 s ended the live session after {took:?}");
    assert!(took >= Duration::from_millis(1_900) && took <= Duration::from_secs(4), "{took:?}");
    // It is held like any stranger until the owner renews it.
    let mut again = device.hello(&host).await;
    again.stays_silent(Duration::from_millis(300)).await;
    let events = audit_events(&host);
    assert!(events.iter().any(|event| event == "expired"), "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_may_limit_what_and_for_how_long() {
    let host = Host::start(SYNTHETIC);
    let device = Device::new("Guest");
    let mut session = device.hello(&host).await;
    let pending = host.wait_for_count(&["pending"], "knocks", 1).await;
    let id = pending["knocks"][0]["id"].to_string();
    host.ctl_json(&["approve", &id, "--access", "view-only", "--expires", "2h"]);
    let welcome = session.welcome().await;
    assert_eq!(welcome.grants, Grants::from_bits(0));
    assert!((7_100..=7_200).contains(&welcome.access_expires_s), "{}", welcome.access_expires_s);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_pairs_the_first_device_that_follows_it_and_no_other() {
    let host = Host::start(SYNTHETIC);
    let armed = host.ctl_json(&["pair", "--qr", "--access", "view-only"]);
    let link: JoinLink = armed["link"].as_str().unwrap().parse().unwrap();
    assert_eq!(link.host, host.fingerprint());
    assert!(armed["pin"].is_null() && armed["seconds_left"].as_u64().unwrap() > 590, "{armed}");
    let secret = PairingSecret::from(link.token);
    let (device, late) = (Device::new("Phone"), Device::new("Neighbour"));
    assert_eq!(device.pair_with(host.address, &secret).await, PairingOutcome::Paired);
    assert_eq!(device.hello(&host).await.welcome().await.grants, Grants::from_bits(0));
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let PairingOutcome::Refused { code, .. } = late.pair_with(host.address, &secret).await else { panic!("paired") };
    assert_eq!(code, 0x60);
    // The picture for phones, for people.
    let shown = String::from_utf8(host.ctl(&["pair", "--qr"]).stdout).unwrap();
    assert!(shown.contains('█') && shown.contains("punktfunk://127.0.0.1:"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn declared_devices_connect_cannot_be_removed_and_go_with_their_declaration() {
    let (dir, device) = (tempfile::tempdir().unwrap(), Device::new("TV"));
    let declaration =
        format!("[devices.tv]\nfingerprint = \"{}\"\naccess = \"gamepad+pointer\"\n", device.fingerprint());
    let mut host = Host::start_in(dir.path(), &format!("{SYNTHETIC}{declaration}"));
    let welcome = device.hello(&host).await.welcome().await;
    assert_eq!(welcome.grants, Grants::GAMEPAD.with(Grants::POINTER));
    let listed = host.ctl_json(&["devices"]);
    assert_eq!((&listed["devices"][0]["name"], &listed["devices"][0]["paired_by"]), (&"tv".into(), &"declared".into()));
    for order in [&["revoke"][..], &["devices", "forget"], &["devices", "access", "--expires", "2h"]] {
        let output = host.ctl(&[order, &[prefix(&device).as_str()]].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("configuration"), "{order:?}: {said}");
    }
    host.stop();
    let host = Host::start_in(dir.path(), SYNTHETIC);
    assert!(host.ctl_json(&["devices"])["devices"].as_array().unwrap().is_empty());
    device.hello(&host).await.stays_silent(Duration::from_millis(300)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_host_is_met_by_its_old_devices_without_a_prompt() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    fs::create_dir(&first).unwrap();
    fs::create_dir(&second).unwrap();
    let mut host = Host::start_in(&first, SYNTHETIC);
    let fingerprint = host.fingerprint();
    let device = Device::new("Laptop");
    device.pair_now(&host).await;
    let (file, phrase) = (dir.path().join("den.age"), dir.path().join("phrase"));
    fs::write(&phrase, "a long enough passphrase\n").unwrap();
    let (file, phrase) = (file.to_str().unwrap(), phrase.to_str().unwrap());
    let written = host.ctl_json(&["backup", file, "--passphrase-file", phrase]);
    assert_eq!(written["devices"], 1);
    assert!(!host.ctl(&["backup", file, "--passphrase-file", phrase]).status.success(), "it was overwritten");
    host.stop();

    let state = second.join("state");
    let restore = |file: &str| {
        let mut ctl = std::process::Command::new(PROGRAM);
        ctl.args(["ctl", "restore", file, "--passphrase-file", phrase, "--state-dir"]).arg(&state);
        ctl.output().unwrap()
    };
    let mut damaged = fs::read(file).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    let tampered = dir.path().join("tampered.age");
    fs::write(&tampered, damaged).unwrap();
    let refused = restore(tampered.to_str().unwrap());
    assert_eq!(refused.status.code(), Some(65), "{}", String::from_utf8_lossy(&refused.stderr));
    let restored = restore(file);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));

    let host = Host::start_in(&second, SYNTHETIC);
    assert_eq!(host.fingerprint(), fingerprint);
    device.hello(&host).await.welcome().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planned_change_of_identity_is_told_to_paired_clients_and_takes_over_at_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut host = Host::start_in(dir.path(), SYNTHETIC);
    let device = Device::new("Laptop");
    device.pair_now(&host).await;
    let mut session = streaming(&host, &device).await;
    let told = async |session: &mut Session| {
        session
            .wait_for(|event| match event {
                ClientEvent::SuccessorAnnounced(fingerprint) => Some(*fingerprint),
                _ => None,
            })
            .await
    };
    let prepared = host.ctl_json(&["identity", "prepare"]);
    let next: Fingerprint = prepared["successor"].as_str().unwrap().parse().unwrap();
    assert_eq!(told(&mut session).await, next, "the live session hears of it at once");
    let mut later = streaming(&host, &device).await;
    assert_eq!(told(&mut later).await, next, "and a later one when it begins");
    let promoted = host.ctl_json(&["identity", "promote"]);
    assert_eq!(promoted["after_restart"], next.to_string());
    host.stop();
    let host = Host::start_in(dir.path(), SYNTHETIC);
    assert_eq!(host.fingerprint(), next);
    device.hello(&host).await.welcome().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_says_who_did_what_when_and_from_where_and_finds_what_was_changed() {
    let dir = tempfile::tempdir().unwrap();
    let mut host = Host::start_in(dir.path(), SYNTHETIC);
    let device = Device::new("Laptop");
    device.pair_now(&host).await;
    let mut session = streaming(&host, &device).await;
    host.ctl_json(&["revoke", &prefix(&device)]);
    assert_eq!(session.close_code().await, 0x64);
    host.wait_for_count(&["sessions", "history"], "sessions", 1).await;
    let rows = audit(&host);
    let row =
        |event: &str| rows.iter().find(|row| row["what"]["event"] == event).unwrap_or_else(|| panic!("no {event}"));
    let uid = rustix::process::getuid().as_raw();
    for by_owner in ["pin-armed", "revoked"] {
        assert_eq!(row(by_owner)["origin"]["actor"], serde_json::json!({ "kind": "ctl", "uid": uid }));
    }
    for by_device in ["pin-guessed", "paired", "session-started", "session-ended"] {
        let origin = &row(by_device)["origin"];
        assert_eq!(origin["actor"]["fingerprint"], device.fingerprint().to_string(), "{by_device}");
        assert_eq!(origin["source"], "127.0.0.1", "{by_device}");
    }
    assert!(row("session-ended")["what"]["reason"].as_str().unwrap().contains("removed"));
    assert_eq!(host.ctl_json(&["audit", "verify"])["verdict"], "sound");
    let exported = host.ctl(&["audit", "export"]).stdout;
    assert_eq!(String::from_utf8(exported).unwrap().lines().count(), rows.len());
    host.stop();

    tamper(&dir.path().join("state/state.db"));
    let host = Host::start_in(dir.path(), SYNTHETIC);
    let verdict = host.ctl(&["audit", "verify"]);
    assert_eq!(verdict.status.code(), Some(65), "{}", String::from_utf8_lossy(&verdict.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_says_what_changed_in_the_configuration_and_no_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let session = |token: &str, most: u8| {
        format!("{SYNTHETIC}[session]\nmax_sessions = {most}\nenvironment = {{ TOKEN = \"{token}\" }}\n")
    };
    let said = |host: &Host| -> Vec<String> {
        let rows = audit(host).into_iter().filter(|row| row["what"]["event"] == "configuration-changed");
        rows.map(|row| row["what"]["what"].as_str().unwrap().to_owned()).collect()
    };
    let mut host = Host::start_in(dir.path(), SYNTHETIC);
    assert!(said(&host).is_empty(), "the first start has nothing to compare with");
    host.stop();
    let mut host = Host::start_in(dir.path(), &session("hunter2", 2));
    assert_eq!(said(&host), ["session.environment.TOKEN: unset → (set)", "session.max_sessions: 4 → 2"]);
    host.stop();
    let host = Host::start_in(dir.path(), &session("hunter2", 2));
    assert_eq!(said(&host).len(), 2, "nothing new is said of what did not change");
    assert!(!fs::read(dir.path().join("state/state.db")).unwrap().windows(7).any(|bytes| bytes == b"hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_host_shows_a_claim_code_until_somebody_claims_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut host = Host::start_in(dir.path(), SYNTHETIC);
    let code = host.ctl_json(&["claim"])["claim_code"].as_str().unwrap().to_owned();
    assert_eq!(host.ctl_json(&["claim"])["claim_code"], code.as_str());
    assert!(!host.log().contains(&code));
    let password = dir.path().join("password");
    fs::write(&password, "short\n").unwrap();
    let path = password.to_str().unwrap();
    assert!(!host.ctl(&["claim", "--password-file", path]).status.success());
    fs::write(&password, "correct horse battery staple\n").unwrap();
    let claimed = host.ctl_json(&["claim", "--password-file", path]);
    assert_eq!((&claimed["state"], &claimed["claim_code"]), (&"claimed".into(), &Value::Null));
    host.stop();
    let host = Host::start_in(dir.path(), SYNTHETIC);
    assert_eq!(host.ctl_json(&["claim"])["state"], "claimed");
    assert_eq!(host.ctl_json(&["claim", "--reset"])["state"], "unclaimed");
    let events = audit_events(&host);
    assert!(["claimed", "unclaimed"].iter().all(|event| events.contains(&(*event).to_owned())), "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_german_is_answered_in_german() {
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path(), &format!("{}\n{SYNTHETIC}", crate::fixture::BASE));
    let _host = Host::run(dir.path(), serve(std::process::Command::new(PROGRAM), dir.path()));
    let mut ctl = std::process::Command::new(PROGRAM);
    ctl.args(["ctl", "devices", "--runtime-dir"]).arg(dir.path().join("run")).env("LC_ALL", "de_DE.UTF-8");
    let said = String::from_utf8(ctl.output().unwrap().stdout).unwrap();
    assert_eq!(said, "Es ist kein Gerät gekoppelt.\n");
}

fn audit(host: &Host) -> Vec<Value> {
    host.ctl_json(&["audit", "--last", "400"])["rows"].as_array().unwrap().clone()
}

fn audit_events(host: &Host) -> Vec<String> {
    audit(host).iter().map(|row| row["what"]["event"].as_str().unwrap().to_owned()).collect()
}

/// Changes one row of the log as somebody would who can write the file.
fn tamper(database: &Path) {
    let database = rusqlite::Connection::open(database).unwrap();
    let changed = database
        .execute("UPDATE audit SET event = replace(event, 'Laptop', 'Somebody') WHERE event LIKE '%Laptop%'", ());
    assert!(changed.unwrap() > 0);
}
