//! What the owner sees of updates: `ctl update`, the fault of one that was taken back. The real update service runs in this
//! process, over a machine of files; what it does to slots is tested with it.

use std::{
    fs,
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use punktfunk_update::{places::Places, service};

use crate::fixture::{Host, PROGRAM, SYNTHETIC, configure, serve};

/// A machine that runs version 1; `entries` are in its boot menu.
fn machine(dir: &Path, entries: &[&str]) -> Places {
    let at = |name: &str| -> PathBuf { dir.join(name) };
    fs::create_dir_all(at("esp/EFI/Linux")).unwrap();
    fs::create_dir_all(at("update")).unwrap();
    fs::write(at("os-release"), "IMAGE_ID=punktfunk\nIMAGE_VERSION=1\n").unwrap();
    fs::write(at("boot-id"), "boot\n").unwrap();
    for entry in entries {
        fs::write(at("esp/EFI/Linux").join(entry), "").unwrap();
    }
    Places {
        state_dir: at("update"),
        config: at("update.toml"),
        keyring: at("keyring.gpg"),
        definitions: at("definitions"),
        packages: at("packages"),
        os_release: at("os-release"),
        boot_id: at("boot-id"),
        efivars: at("efivars"),
        esp: vec![at("esp")],
        profiles: at("profiles"),
        booted: at("booted"),
        sysupdate: at("sysupdate"),
        gpgv: "/usr/bin/gpgv".into(),
        curl: "/usr/bin/curl".into(),
        systemctl: "/bin/true".into(),
    }
}

fn start_service(dir: &Path, places: Places) {
    let listener = UnixListener::bind(dir.join("update.sock")).unwrap();
    std::thread::spawn(move || {
        service::serve(&listener, &service::Service::new(places), Duration::from_secs(600)).unwrap();
    });
}

fn host(dir: &Path) -> Host {
    configure(dir, &format!("{}\n{SYNTHETIC}", crate::fixture::BASE));
    let mut command = serve(Command::new(PROGRAM), dir);
    command.arg("--update-socket").arg(dir.join("update.sock")).arg("--update-state-dir").arg(dir.join("update"));
    Host::run(dir, command)
}

fn ctl_update(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.env("LC_ALL", "C").args(["ctl", "update", "--socket"]).arg(dir.join("update.sock")).args(args);
    command.output().unwrap()
}

fn warnings(host: &Host) -> String {
    host.ctl_json(&["status"])["warnings"].to_string()
}

#[test]
fn an_update_that_was_taken_back_is_a_fault_with_its_reason_until_the_owner_has_read_it() {
    let dir = tempfile::tempdir().unwrap();
    let places = machine(dir.path(), &["punktfunk_1.efi", "punktfunk_2+0-3.efi"]);
    // What the trial left: the boot menu says that its tries are used up, the state why.
    let state = r#"{"staged":{"version":"2","from":"1","failures":[
        {"boot":"a","tries_left":0,"part":"stream","reason":"no configured display works"}]}}"#;
    fs::write(places.state(), state).unwrap();
    start_service(dir.path(), places);
    let host = host(dir.path());
    let deadline = std::time::Instant::now() + crate::fixture::PATIENCE;
    while !warnings(&host).contains("taken back") {
        assert!(std::time::Instant::now() < deadline, "{}\n{}", warnings(&host), host.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(warnings(&host).contains("no configured display works"), "{}", warnings(&host));
    let shown = String::from_utf8(ctl_update(dir.path(), &[]).stdout).unwrap();
    assert!(shown.contains("2 (failed)") && shown.contains("was taken back; 1 runs again"), "{shown}");
    assert!(ctl_update(dir.path(), &["dismiss"]).status.success());
    // The host looks again by itself; a self test looks at once.
    host.ctl(&["doctor"]);
    assert!(!warnings(&host).contains("taken back"), "{}", warnings(&host));
}

#[test]
fn ctl_says_what_is_wrong_with_an_update_by_its_exit_code_and_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let absent = ctl_update(dir.path(), &["status"]);
    assert_eq!(absent.status.code(), Some(69));
    assert!(String::from_utf8_lossy(&absent.stderr).contains("no update service"), "{absent:?}");
    start_service(dir.path(), machine(dir.path(), &["punktfunk_1.efi"]));
    assert_eq!(ctl_update(dir.path(), &["check"]).status.code(), Some(68), "no source is configured");
    let stick = dir.path().join("stick");
    fs::create_dir(&stick).unwrap();
    fs::write(stick.join("SHA256SUMS"), format!("{}  punktfunk_2.efi\n", "00".repeat(32))).unwrap();
    fs::write(stick.join("punktfunk_2.efi"), "kernel").unwrap();
    let unsigned = ctl_update(dir.path(), &["stage", "--from", stick.to_str().unwrap(), "--json"]);
    assert_eq!(unsigned.status.code(), Some(65), "{unsigned:?}");
    let answer: serde_json::Value = serde_json::from_slice(&unsigned.stdout).unwrap();
    assert_eq!(answer["code"], "unsigned");
    let nothing = ctl_update(dir.path(), &["apply"]);
    assert_eq!(nothing.status.code(), Some(68));
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("nothing is staged"), "{nothing:?}");
}

