//! What goes wrong says what to do, in text and in the exit code.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use crate::common::{Client, Host, Ways};

#[test]
fn a_host_that_does_not_answer_is_unreachable_and_the_firewall_is_named() {
    let client = Client::new();
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    for command in ["probe", "pair"] {
        let pin: &[&str] = if command == "pair" { &["--pin", "0000"] } else { &[] };
        let called = client.run(&[&[command, &address, "--timeout", "0.5"], pin].concat());
        assert_eq!(called.exit, 3, "{}", called.stderr);
        assert!(called.message().contains("firewall"), "{}", called.message());
    }
}

#[test]
fn a_probe_says_who_answers_and_opens_no_stream() {
    let (client, host) = (Client::new(), Host::start(Ways::default()));
    let probed = client.run(&["probe", &host.address()]);
    assert_eq!((probed.exit, &probed.value["standing"]), (0, &"needs_pin".into()), "{}", probed.stderr);
    assert_eq!(probed.value["fingerprint"], host.fingerprint.to_string());
    assert_eq!((host.heard().connections, host.heard().hellos.len()), (1, 0));
}

#[test]
fn damaged_and_exposed_state_is_refused_with_the_way_out() {
    let (client, host) = (Client::new(), Host::start(Ways::default()));
    assert!(client.hosts().is_empty());
    let (known, identity) = (client.dir().join("state/known-hosts.toml"), client.dir().join("state/identity.pem"));
    fs::write(&known, "version = 1\n[[host]]\nname = ").unwrap();
    let refused = client.run(&["connect", &host.address()]);
    assert_eq!(refused.exit, 1);
    assert!(refused.message().contains("line 3") && refused.message().contains("mv "), "{}", refused.message());
    fs::remove_file(&known).unwrap();
    fs::set_permissions(&identity, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = client.run(&["probe", &host.address()]);
    assert_eq!(refused.exit, 1);
    assert!(refused.message().contains("chmod 600"), "{}", refused.message());
    assert_eq!(host.heard().connections, 0);
}

#[test]
fn a_state_folder_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_punktfunk"))
        .arg("--state-dir")
        .arg(dir.path().join("file/state"))
        .arg("hosts")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--state-dir"));
}

#[test]
fn wrong_command_lines_end_with_2_and_an_example() {
    let client = Client::new();
    let record = client.path("a.mp4");
    for args in [&["connect", "127.0.0.1", "--record", &record][..], &["connect", "127.0.0.1", "--script", "/absent"]] {
        assert_eq!(client.run(args).exit, 2, "{args:?}");
    }
    let output =
        Command::new(env!("CARGO_BIN_EXE_punktfunk")).args(["connect", "den", "--at", "3s:jump"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("snapshot"));
}

#[test]
fn every_command_shows_examples() {
    for command in ["discover", "pair", "join", "connect", "probe", "hosts"] {
        let output = Command::new(env!("CARGO_BIN_EXE_punktfunk")).args([command, "--help"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(&format!("\n  punktfunk {command}")), "{text}");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_punktfunk")).arg("--help").output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("Exit codes:"));
}

#[test]
fn known_hosts_are_renamed_and_forgotten_by_name() {
    let (client, host) = (Client::new(), Host::start(Ways { pin: Some("4711"), ..Ways::default() }));
    assert_eq!(client.run(&["pair", &host.address(), "--pin", "4711"]).exit, 0);
    assert_eq!(client.run(&["hosts", "rename", &host.address(), "den"]).exit, 0);
    assert_eq!(client.run(&["probe", "den"]).value["standing"], "known");
    assert_eq!(client.run(&["hosts", "forget", "den"]).exit, 0);
    assert!(client.hosts().is_empty());
    assert_eq!(client.run(&["hosts", "forget", "den"]).exit, 2);
}
