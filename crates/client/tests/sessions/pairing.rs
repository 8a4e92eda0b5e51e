//! `punktfunk pair`

use std::time::{Duration, Instant};

use crate::common::{Client, Host, Ways};

fn armed() -> Host {
    Host::start(Ways { pin: Some("4711"), ..Ways::default() })
}

#[test]
fn the_right_pin_stores_the_host_and_it_connects_without_any_question() {
    let (client, host) = (Client::new(), armed());
    let paired = client.run(&["pair", &host.address(), "--pin", "4711", "--name", "test device"]);
    assert_eq!(paired.exit, 0, "{}", paired.stderr);
    assert_eq!(paired.value["paired"]["fingerprint"], host.fingerprint.to_string());
    assert_eq!(client.hosts()[0]["trust"], "pin");
    assert_eq!(host.heard().paired.len(), 1);
    let streamed = client.run(&["connect", &host.address(), "--mode", "320x180@30", "--seconds", "0.2"]);
    assert_eq!(streamed.exit, 0, "{}", streamed.stderr);
}

#[test]
fn a_wrong_pin_is_reported_as_such_and_stores_nothing() {
    let (client, host) = (Client::new(), armed());
    let paired = client.run_with(&["pair", &host.address(), "--pin-file", "-"], "1234\n");
    assert_eq!(paired.exit, 4);
    assert!(paired.message().starts_with("the PIN is wrong"), "{}", paired.message());
    assert!(client.hosts().is_empty());
    assert!(host.heard().paired.is_empty());
}

#[test]
fn a_host_that_is_not_armed_is_told_apart_by_its_code_with_advice() {
    let (client, host) = (Client::new(), Host::start(Ways::default()));
    let paired = client.run(&["pair", &host.address(), "--pin", "4711"]);
    assert_eq!((paired.exit, paired.close_code()), (5, Some(0x60)));
    assert!(paired.message().contains("ask its owner for a new PIN"), "{}", paired.message());
}

#[test]
fn without_a_terminal_a_missing_pin_is_an_error_and_not_a_wait() {
    let (client, host) = (Client::new(), armed());
    let paired = client.run(&["pair", &host.address()]);
    assert_eq!(paired.exit, 2);
    assert!(paired.message().contains("--pin-file"), "{}", paired.message());
    assert_eq!(host.heard().connections, 0);
}

#[test]
fn a_client_killed_at_any_moment_of_pairing_keeps_what_it_trusted_and_goes_on() {
    let (client, other) = (Client::new(), armed());
    let started = Instant::now();
    assert_eq!(client.run(&["pair", &other.address(), "--pin", "4711"]).exit, 0);
    let mut whole = started.elapsed();
    let device = client.run(&["hosts"]).value["device"].clone();
    let host = armed();
    let (mut before, mut after) = (0, 0);
    // From before the first connection to after the last write, most of them around the writes.
    for round in 0..50_u32 {
        let mut child = client.spawn(&["pair", &host.address(), "--pin", "4711"]);
        let moment = round * 37 % 50;
        std::thread::sleep(whole * moment / 35);
        child.kill().unwrap();
        child.wait().unwrap();
        let listed = client.run(&["hosts"]);
        assert_eq!((listed.exit, &listed.value["device"]), (0, &device), "{}", listed.stderr);
        let known = listed.value["hosts"].as_array().unwrap();
        let has = |host: &Host| known.iter().any(|entry| entry["fingerprint"] == host.fingerprint.to_string());
        assert!(has(&other), "round {round}");
        if has(&host) {
            after += 1;
            // On a machine that is busy now and idle then, pairing takes now longer and now shorter.
            whole -= if moment < 15 { whole / 4 } else { Duration::ZERO };
            assert_eq!(client.run(&["hosts", "forget", &host.fingerprint.to_string()]).exit, 0);
        } else {
            before += 1;
            whole += if moment > 40 { whole / 3 } else { Duration::ZERO };
        }
    }
    assert!(before >= 5 && after >= 5, "killed before it was stored {before} times, after {after} times");
    assert_eq!(client.run(&["pair", &host.address(), "--pin", "4711"]).exit, 0);
}
