//! The health check against real hosts: who passes, who fails with which reason, and that it leaves no trace.

use std::{
    path::Path,
    process::{Command, Output},
};

use crate::fixture::{Device, Host, PROGRAM, SYNTHETIC, configure, hello, serve};
use punktfunk_proto::wire::CloseCode;
use serde_json::Value;

fn gate(dir: &Path, extra: &[&str]) -> (Output, Value) {
    let mut command = Command::new(PROGRAM);
    command.arg("gate").arg("--runtime-dir").arg(dir.join("run")).args(["--json", "--stream-within", "30"]).args(extra);
    let output = command.output().unwrap();
    let report = serde_json::from_slice(&output.stdout);
    (output.clone(), report.unwrap_or_else(|error| panic!("{error}: {output:?}")))
}

/// The parts by name, each passed or not, with what was found.
fn parts(report: &Value) -> Vec<(&str, bool, &str)> {
    let parts = report["parts"].as_array().unwrap().iter();
    parts
        .map(|part| {
            (part["part"].as_str().unwrap(), part["passed"].as_bool().unwrap(), part["found"].as_str().unwrap())
        })
        .collect()
}

const ALL: [&str; 4] = ["ready", "console", "stream", "input"];

#[test]
fn a_host_whose_display_encoder_and_input_work_passes_and_nothing_of_it_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    // The owner's application is not run: it would fail the check.
    let host = Host::start_in(dir.path(), "[display]\nbackend = \"embedded\"\n[session]\ncommand = [\"/nowhere\"]\n");
    let before = (host.ctl_json(&["devices"]), host.ctl_json(&["audit"]), host.ctl_json(&["pending"]));
    for _ in 0..2 {
        let (output, report) = gate(dir.path(), &[]);
        assert!(output.status.success(), "{report:#}\n{}", host.log());
        assert_eq!(parts(&report).iter().map(|(part, ..)| *part).collect::<Vec<_>>(), ALL);
    }
    assert_eq!((host.ctl_json(&["devices"]), host.ctl_json(&["audit"]), host.ctl_json(&["pending"])), before);
    assert_eq!(host.ctl_json(&["sessions"])["sessions"].as_array().unwrap().len(), 0);
    assert_eq!(host.ctl_json(&["sessions", "history"])["sessions"].as_array().unwrap().len(), 0);
}

#[test]
fn the_check_passes_beside_sessions_that_take_every_place() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::start_in(dir.path(), &format!("{SYNTHETIC}[session]\nmax_sessions = 1\n"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let device = Device::new("Mara");
    let session = runtime.block_on(async {
        device.pair_now(&host).await;
        let mut session = device.hello(&host).await;
        session.welcome().await;
        session
    });
    let (output, report) = gate(dir.path(), &[]);
    assert!(output.status.success(), "{report:#}\n{}", host.log());
    drop(session);
}

#[test]
fn a_host_whose_display_cannot_start_fails_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    configure(
        dir.path(),
        &format!(
            "{}\n[display]\nbackend = \"embedded\"\n[session]\ncommand = [\"foot\"]\nlauncher = \"service\"\n",
            crate::fixture::BASE
        ),
    );
    let mut command = serve(Command::new(PROGRAM), dir.path());
    command.arg("--session-socket").arg(dir.path().join("no.sock"));
    let host = Host::run(dir.path(), command);
    let report_file = dir.path().join("report.json");
    let (output, report) = gate(dir.path(), &["--report", report_file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{report:#}");
    let (part, passed, found) = *parts(&report).last().unwrap();
    assert_eq!((part, passed), ("stream", false), "{report:#}\n{}", host.log());
    assert!(found.contains("display") && found.contains("session service"), "{found}");
    let written: Value = serde_json::from_slice(&std::fs::read(report_file).unwrap()).unwrap();
    assert_eq!(written, report, "for the verdict");
}

#[test]
fn a_host_that_does_not_run_fails_as_not_ready() {
    let dir = tempfile::tempdir().unwrap();
    let (output, report) = gate(dir.path(), &["--ready-within", "1"]);
    assert_eq!(output.status.code(), Some(1));
    let (part, passed, found) = parts(&report)[0];
    assert_eq!((part, passed), ("ready", false));
    assert!(found.contains("no host is running"), "{found}");
}

#[test]
fn a_console_whose_port_is_taken_fails_as_the_console() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let base = crate::fixture::BASE.replace("[console]\nport = 0", &format!("[console]\nport = {port}"));
    configure(dir.path(), &format!("{base}\n{SYNTHETIC}"));
    let _host = Host::run(dir.path(), serve(Command::new(PROGRAM), dir.path()));
    let (output, report) = gate(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let (part, passed, found) = *parts(&report).last().unwrap();
    assert_eq!((part, passed), ("console", false));
    assert!(found.contains("cannot listen"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_let_in_by_the_check_who_was_not_announced() {
    let host = Host::start(SYNTHETIC);
    let device = Device::new("Stranger");
    let mut request = hello("640x360@30");
    request.name = Some("health check".into());
    let mut session = device.hello_with(&host, request).await;
    // It waits for the owner as any stranger does.
    host.wait_for_count(&["pending"], "knocks", 1).await;
    host.ctl(&["deny", &device.fingerprint().to_string()]);
    assert_eq!(session.close_code().await, CloseCode::AccessDenied.code());
}
