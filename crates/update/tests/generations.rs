//! A NixOS machine: links of generations, a boot menu as `nixos-rebuild boot` writes it, and the real program. Only the boot
//! loader and the reboot are played.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::PathBuf,
    process::{Command, Output},
};

use punktfunk_update::{
    model::{GatePart, UpdateOutcome},
    places::state_file,
    state::State,
    store,
};

struct Machine(tempfile::TempDir);

impl Machine {
    /// Generation 142 runs and was proven.
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        for folder in ["esp/loader/entries", "efivars", "profiles", "state"] {
            fs::create_dir_all(machine.path(folder)).unwrap();
        }
        fs::write(machine.path("os-release"), "ID=nixos\nVERSION_ID=\"26.11\"\n").unwrap();
        fs::write(machine.path("boot-id"), "a boot\n").unwrap();
        let systemctl = format!("#!/bin/sh\necho \"$@\" >>'{}'\n", machine.path("reboots").display());
        fs::write(machine.path("systemctl"), systemctl).unwrap();
        fs::set_permissions(machine.path("systemctl"), fs::Permissions::from_mode(0o755)).unwrap();
        machine.generation(142, "");
        machine.boot(142, None);
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `nixos-rebuild boot`.
    fn generation(&self, number: u32, tries: &str) {
        let system = self.path(&format!("system-of-{number}"));
        fs::create_dir(&system).unwrap();
        symlink(&system, self.path(&format!("profiles/system-{number}-link"))).unwrap();
        let _ = fs::remove_file(self.path("profiles/system"));
        symlink(format!("system-{number}-link"), self.path("profiles/system")).unwrap();
        let text = format!("title NixOS\nversion Generation {number} NixOS 26.11, built on a day\n");
        fs::write(self.entry(number, tries), text).unwrap();
    }

    fn entry(&self, number: u32, tries: &str) -> PathBuf {
        self.path(&format!("esp/loader/entries/nixos-{number:064x}{tries}.conf"))
    }

    /// What systemd-boot leaves: the entry's new name, and in the firmware's variable what that was for this boot.
    fn boot(&self, number: u32, tries: Option<(&str, &str)>) {
        let variable = self.path("efivars/LoaderBootCountPath-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f");
        let _ = fs::remove_file(&variable);
        let _ = fs::remove_file(self.path("booted"));
        symlink(self.path(&format!("system-of-{number}")), self.path("booted")).unwrap();
        if let Some((before, after)) = tries {
            fs::rename(self.entry(number, before), self.entry(number, after)).unwrap();
            let name = format!("\\loader\\entries\\nixos-{number:064x}{after}.conf\0");
            let text = name.encode_utf16().flat_map(u16::to_le_bytes);
            fs::write(variable, [6, 0, 0, 0].into_iter().chain(text).collect::<Vec<u8>>()).unwrap();
        }
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_punktfunk-update"));
        let places = [
            ("--state-dir", "state"),
            ("--os-release", "os-release"),
            ("--boot-id", "boot-id"),
            ("--efivars", "efivars"),
            ("--esp", "esp"),
            ("--profiles", "profiles"),
            ("--booted", "booted"),
            ("--systemctl", "systemctl"),
        ];
        for (option, name) in places {
            command.arg(option).arg(self.path(name));
        }
        let output = command.args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn judge(&self, passed: bool) {
        let report = self.path("report.json");
        let part = format!("{{\"part\":\"stream\",\"passed\":{passed},\"found\":\"no frame came\"}}");
        fs::write(&report, format!("{{\"passed\":{passed},\"took_ms\":1,\"parts\":[{part}]}}")).unwrap();
        self.run(&["verdict", "--report", report.to_str().unwrap(), "--result", "exit-code/1"]);
    }

    fn state(&self) -> State {
        store::load(&state_file(&self.path("state")))
    }

    fn reboots(&self) -> usize {
        fs::read_to_string(self.path("reboots")).unwrap_or_default().lines().count()
    }
}

#[test]
fn a_generation_that_does_not_stream_is_taken_back_and_the_reason_is_kept_until_it_was_read() {
    let machine = Machine::new();
    machine.run(&["apply"]);
    assert_eq!(machine.reboots(), 0, "nothing waits");
    machine.generation(143, "+2");
    machine.run(&["apply"]);
    assert_eq!(machine.reboots(), 1);
    for (before, after, reboots) in [("+2", "+1-1", 2), ("+1-1", "+0-2", 3)] {
        machine.boot(143, Some((before, after)));
        machine.run(&["observe"]);
        machine.judge(false);
        assert_eq!(machine.reboots(), reboots);
    }

    machine.boot(142, None);
    let said = String::from_utf8(machine.run(&["observe"]).stderr).unwrap();
    assert!(said.contains("143 was taken back, 142 runs again: no frame came"), "{said}");
    let Some(UpdateOutcome::TakenBack { version, from, part, tries, dismissed: false, .. }) = machine.state().last
    else {
        panic!("{:?}", machine.state())
    };
    assert_eq!((version.as_str(), from.as_str(), part, tries), ("143", "142", Some(GatePart::Stream), 2));
    machine.judge(false);
    machine.run(&["apply"]);
    assert_eq!(machine.reboots(), 3, "what runs again is no trial, and what failed is not tried again");
    machine.run(&["dismiss"]);
    assert!(matches!(machine.state().last, Some(UpdateOutcome::TakenBack { dismissed: true, .. })));
}

#[test]
fn a_generation_that_streams_stays_and_one_that_never_came_so_far_says_so() {
    let machine = Machine::new();
    machine.generation(143, "+2");
    machine.run(&["observe"]);
    machine.boot(143, Some(("+2", "+1-1")));
    machine.judge(true);
    assert_eq!(machine.reboots(), 0);
    // systemd-bless-boot.
    fs::rename(machine.entry(143, "+1-1"), machine.entry(143, "")).unwrap();
    machine.run(&["observe"]);
    assert!(matches!(machine.state().last, Some(UpdateOutcome::Kept { .. })), "{:?}", machine.state());
    machine.judge(false);
    assert_eq!(machine.reboots(), 0, "it was proven: what fails now is what the machine was switched to");

    machine.generation(144, "+1");
    machine.run(&["observe"]);
    machine.boot(144, Some(("+1", "+0-1")));
    machine.boot(143, None);
    machine.run(&["observe"]);
    let Some(UpdateOutcome::TakenBack { reason, part: None, .. }) = machine.state().last else {
        panic!("{:?}", machine.state())
    };
    assert!(reason.contains("did not come as far as the health check"), "{reason}");
}

#[test]
fn the_first_generation_of_a_machine_is_left_running_when_it_fails() {
    let machine = Machine::new();
    fs::rename(machine.entry(142, ""), machine.entry(142, "+3")).unwrap();
    machine.boot(142, Some(("+3", "+2-1")));
    machine.judge(false);
    assert_eq!(machine.reboots(), 0, "there is nothing to go back to");
}
