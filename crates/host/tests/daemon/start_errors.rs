//! A host that cannot start says why and what to do, and ends with the documented code.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use crate::common::{Home, Host, program, stderr};

fn fails(mut command: Command, code: i32, words: &[&str]) {
    let output = command.output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is missing in: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn a_wrong_configuration_stops_the_start_before_anything_is_made() {
    let home = Home::new("[pairing]\npolicy = \"opne\"\n");
    fails(home.serve(), 78, &["punktfunk.toml:10:10: pairing.policy: found \"opne\"", "\"require\" or \"open\""]);
    assert!(!home.state_dir().exists() && !home.runtime_dir().exists());
}

#[test]
fn a_state_directory_that_cannot_be_made_is_named() {
    let home = Home::new("");
    fs::write(home.state_dir(), "a file").unwrap();
    fails(home.serve(), 73, &["state directory", home.state_dir().to_str().unwrap(), "--state-dir"]);
    assert_eq!(fs::read_to_string(home.state_dir()).unwrap(), "a file");
}

/// In `/proc` not even root can make files; `fd` is a directory of the process's own, closed to others.
#[test]
fn a_state_directory_that_cannot_be_written_is_named() {
    for (dir, fault) in [("/proc/self/fd", "cannot be written"), ("/proc/self/none", "cannot be created")] {
        let home = Home::new("");
        let mut serve = program();
        serve.arg("serve").arg("--config").arg(home.config()).args(["--state-dir", dir]);
        serve.arg("--runtime-dir").arg(home.runtime_dir());
        fails(serve, 73, &["state directory", fault, "--state-dir"]);
    }
}

#[test]
fn directories_open_to_others_are_refused() {
    let home = Home::new("");
    fs::create_dir(home.runtime_dir()).unwrap();
    fs::set_permissions(home.runtime_dir(), fs::Permissions::from_mode(0o755)).unwrap();
    fails(home.serve(), 73, &["runtime directory", "mode 0755", "chmod 700"]);
}

#[test]
fn a_second_host_in_the_same_directories_is_refused_and_the_first_serves_on() {
    let home = Home::new("");
    let _first = Host::start(&home);
    fails(home.serve(), 75, &["a host already uses", "stop it first"]);
    assert_ne!(home.ctl(&["status"]).status.code(), Some(69), "the first one still answers");
}

#[test]
fn something_else_in_the_sockets_place_is_left_there() {
    let home = Home::new("");
    let socket = home.make_runtime_dir().join("admin.sock");
    fs::write(&socket, "precious").unwrap();
    fails(home.serve(), 73, &["admin socket", "no socket"]);
    assert_eq!(fs::read_to_string(&socket).unwrap(), "precious");
}

#[test]
fn a_path_too_long_for_a_socket_is_named() {
    let home = Home::new("");
    let mut serve = program();
    serve.arg("serve").arg("--config").arg(home.config()).arg("--state-dir").arg(home.state_dir());
    serve.arg("--runtime-dir").arg(home.path().join("r".repeat(120)));
    fails(serve, 73, &["admin socket", "--runtime-dir"]);
}
