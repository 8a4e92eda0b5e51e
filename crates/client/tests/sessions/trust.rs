//! Whom the client talks to.

use std::time::Duration;

use punktfunk_proto::wire::{CloseCode, Grants};

use crate::common::{Admit, Client, Host, Ways, identity};

#[test]
fn an_unknown_host_is_not_streamed_from_and_not_told_anything() {
    let (client, host) = (Client::new(), Host::start(Ways::default()));
    for extra in [&[][..], &["--trust-on-first-use"]] {
        let streamed = client.run(&[&["connect", &host.address()], extra].concat());
        assert_eq!(streamed.exit, 4, "{}", streamed.stderr);
        let message = streamed.message();
        assert!(message.contains("punktfunk pair") && message.contains(&host.fingerprint.grouped()), "{message}");
    }
    assert!(host.heard().hellos.is_empty());
    assert!(client.hosts().is_empty());
}

#[test]
fn a_fingerprint_given_by_hand_is_pinned() {
    let (client, host) = (Client::new(), Host::start(Ways::default()));
    let (address, fingerprint) = (host.address(), host.fingerprint.to_string());
    let short = ["--mode", "320x180@30", "--seconds", "0.2"];
    let first = client.run(&[&["connect", &address, "--fingerprint", &fingerprint], &short[..]].concat());
    assert_eq!(first.exit, 0, "{}", first.stderr);
    assert_eq!(client.hosts()[0]["trust"], "fingerprint");
    assert_eq!(client.run(&[&["connect", &address], &short[..]].concat()).exit, 0);
}

#[test]
fn a_wrong_fingerprint_given_by_hand_trusts_nobody() {
    let (client, host) = (Client::new(), Host::start(Ways::default()));
    let streamed = client.run(&["connect", &host.address(), "--fingerprint", &"ab".repeat(32)]);
    assert_eq!(streamed.exit, 4, "{}", streamed.stderr);
    assert!(client.hosts().is_empty() && host.heard().hellos.is_empty());
}

#[test]
fn a_changed_identity_goes_to_the_pin_and_only_there() {
    let client = Client::new();
    let first = Host::start(Ways { pin: Some("4711"), ..Ways::default() });
    let (address, old) = (first.address, first.fingerprint);
    assert_eq!(client.run(&["pair", &address.to_string(), "--pin", "4711"]).exit, 0);
    drop(first);
    let ways = Ways { pin: Some("4712"), ..Ways::default() };
    let second = Host::start_at(address, crate::common::identity(), ways);
    let (address, new) = (address.to_string(), second.fingerprint);
    let given = new.to_string();
    for extra in [&[][..], &["--trust-on-first-use"], &["--fingerprint", &given]] {
        let refused = client.run(&[&["connect", &address], extra].concat());
        assert_eq!(refused.exit, 4, "{}", refused.stderr);
        let message = refused.message();
        assert!(message.contains("IDENTITY CHANGED") && message.contains("punktfunk pair"), "{message}");
        assert!(message.contains(&old.grouped()) && message.contains(&new.grouped()), "{message}");
    }
    let probed = client.run(&["probe", &address]);
    assert_eq!((probed.exit, &probed.value["standing"]), (4, &"identity_changed".into()));
    assert!(second.heard().hellos.is_empty());
    assert_eq!(client.hosts()[0]["fingerprint"], old.to_string());
    assert_eq!(client.run(&["pair", &address, "--pin", "4712"]).exit, 0);
    let hosts = client.hosts();
    assert_eq!((hosts.len(), &hosts[0]["fingerprint"]), (1, &new.to_string().into()));
}

#[test]
fn a_parked_client_says_so_and_goes_on_once_it_is_approved() {
    let admit = Admit::After(Duration::from_millis(1_600));
    let (client, host) = (Client::new(), Host::start(Ways { admit, ..Ways::default() }));
    let fingerprint = host.fingerprint.to_string();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_punktfunk"));
    command.arg("--state-dir").arg(client.dir().join("state")).args(["--mdns", "off", "connect", &host.address()]);
    command.args(["--fingerprint", &fingerprint, "--mode", "320x180@30", "--seconds", "0.2"]);
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("punktfunk-host ctl approve"), "{stderr}");
    assert_eq!(host.heard().connections, 1);
}

#[test]
fn refusals_keep_their_code_and_the_hosts_words() {
    for (code, words) in [(CloseCode::AccessDenied, "denied"), (CloseCode::SetupFailed, "no usable encoder")] {
        let admit = Admit::Refuse(code, words);
        let (client, host) = (Client::new(), Host::start(Ways { admit, ..Ways::default() }));
        let refused = client.run(&["connect", &host.address(), "--fingerprint", &host.fingerprint.to_string()]);
        assert_eq!((refused.exit, refused.close_code()), (5, Some(u64::from(code.code()))));
        assert!(refused.message().contains(words), "{}", refused.message());
    }
}

#[test]
fn nobody_waits_for_an_approval_for_ever() {
    let (client, host) = (Client::new(), Host::start(Ways { admit: Admit::Never, ..Ways::default() }));
    let fingerprint = host.fingerprint.to_string();
    let refused = client.run(&["connect", &host.address(), "--fingerprint", &fingerprint, "--wait", "0.5"]);
    assert_eq!((refused.exit, refused.close_code()), (5, Some(0x65)), "{}", refused.stderr);
}

#[test]
fn an_announced_change_of_identity_needs_no_pairing_and_the_old_one_is_trusted_no_more() {
    let (client, next) = (Client::new(), identity());
    let ways = Ways { successor: Some(next.fingerprint()), ..Ways::default() };
    let first = identity();
    let host = Host::start_at("127.0.0.1:0".parse().unwrap(), first.clone(), ways);
    let (address, fingerprint) = (host.address, host.fingerprint.to_string());
    let at = address.to_string();
    let streamed = client.run(&["connect", &at, "--fingerprint", &fingerprint, "--seconds", "0.3"]);
    assert_eq!(streamed.exit, 0, "{}", streamed.stderr);
    drop(host);

    let host = Host::start_at(address, next.clone(), Ways::default());
    let streamed = client.run(&["connect", &at, "--seconds", "0.3"]);
    assert_eq!(streamed.exit, 0, "{}", streamed.stderr);
    assert_eq!(client.hosts()[0]["fingerprint"], next.fingerprint().to_string());
    assert_eq!(client.hosts().len(), 1);
    drop(host);

    let _host = Host::start_at(address, first, Ways::default());
    let refused = client.run(&["connect", &at, "--seconds", "0.3"]);
    assert_ne!(refused.exit, 0);
    assert!(refused.message().contains("PIN"), "{}", refused.message());
}

#[test]
fn a_change_of_access_is_told_in_words() {
    let access = Some((Grants::GAMEPAD, Some(Duration::from_secs(60))));
    let (client, host) = (Client::new(), Host::start(Ways { access, ..Ways::default() }));
    let (address, fingerprint) = (host.address(), host.fingerprint.to_string());
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_punktfunk"));
    command.arg("--state-dir").arg(client.dir().join("state")).args(["--mdns", "off", "connect", &address]);
    let output = command.args(["--fingerprint", &fingerprint, "--seconds", "0.3"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("access ends in 60 s; until then: gamepads"), "{said}");
}
