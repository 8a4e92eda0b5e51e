//! Configuration files, right and wrong.

use std::{fs, process::Output};

use punktfunk_host::config::{
    Config, PairingPolicy, VideoCodec,
    load::{self, parse},
    schema::schema,
};
use serde_json::Value;

use crate::common::{Home, program, stderr, stdout};

const EVERY_KEY: &str = r#"
[host]
name = "Living room"
id = "living-room-1"

[network]
listen = "192.168.1.2"
port = 9000
media_port = 9100
mdns = { enable = false, interfaces = ["enp3s0"] }

[pairing]
policy = "open"

[devices.tv]
fingerprint = "abababababababababababababababababababababababababababababababab"
access = "controller-only"

[session]
command = ["foot", "--fullscreen"]
environment = { LANG = "C.UTF-8" }
directory = "/home/player"
keep_alive_s = 60
launcher = "service"
max_sessions = 2

[display]
backend = "embedded"

[display.gamescope]
arguments = ["--adaptive-sync"]
software = true

[audio]
enable = false

[encoder]
backend = "x264"
bitrate_kbps = 8_000
max_bitrate_kbps = 0xFFFF
codecs = ["h264"]

[fec]
start_percent = 20

[gamestream]
enable = true
port = 40000

[console]
enable = false
listen = "192.168.1.2"
port = 8443
names = ["den.example.org"]
password_file = "/run/secrets/password"
token_file = "/run/secrets/token"
token_from = ["192.168.1.0/24"]

[log]
level = "debug"
format = "json"
"#;

/// The problems of a configuration, one a line.
fn problems(text: &str) -> String {
    let problems = parse(text).expect_err("the text is wrong");
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

fn check(text: &str, args: &[&str]) -> Output {
    let home = Home::new("");
    fs::write(home.config(), text).unwrap();
    program().arg("check-config").arg("--config").arg(home.config()).args(args).output().unwrap()
}

#[test]
fn a_file_with_every_key_is_read() {
    let config = parse(EVERY_KEY).unwrap();
    assert_eq!(config.host.display_name(), "Living room");
    assert_eq!((config.network.port, config.network.media_port), (9000, Some(9100)));
    assert_eq!(config.network.mdns.interfaces, ["enp3s0"]);
    assert_eq!(config.pairing.policy, PairingPolicy::Open);
    assert_eq!(config.session.command, ["foot", "--fullscreen"]);
    assert_eq!(config.encoder.max_bitrate().kbps(), 65_535);
    assert_eq!(config.encoder.codecs, [VideoCodec::H264]);
}

#[test]
fn the_example_here_has_every_key_of_the_schema() {
    let written: Value = serde_json::to_value(toml::from_str::<toml::Table>(EVERY_KEY).unwrap()).unwrap();
    fn compare(path: &str, schema: &Value, written: &Value) {
        for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
            assert!(!written[key].is_null(), "{path}{key} is not in the example");
            compare(&format!("{path}{key}."), inner, &written[key]);
        }
    }
    compare("", &schema(), &written);
}