#[test]
fn the_owner_brings_files_over_the_api_and_is_told_what_is_wrong_with_them() {
    let dir = tempfile::tempdir().unwrap();
    let places = machine(dir.path(), &["punktfunk_1.efi"]);
    let offer = places.offer();
    fs::write(&places.keyring, "").unwrap();
    start_service(dir.path(), places);
    let token = "a-token-of-thirty-two-characters-and-more";
    fs::write(dir.path().join("token"), token).unwrap();
    fs::set_permissions(dir.path().join("token"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let base = crate::fixture::BASE
        .replace("[console]\n", &format!("[console]\ntoken_file = \"{}\"\n", dir.path().join("token").display()));
    configure(dir.path(), &format!("{base}\n{SYNTHETIC}"));
    let mut command = serve(Command::new(PROGRAM), dir.path());
    command
        .arg("--update-socket")
        .arg(dir.path().join("update.sock"))
        .arg("--update-state-dir")
        .arg(dir.path().join("update"));
    let host = Host::run(dir.path(), command);
    fs::write(dir.path().join("password"), "a password of some length\n").unwrap();
    assert!(host.ctl(&["claim", "--password-file", dir.path().join("password").to_str().unwrap()]).status.success());
    let console = host.ctl_json(&["status"])["console"].as_str().unwrap().to_owned();
    let curl = |method: &str, path: &str, kind: &str, body: &str| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--insecure", "--request", method, "--data-binary", body]);
        curl.args([
            "--header",
            &format!("Authorization: Bearer {token}"),
            "--header",
            &format!("Content-Type: {kind}"),
        ]);
        String::from_utf8(curl.arg(format!("https://{console}/api/v1/update{path}")).output().unwrap().stdout).unwrap()
    };
    let status = curl("GET", "", "application/json", "");
    assert!(status.contains(r#""running":"1""#), "{status}");
    assert_eq!(curl("DELETE", "/files", "application/json", ""), "");
    assert_eq!(curl("PUT", "/files/SHA256SUMS?offset=0&last=false", "application/octet-stream", "half "), "");
    assert_eq!(curl("PUT", "/files/SHA256SUMS?offset=5&last=true", "application/octet-stream", "of it"), "");
    assert_eq!(fs::read_to_string(offer.join("SHA256SUMS")).unwrap(), "half of it");
    let wrong = curl("PUT", "/files/SHA256SUMS?offset=99&last=true", "application/octet-stream", "x");
    assert!(wrong.contains("bring the file again"), "{wrong}");
    let elsewhere = curl("PUT", "/files/..%2Fstate.json?offset=0&last=true", "application/octet-stream", "{}");
    assert!(elsewhere.contains("its name has other letters"), "{elsewhere}");
    let unsigned = curl("POST", "/check", "application/json", r#"{"from":"files"}"#);
    assert!(unsigned.contains(r#""code":"refused""#) && unsigned.contains("no signature"), "{unsigned}");
    let nothing = curl("POST", "/apply", "application/json", "");
    assert!(nothing.contains("nothing is staged"), "{nothing}");
}
