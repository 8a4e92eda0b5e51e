//! What the owner sees of a host that lacks something, and what they change about it.

use std::{fs, net::TcpListener};

use serde_json::Value;

use crate::common::{Home, Host, stderr, stdout};

fn json(home: &Home, args: &[&str]) -> Value {
    let output = home.ctl(&[args, &["--json"]].concat());
    serde_json::from_str(&stdout(&output))
        .unwrap_or_else(|_| panic!("{args:?}: {}{}", stdout(&output), stderr(&output)))
}

fn warnings(home: &Home) -> String {
    json(home, &["status"])["warnings"].to_string()
}

fn setting(home: &Home, key: &str) -> Value {
    let settings = json(home, &["settings"]);
    let all = settings["settings"].as_array().unwrap();
    all.iter().find(|setting| setting["key"] == key).unwrap().clone()
}

/// [`crate::common::QUIET`] with another display.
fn with_display(backend: &str) -> Home {
    let home = Home::new("");
    let text = fs::read_to_string(home.config()).unwrap();
    fs::write(home.config(), text.replace("synthetic", backend)).unwrap();
    home
}

#[test]
fn a_host_without_display_and_application_serves_on_and_names_both_with_their_remedies() {
    let home = with_display("sway");
    let mut host = Host::launch(&home, |command| {
        command.env("PATH", "/nonexistent");
    });
    let said = host.wait_for("READY=1");
    let status = json(&home, &["status"]);
    assert_eq!(status["display"], "none");
    assert!(status["console"].as_str().unwrap().starts_with("127.0.0.1:"), "{status}");
    let warnings = warnings(&home);
    assert!(warnings.contains("no configured display works: sway: "), "{warnings}");
    assert!(warnings.contains("set session.command"), "{warnings}");
    assert!(said.iter().any(|line| line.starts_with("STATUS=failed: no ")), "{said:?}");
    let doctor = home.ctl(&["doctor", "--json"]);
    assert_eq!(doctor.status.code(), Some(1), "{}", stdout(&doctor));
}

#[test]
fn a_busy_console_port_is_a_fault_and_no_reason_not_to_start() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let home = Home::new("");
    let text = fs::read_to_string(home.config()).unwrap();
    fs::write(home.config(), text.replace("[console]\nport = 0", &format!("[console]\nport = {port}"))).unwrap();
    let mut host = Host::start(&home);
    host.wait_for_log("console cannot listen");
    assert_eq!(json(&home, &["status"])["console"], Value::Null);
    assert!(warnings(&home).contains("console.port"));
    drop(other);
    host.wait_for_log("the console listens");
    assert_eq!(json(&home, &["status"])["console"], format!("127.0.0.1:{port}"));
    assert!(!warnings(&home).contains("console.port"));
}

#[test]
fn a_setting_holds_after_a_restart_in_the_same_process_and_is_in_the_audit_log() {
    let home = Home::new("[fec]\nstart_percent = 7\n");
    let mut host = Host::start(&home);
    let changed = json(&home, &["settings", "set", "host.name", "den"]);
    assert_eq!(changed["restart_needed"], true);
    assert_eq!(setting(&home, "host.name")["after_restart"], "den");
    let locked = home.ctl(&["settings", "set", "fec.start_percent", "9"]);
    assert!(stderr(&locked).contains("punktfunk.toml:10 sets it"), "{}", stderr(&locked));
    let trusted = home.ctl(&["settings", "set", "pairing.policy", "open"]);
    assert!(stderr(&trusted).contains("only the configuration file"), "{}", stderr(&trusted));
    assert!(home.ctl(&["restart"]).status.success());
    let said = host.wait_for("READY=1");
    assert!(!said.iter().any(|line| line == "STOPPING=1"), "the service manager sees one host: {said:?}");
    assert_eq!(json(&home, &["status"])["name"], "den");
    let rows = json(&home, &["audit"]).to_string();
    assert!(rows.contains("host.name: unset") && rows.contains("configuration-changed"), "{rows}");
}

#[test]
fn damaged_settings_are_set_aside_and_said() {
    let home = Home::new("");
    drop(Host::start(&home));
    fs::write(home.state_dir().join("settings.toml"), "\u{0}").unwrap();
    let _host = Host::start(&home);
    assert!(warnings(&home).contains("settings.toml"));
    assert!(home.state_dir().join("settings.toml.damaged").exists());
}

#[test]
fn the_self_test_streams_to_itself_and_says_how_well() {
    let home = Home::new("");
    let _host = Host::start(&home);
    let report = json(&home, &["doctor"]);
    let checks = report["checks"].as_array().unwrap();
    let of = |id: &str| checks.iter().find(|check| check["id"] == id).unwrap();
    assert!(of("stream")["found"].as_str().unwrap().starts_with("1280x720@60 to itself: 90 frames"), "{report}");
    assert_eq!(of("encoder")["outcome"], "passed", "{report}");
}

#[test]
fn secrets_that_everybody_can_read_stop_the_start() {
    let home = Home::new("");
    let token = home.path().join("token");
    fs::write(&token, "0123456789abcdef0123456789abcdef\n").unwrap();
    fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let text = fs::read_to_string(home.config()).unwrap();
    fs::write(home.config(), format!("{text}token_file = \"{}\"\n", token.display())).unwrap();
    let output = home.serve().output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(stderr(&output).contains("console.token_file") && stderr(&output).contains("chmod 600"));
}
