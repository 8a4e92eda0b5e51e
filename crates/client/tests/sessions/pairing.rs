//! `punktfunk pair`

use std::{
    fs::File,
    io::{Read as _, Write as _},
    process::Child,
    time::{Duration, Instant},
};

use crate::common::{Client, Host, Outcome, Ways};

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

/// Waits for the question and types the PIN.
fn type_pin(child: &mut Child, terminal: &mut File) {
    let mut asked = vec![0; "PIN that the host shows: ".len()];
    child.stderr.as_mut().unwrap().read_exact(&mut asked).unwrap();
    assert_eq!(asked, b"PIN that the host shows: ");
    terminal.write_all(b"4711\n").unwrap();
}

#[test]
fn once_the_pin_is_typed_pairing_takes_two_round_trips_on_the_connection_that_is_open() {
    let (client, host) = (Client::new(), armed());
    let before = processor_time_of_children();
    let (mut child, mut terminal) = client.spawn_on_terminal(&["pair", &host.address()]);
    assert_eq!(host.heard_until(|heard| heard.connections == 1).pairing_messages, 0);
    type_pin(&mut child, &mut terminal);
    let paired = Outcome::of(child);
    assert_eq!(paired.exit, 0, "{}", paired.stderr);
    let heard = host.heard();
    assert_eq!((heard.connections, heard.paired.len()), (1, 1), "no handshake was added");
    assert_eq!(heard.pairing_messages, 2, "each is answered by one of the host's: a round trip");
    println!("the client used {:?} of processor time in all", processor_time_of_children() - before);
}

#[test]
fn a_connection_that_the_host_closes_while_the_pin_is_typed_is_opened_again() {
    let (client, host) = (Client::new(), Host::start(Ways { pin: Some("4711"), closes_first: 2, ..Ways::default() }));
    let (mut child, mut terminal) = client.spawn_on_terminal(&["pair", &host.address()]);
    host.heard_until(|heard| heard.connections == 3);
    type_pin(&mut child, &mut terminal);
    let paired = Outcome::of(child);
    assert_eq!(paired.exit, 0, "{}", paired.stderr);
    assert_eq!(host.heard().connections, 3);
}

#[test]
fn a_host_that_closes_every_connection_is_not_called_for_ever() {
    let (client, host) = (Client::new(), Host::start(Ways { closes_first: usize::MAX, ..Ways::default() }));
    let (mut child, mut terminal) = client.spawn_on_terminal(&["pair", &host.address()]);
    host.heard_until(|heard| heard.connections == 7);
    type_pin(&mut child, &mut terminal);
    let refused = Outcome::of(child);
    assert_ne!(refused.exit, 0, "{}", refused.stderr);
    assert!((7..=8).contains(&host.heard().connections), "{}", host.heard().connections);
    assert!(client.hosts().is_empty());
}

/// User and system time of the processes that this one started and waited for.
fn processor_time_of_children() -> Duration {
    // SAFETY: all-zero is a value of this plain structure.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the place is ours.
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage) }, 0);
    let time = |spent: libc::timeval| {
        Duration::from_secs(spent.tv_sec.unsigned_abs()) + Duration::from_micros(spent.tv_usec.unsigned_abs())
    };
    time(usage.ru_utime) + time(usage.ru_stime)
}
