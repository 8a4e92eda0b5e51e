//! The host under a service manager, and under signals.

use std::{fs, os::unix::fs::MetadataExt as _, process::Stdio, time::Instant};

use rustix::process::Signal;

use crate::common::{Home, Host, PATIENCE};

#[test]
fn it_says_ready_and_stopping_and_ends_with_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let home = Home::new("");
        let mut host = Host::start(&home);
        host.signal(signal);
        host.wait_for("STOPPING=1");
        let (status, log) = host.end();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(!home.runtime_dir().join("admin.sock").exists(), "the socket is removed");
    }
}

#[test]
fn it_has_a_status_line_for_systemctl_and_is_ready_once() {
    let home = Home::new("");
    let mut host = Host::launch(&home, |_| {});
    let said = host.wait_for("READY=1");
    assert!(said.iter().any(|line| line.starts_with("STATUS=")), "{said:?}");
    host.signal(Signal::TERM);
    let said = host.wait_for("STOPPING=1");
    assert!(!said.iter().any(|line| line == "READY=1"), "{said:?}");
}

#[test]
fn it_gives_signs_of_life_to_the_watchdog() {
    let home = Home::new("");
    let mut host = Host::start_with(&home, |command| {
        command.env("WATCHDOG_USEC", "300000");
    });
    let start = Instant::now();
    for _ in 0..4 {
        host.wait_for("WATCHDOG=1");
    }
    assert!(start.elapsed() < PATIENCE);
}

#[test]
fn a_hangup_is_survived_and_explained() {
    let home = Home::new("");
    let mut host = Host::start(&home);
    host.signal(Signal::HUP);
    let line = host.wait_for_log("SIGHUP");
    assert!(line.contains("restart the host"), "{line}");
    host.signal(Signal::TERM);
    assert_eq!(host.end().0.code(), Some(0));
}

#[test]
fn a_killed_host_starts_again_over_its_own_socket() {
    let home = Home::new("");
    for _ in 0..3 {
        let host = Host::start(&home);
        host.signal(Signal::KILL);
        drop(host.end());
        assert!(home.runtime_dir().join("admin.sock").exists(), "the dead host's socket is still there");
    }
    let _host = Host::start(&home);
    assert_ne!(home.ctl(&["status"]).status.code(), Some(69));
}

#[test]
fn its_directories_and_its_socket_are_closed_to_others() {
    let home = Home::new("");
    let _host = Host::start(&home);
    let mode = |path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(home.state_dir()), 0o700);
    assert_eq!(mode(home.runtime_dir()), 0o700);
    assert_eq!(mode(home.runtime_dir().join("admin.sock")), 0o600);
}

#[test]
fn it_works_without_a_service_manager() {
    let home = Home::new("");
    let mut child = home.serve().env_remove("NOTIFY_SOCKET").stderr(Stdio::piped()).spawn().unwrap();
    let mut log = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("ready") {
        line.clear();
        assert_ne!(std::io::BufRead::read_line(&mut log, &mut line).unwrap(), 0, "the host ended");
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_log_is_json_when_asked_for_and_holds_no_secret() {
    let home = Home::new("[log]\nformat = \"json\"\nlevel = \"trace\"\n[session]\nenvironment = { A = \"hunter2\" }\n");
    let mut host = Host::start(&home);
    let pin = home.ctl(&["pair", "arm", "--json"]);
    let pin: serde_json::Value = serde_json::from_slice(&pin.stdout).unwrap();
    host.signal(Signal::TERM);
    host.wait_for("STOPPING=1");
    let (_, log) = host.end();
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?} is no JSON"));
        assert!(line["level"].is_string() && line["target"].is_string(), "{line}");
    }
    assert!(log.lines().count() > 0 && !log.contains("hunter2"), "{log}");
    if let Some(pin) = pin["pin"].as_str() {
        assert!(!log.contains(&format!("\"{pin}\"")), "the PIN is in the log");
    }
}

#[test]
fn a_quiet_log_is_quiet() {
    let home = Home::new("[log]\nlevel = \"error\"\n");
    let host = Host::start(&home);
    host.signal(Signal::TERM);
    let (status, log) = host.end();
    assert_eq!((status.code(), log.as_str()), (Some(0), ""));
}