#[test]
fn declared_devices_are_checked_by_name_fingerprint_and_access() {
    let print = "ab".repeat(32);
    let text = format!(
        "[devices.tv]\nfingerprint = \"{print}\"\n[devices.tablet]\nfingerprint = \"{print}\"\naccess = \"everything\"\n\
         [devices.phone]\nfingerprint = \"12\"\n"
    );
    insta::assert_snapshot!(problems(&text), @r#"
    2:15: devices.tv.fingerprint: found abababab, allowed is another fingerprint than that of devices.tablet
    5:10: devices.tablet.access: found "everything", allowed is "full", "controller-only", "view-only", or rights with + between them: gamepad, pointer, keyboard, clipboard, microphone, launch, admin
    7:15: devices.phone.fingerprint: found "12", allowed is the 64 hexadecimal digits of the device's fingerprint
    "#);
    insta::assert_snapshot!(problems("[devices.radio]\naccess = \"full\"\n"), @"
    1:1: devices.radio.fingerprint: found nothing, allowed is a text in quotes
    ");
    let text = format!("[devices.tv]\nfingerprint = \"{print}\"\n");
    assert_eq!(parse(&text).unwrap().devices["tv"].access, "full");
}

#[test]
fn an_empty_file_means_the_defaults() {
    assert_eq!(parse("").unwrap(), Config::default());
    assert_eq!(parse("# nothing\n[pairing]\n").unwrap().pairing.policy, PairingPolicy::Require);
}

#[test]
fn the_schema_knows_the_defaults_the_program_has() {
    let defaults = serde_json::to_value(Config::default()).unwrap();
    let schema = schema();
    for (table, value) in defaults.as_object().unwrap() {
        assert_eq!(&schema["properties"][table]["default"], value, "[{table}]");
        for (key, value) in value.as_object().unwrap() {
            assert_eq!(&schema["properties"][table]["properties"][key]["default"], value, "{table}.{key}");
        }
    }
}

#[test]
fn every_problem_is_named_at_once_with_its_place() {
    let text = r#"[pairing]
policy = "opne"
[network]
prt = 1
port = 70000
listen = "here"
[session]
max_sessions = 9
command = "foot"
[encoder]
codecs = ["h264", "h266"]
[fec]
start_percent = 1.5
[[log]]
[wlan]
"#;
    insta::assert_snapshot!(problems(text), @r#"
    2:10: pairing.policy: found "opne", allowed is "require" or "open"
    4:1: network.prt: found an unknown key (did you mean port?), allowed is one of listen, mdns, media_port, port
    5:8: network.port: found 70000, allowed is a whole number from 0 to 65535
    6:10: network.listen: found "here", allowed is an IP address in quotes
    8:16: session.max_sessions: found 9, allowed is a whole number from 1 to 4
    9:11: session.command: found "foot", allowed is a list in brackets, each a text in quotes
    11:19: encoder.codecs.1: found "h266", allowed is "h264"
    13:17: fec.start_percent: found 1.5, allowed is a whole number from 0 to 50
    14:1: log: found a list, allowed is a table of keys
    15:2: wlan: found an unknown key, allowed is one of audio, console, devices, display, encoder, fec, gamestream, host, log, network, pairing, session
    "#);
}

#[test]
fn values_that_do_not_fit_each_other_are_named_with_their_place() {
    let text = r#"host = { name = "a\u001bb", id = "a b" }
[network]
media_port = 9776
mdns.interfaces = ["eth0", ""]
[session]
command = [""]
directory = "games"
environment = { "A=B" = "secret" }
[encoder]
codecs = ["h264", "h264"]
max_bitrate_kbps = 5000
"#;
    insta::assert_snapshot!(problems(text), @r#"
    1:17: host.name: found "a\u{1b}b", allowed is 1 to 63 bytes without control characters
    1:34: host.id: found "a b", allowed is 1 to 64 letters, digits, - or _
    3:14: network.media_port: found 9776 (sessions use 9776 to 9779), allowed is a range without network.port, which is 9777
    4:19: network.mdns.interfaces: found "", allowed is names of network interfaces, as `ip link` lists them
    6:11: session.command: found an empty program name, allowed is a program and its arguments
    7:13: session.directory: found "games", allowed is an absolute path
    8:15: session.environment: found the name "A=B", allowed is names without = and NUL
    9:1: encoder.bitrate_kbps: found 20000, allowed is at most encoder.max_bitrate_kbps, which is 5000
    10:10: encoder.codecs: found a codec twice, allowed is each codec once
    "#);
    let last_port = problems("network.media_port = 65534");
    assert!(last_port.contains("at most 65532: session.max_sessions is 4"), "{last_port}");
}

#[test]
fn the_ports_of_gamestream_leave_the_others_alone_where_it_is_on() {
    let on = "[gamestream]\nenable = true\nport = 40000\n";
    for (other, which) in [
        ("[console]\nport = 39995\n", "console.port"),
        ("[console]\nport = 40021\n", "console.port"),
        ("[network]\nport = 40010\n", "network.port"),
        ("[network]\nport = 40017\n", "network.port"),
        ("[network]\nmedia_port = 40006\n", "network.media_port"),
    ] {
        let said = problems(&format!("{on}{other}"));
        assert!(said.starts_with("3:8: gamestream.port: found 40000") && said.contains(which), "{said}");
        assert!(parse(&format!("{}{other}", on.replace("true", "false"))).is_ok(), "{other}");
    }
    assert!(parse("gamestream.enable = true").is_ok(), "the defaults fit each other");
    let alone = format!("{on}[network]\nport = 40017\n[session]\nmax_sessions = 1\n");
    assert!(parse(&alone).is_ok(), "one session has no further ones");
    assert!(problems("gamestream.port = 65515").contains("a whole number from 1029 to 65514"));
}

#[test]
fn a_display_whose_application_would_run_as_the_hosts_user_is_refused_with_the_session_service() {
    let text = "session.launcher = \"service\"\ndisplay.backend = \"sway\"\n";
    insta::assert_snapshot!(problems(text), @r#"2:19: display.backend: found "sway", allowed is "auto", "embedded" or "gamescope", because session.launcher is "service"; sway needs session.launcher = "child", where the application runs as the host's user"#);
    assert!(parse("display.backend = \"sway\"").is_ok());
}

#[test]
fn what_is_no_toml_is_said_with_its_place() {
    insta::assert_snapshot!(problems("[network]\nport = \n[fec\n"), @r#"
    2:8: this is not TOML: string values must be quoted, expected literal string
    3:5: this is not TOML: unclosed table, expected `]`
    "#);
    insta::assert_snapshot!(problems("log.level = \"info\"\nlog.level = \"info\"\n"), @"2:5: this is not TOML: duplicate key");
}

#[test]
fn a_policy_that_cannot_be_read_never_means_open() {
    for policy in ["\"Open\"", "\"opne\"", "\"open \"", "\"\"", "true", "1", "[\"open\"]", "{}", "open", "\"open"] {
        let output = check(&format!("[pairing]\npolicy = {policy}\n"), &[]);
        assert_eq!(output.status.code(), Some(78), "{policy}");
        assert_eq!(stdout(&output), "", "{policy}");
    }
    for key in ["[pairing]\npolicies = \"open\"", "[paring]\npolicy = \"open\"", "policy = \"open\""] {
        assert!(parse(key).is_err(), "{key}");
    }
}

#[test]
fn no_damage_of_one_byte_opens_a_host_or_panics() {
    let text = EVERY_KEY.replace("policy = \"open\"", "policy = \"require\"");
    for at in 0..text.len() {
        let _ = parse(&text[..at]);
        for byte in ["\0", "\"", "[", "=", "\n", "9", "o"] {
            let damaged = format!("{}{byte}{}", &text[..at], &text[at + 1..]);
            if let Ok(config) = parse(&damaged) {
                assert_eq!(config.pairing.policy, PairingPolicy::Require, "{damaged}");
            }
        }
    }
}

#[test]
fn nesting_without_end_is_a_problem_like_any_other() {
    let dotted = vec!["a"; 200_000].join(".");
    for text in [
        format!("a = {}", "[".repeat(200_000)),
        format!("{dotted} = 1"),
        format!("[{dotted}]"),
        "[[a.b]]\n".repeat(50_000),
    ] {
        let output = check(&text, &[]);
        assert_eq!(output.status.code(), Some(78), "{:.200}", stderr(&output));
    }
}

#[test]
fn check_config_says_so_when_a_file_is_right() {
    let output = check(EVERY_KEY, &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).ends_with("punktfunk.toml: right\n"), "{}", stdout(&output));
}

#[test]
fn check_config_lists_problems_as_compilers_do() {
    let output = check("[network]\nport = -1\n\n[fec]\nstart_percent = 51\n", &[]);
    assert_eq!(output.status.code(), Some(78));
    let lines: Vec<String> = stderr(&output).lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with('/') && lines[0].contains("punktfunk.toml:2:8: network.port: found -1"), "{lines:?}");
    assert!(lines[1].contains("punktfunk.toml:5:17: fec.start_percent: found 51"), "{lines:?}");
}

#[test]
fn check_config_answers_programs_in_json() {
    let right: Value = serde_json::from_str(&stdout(&check(EVERY_KEY, &["--json"]))).unwrap();
    assert_eq!(right["ok"], true);
    assert_eq!(right["config"]["network"]["port"], 9000);
    assert_eq!(right["config"]["session"]["environment"]["LANG"], "(not shown)");

    let output = check("[network]\nport = \"x\"\n", &["--json"]);
    assert_eq!(output.status.code(), Some(78));
    let wrong: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(wrong["ok"], false);
    let problem = &wrong["problems"][0];
    assert_eq!((&problem["line"], &problem["column"]), (&2.into(), &8.into()));
    assert_eq!((&problem["key"], &problem["found"]), (&"network.port".into(), &"\"x\"".into()));
    assert_eq!(problem["allowed"], "a whole number from 0 to 65535");
}

#[test]
fn a_secret_in_the_environment_is_not_repeated() {
    let wrong = problems("[session]\nenvironment = { TOKEN = 31337, \"A\" = \"hunter2\" }\n");
    assert!(wrong.contains("session.environment.TOKEN: found a whole number"), "{wrong}");
    let config = parse("session.environment.TOKEN = \"hunter2\"").unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    let printed = stdout(&check("session.environment.TOKEN = \"hunter2\"", &["--json"]));
    assert!(!printed.contains("hunter2"), "{printed}");
}

#[test]
fn a_named_file_must_exist_and_be_text() {
    let home = Home::new("");
    let missing = load::load(Some(&home.path().join("none.toml"))).unwrap_err().to_string();
    assert!(missing.contains("none.toml") && missing.contains("create it"), "{missing}");
    assert!(load::load(Some(home.path())).is_err(), "a directory");

    fs::write(home.config(), b"# ok\nname = \"\xff\"\n").unwrap();
    let bytes = load::load(Some(&home.config())).unwrap_err().to_string();
    assert!(bytes.contains(":2:9: this is not TOML: it must be UTF-8"), "{bytes}");

    fs::write(home.config(), "#".repeat((1 << 20) + 1)).unwrap();
    let large = load::load(Some(&home.config())).unwrap_err().to_string();
    assert!(large.contains("more than 1048576 bytes"), "{large}");
}
