//! Trust, from the socket to the store and back: a real host, real devices, real `ctl`.

use std::time::{Duration, Instant};

use punktfunk_proto::{
    pairing::Pin,
    session::{client_control::ClientClosed, client_pairing::PairingOutcome},
};
use punktfunk_transport::Client;

use crate::fixture::{self, Device, Host, SYNTHETIC, hello};

pub(crate) fn another_than(pin: &Pin) -> Pin {
    let digits: u32 = pin.digits().parse().unwrap();
    format!("{:04}", (digits + 1) % 10_000).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_pairs_a_device_and_it_streams_without_being_asked_again() {
    let host = Host::start(SYNTHETIC);
    let device = Device::new("Living room");
    device.pair_now(&host).await;
    let devices = host.ctl_json(&["devices", "list"]);
    assert_eq!(devices["devices"][0]["name"], "Living room");
    assert_eq!(devices["devices"][0]["fingerprint"], device.fingerprint().to_string());
    device.hello(&host).await.welcome().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_pin_is_told_as_such_and_uses_the_pin_up() {
    let host = Host::start(SYNTHETIC);
    let device = Device::new("Phone");
    let pin = host.arm();
    assert_eq!(device.pair(&host, &another_than(&pin)).await, PairingOutcome::WrongPin);
    let owner = Device::new("Owner's own");
    // The same source waits out its cooldown; the window is spent for everybody.
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let PairingOutcome::Refused { code, .. } = owner.pair(&host, &pin).await else { panic!("paired by a spent PIN") };
    assert_eq!(code, 0x60);
    assert!(host.ctl_json(&["devices", "list"])["devices"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn pairing_while_not_armed_is_0x60_and_too_fast_is_0x62() {
    let host = Host::start(SYNTHETIC);
    let device = Device::new("Eager");
    let pin: Pin = "1234".parse().unwrap();
    let code = async || match device.pair(&host, &pin).await {
        PairingOutcome::Refused { code, .. } => code,
        other => panic!("{other:?}"),
    };
    assert_eq!(code().await, 0x60);
    assert_eq!(code().await, 0x62);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_bound_to_one_device_is_0x61_for_another_and_stays_armed() {
    let host = Host::start(SYNTHETIC);
    let (invited, other) = (Device::new("Invited"), Device::new("Other"));
    let armed = host.ctl_json(&["pair", "arm", "--for", &invited.fingerprint().to_string()]);
    let pin: Pin = armed["pin"].as_str().unwrap().parse().unwrap();
    let PairingOutcome::Refused { code, .. } = other.pair(&host, &pin).await else { panic!("the wrong one paired") };
    assert_eq!(code, 0x61);
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(invited.pair(&host, &pin).await, PairingOutcome::Paired);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unpaired_device_waits_and_approval_admits_that_very_connection() {
    let host = Host::start(SYNTHETIC);
    let device = Device::new("Guest");
    let mut session = device.hello(&host).await;
    let pending = host.wait_for_count(&["pending"], "knocks", 1).await;
    assert_eq!(pending["knocks"][0]["name"], "Guest");
    session.stays_silent(Duration::from_millis(300)).await;
    let id = pending["knocks"][0]["id"].to_string();
    let approved = host.ctl_json(&["approve", &id, "--label", "Guest room"]);
    assert_eq!(approved["admitted"], true);
    session.welcome().await;
    assert_eq!(host.ctl_json(&["devices", "list"])["devices"][0]["name"], "Guest room");
}

#[tokio::test(flavor = "multi_thread")]
async fn denial_closes_0x64_and_stores_nothing() {
    let host = Host::start(SYNTHETIC);
    let mut session = Device::new("Stranger").hello(&host).await;
    let pending = host.wait_for_count(&["pending"], "knocks", 1).await;
    host.ctl_json(&["deny", &pending["knocks"][0]["id"].to_string()]);
    assert_eq!(session.close_code().await, 0x64);
    assert!(host.ctl_json(&["devices", "list"])["devices"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_knock_supersedes_the_first_with_0x66_and_one_approval_makes_one_session() {
    let host = Host::start(SYNTHETIC);
    let device = Device::new("Impatient");
    let mut first = device.hello(&host).await;
    host.wait_for_count(&["pending"], "knocks", 1).await;
    let mut second = device.hello(&host).await;
    assert_eq!(first.close_code().await, 0x66);
    let pending = host.wait_for_count(&["pending"], "knocks", 1).await;
    host.ctl_json(&["approve", &pending["knocks"][0]["id"].to_string()]);
    second.welcome().await;
    host.wait_for_count(&["sessions", "list"], "sessions", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_certificate_the_door_is_closed_with_0x63_and_nothing_is_listed() {
    let host = Host::start(SYNTHETIC);
    let link = Client::connect(host.address, None, None, fixture::PATIENCE).await.unwrap();
    let mut session = fixture::Session::over(link, &hello("1280x720@60"));
    assert_eq!(session.close_code().await, 0x63);
    assert!(host.ctl_json(&["pending"])["knocks"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_ends_the_live_session_within_a_second_and_refuses_the_next() {
    let host = Host::start(SYNTHETIC);
    let device = Device::new("Sold tablet");
    device.pair_now(&host).await;
    let mut session = device.hello(&host).await;
    let welcome = session.welcome().await;
    let mut stream = session.start(&welcome).await;
    stream.take(5).await;
    let began = Instant::now();
    let revoked = host.ctl_json(&["devices", "revoke", &device.fingerprint().to_string()]);
    assert_eq!(revoked["sessions_ended"], 1);
    let ClientClosed::ByHost { code, .. } = session.wait_for_end(Duration::from_secs(1)).await else { panic!() };
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(code, 0x64);
    assert_eq!(device.hello(&host).await.close_code().await, 0x64);
}

#[tokio::test(flavor = "multi_thread")]
async fn trust_survives_restarts_of_both_sides_without_a_prompt() {
    let dir = tempfile::tempdir().unwrap();
    let mut host = Host::start_in(dir.path(), SYNTHETIC);
    let device = Device::new("Old friend");
    device.pair_now(&host).await;
    let identity = host.fingerprint();
    assert!(host.stop().success());
    let host = Host::start_in(dir.path(), SYNTHETIC);
    assert_eq!(host.fingerprint(), identity);
    let link = Client::connect(host.address, Some(&device.identity), Some(identity), fixture::PATIENCE).await.unwrap();
    fixture::Session::over(link, &hello("1280x720@60")).welcome().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_host_admits_anyone_and_warns_of_it() {
    let host = Host::start(&format!("{SYNTHETIC}[pairing]\npolicy = \"open\"\n"));
    Device::new("Whoever").hello(&host).await.welcome().await;
    let link = Client::connect(host.address, None, None, fixture::PATIENCE).await.unwrap();
    fixture::Session::over(link, &hello("1280x720@60")).welcome().await;
    assert!(host.ctl_json(&["status"])["warnings"][0].as_str().unwrap().contains("open"));
    assert!(host.log().contains("open"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reachability_check_is_harmless() {
    let host = Host::start(SYNTHETIC);
    for _ in 0..5 {
        let link = Device::new("Checker").link(&host).await.unwrap();
        link.close(0, "");
        link.closed().await;
    }
    assert!(host.ctl_json(&["pending"])["knocks"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn four_knocks_of_one_source_wait_and_a_fifth_is_told_that_the_list_is_full() {
    let host = Host::start(SYNTHETIC);
    let mut waiting = Vec::new();
    for number in 0..4 {
        waiting.push(Device::new(&format!("Device {number}")).hello(&host).await);
    }
    host.wait_for_count(&["pending"], "knocks", 4).await;
    assert_eq!(Device::new("Fifth").hello(&host).await.close_code().await, 0x42);
    host.wait_for_count(&["pending"], "knocks", 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_logged() {
    let host = Host::start(SYNTHETIC);
    let device = Device::new("Reader");
    let pin = host.arm();
    assert_eq!(device.pair(&host, &pin).await, PairingOutcome::Paired);
    let welcome = device.hello(&host).await.welcome().await;
    let log = host.log();
    let key: String = welcome.aes_key.expose().iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!log.contains(&key) && !log.contains("BEGIN"));
    let says_pin = log.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == pin.digits());
    assert!(!says_pin, "{log}");
}
