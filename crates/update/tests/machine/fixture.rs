//! A machine with two slots: a disk image with a real partition table, a boot menu, and the real service at a real socket,
//! with the real systemd-sysupdate and gpgv. Only the boot loader and the reboot are played.
#![allow(unreachable_pub, reason = "a module of a test")]

use std::{
    fs,
    os::{fd::OwnedFd, unix::fs::PermissionsExt as _, unix::net::UnixListener},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use punktfunk_update::{
    client::{self, ClientError},
    model::{Answer, OfferedBy, Request, UpdateOffer, UpdateRefusalCode, UpdateStatus},
};

/// Long enough for a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
const PROGRAM: &str = env!("CARGO_BIN_EXE_punktfunk-update");

pub struct Machine {
    pub dir: tempfile::TempDir,
    pub keys: Keys,
    child: Option<Child>,
    boots: u32,
}

impl Machine {
    /// Version 1 runs from the first slot, the second is empty.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // curl runs as nobody and reads nothing here; gpgv and sysupdate are ours.
        let at = |name: &str| dir.path().join(name);
        for folder in ["repart", "definitions", "source", "esp/EFI/Linux", "efivars", "state"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at("os-release"), "ID=debian\nIMAGE_ID=punktfunk\nIMAGE_VERSION=1\n").unwrap();
        fs::write(at("boot-id"), "boot-0\n").unwrap();
        fs::write(at("packages"), "foot 1.20\nlibc6 2.41\n").unwrap();
        fs::write(at("esp/EFI/Linux/punktfunk_1.efi"), "kernel 1").unwrap();
        fs::write(at("update.toml"), format!("source = \"{}\"\n", at("source").display())).unwrap();
        fs::write(at("systemctl"), format!("#!/bin/sh\necho \"$@\" >>'{}'\n", at("reboots").display())).unwrap();
        fs::set_permissions(at("systemctl"), fs::Permissions::from_mode(0o755)).unwrap();
        let keys = Keys::new();
        fs::copy(keys.home.path().join("keyring.gpg"), at("keyring.gpg")).unwrap();
        let machine = Self { dir, keys, child: None, boots: 0 };
        machine.partition();
        machine.define();
        machine
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The partition table that the image has: two slots of a root and its hashes.
    fn partition(&self) {
        let slots = [
            ("root-verity", "punktfunk_1_verity", 1),
            ("root", "punktfunk_1", 2),
            ("root-verity", "_empty", 1),
            ("root", "_empty", 2),
        ];
        for (number, (kind, label, mib)) in slots.into_iter().enumerate() {
            let text = format!("[Partition]\nType={kind}\nLabel={label}\nSizeMinBytes={mib}M\nSizeMaxBytes={mib}M\n");
            fs::write(self.path(&format!("repart/{number}.conf")), text).unwrap();
        }
        let made = Command::new(sysupdate().with_file_name("systemd-repart"))
            .args(["--empty=create", "--size=8M", "--dry-run=no"])
            .arg(format!("--definitions={}", self.path("repart").display()))
            .arg(self.path("disk.img"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    /// What goes where, as the image says it, with this machine's disk.
    fn define(&self) {
        let partition = |part: &str, label: &str, kind: &str| {
            format!(
                "[Transfer]\nProtectVersion=1\n[Source]\nType=url-file\nPath=https://updates.invalid/\n\
                 MatchPattern=punktfunk_@v_@u.{part}.raw\n[Target]\nType=partition\nPath={}\nMatchPattern={label}\n\
                 MatchPartitionType={kind}\nPartitionFlags=0\nReadOnly=1\n",
                self.path("disk.img").display()
            )
        };
        let kernel = format!(
            "[Transfer]\nProtectVersion=1\n[Source]\nType=regular-file\nPath=/nowhere\nMatchPattern=punktfunk_@v.efi\n\
             [Target]\nType=regular-file\nPath={}\nMatchPattern=punktfunk_@v+@l-@d.efi punktfunk_@v+@l.efi punktfunk_@v.efi\n\
             Mode=0444\nTriesLeft=2\nTriesDone=0\nInstancesMax=2\n",
            self.path("esp/EFI/Linux").display()
        );
        let define =
            |name: &str, text: String| fs::write(self.path(&format!("definitions/{name}.transfer")), text).unwrap();
        define("50-verity", partition("verity", "punktfunk_@v_verity", "root-verity"));
        define("60-root", partition("root", "punktfunk_@v", "root"));
        define("70-kernel", kernel);
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        let places = [
            ("--state-dir", "state"),
            ("--config", "update.toml"),
            ("--keyring", "keyring.gpg"),
            ("--definitions", "definitions"),
            ("--packages", "packages"),
            ("--os-release", "os-release"),
            ("--boot-id", "boot-id"),
            ("--efivars", "efivars"),
            ("--esp", "esp"),
            ("--systemctl", "systemctl"),
        ];
        for (option, name) in places {
            command.arg(option).arg(self.path(name));
        }
        command.arg("--sysupdate").arg(sysupdate()).args(args);
        command
    }

    pub fn socket(&self) -> PathBuf {
        self.path("update.sock")
    }

    /// The service, as systemd starts it: the listening socket is its standard input.
    pub fn start(&mut self) {
        self.kill();
        let _ = fs::remove_file(self.socket());
        let listener = UnixListener::bind(self.socket()).unwrap();
        let child = self.command(&["serve"]).stdin(OwnedFd::from(listener)).spawn().unwrap();
        self.child = Some(child);
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn ask(&self, request: &Request) -> Result<Answer, ClientError> {
        client::ask(&self.socket(), request, PATIENCE)
    }

    pub fn status(&self) -> UpdateStatus {
        match self.ask(&Request::Status).unwrap() {
            Answer::Status(status) => *status,
            other => panic!("{other:?}"),
        }
    }

    pub fn check(&self, from: OfferedBy) -> Result<UpdateOffer, UpdateRefusalCode> {
        match self.ask(&Request::Check { from }) {
            Ok(Answer::Offer(offer)) => Ok(*offer),
            Err(ClientError::Refused(refusal)) => Err(refusal.code),
            other => panic!("{other:?}"),
        }
    }

    /// Checks and stages; the status when that has ended.
    pub fn stage(&self, version: &str) -> UpdateStatus {
        self.check(OfferedBy::Source).unwrap();
        self.ask(&Request::Stage { version: version.parse().unwrap() }).unwrap();
        self.settled()
    }

    /// The status once nothing is under way.
    pub fn settled(&self) -> UpdateStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.status();
            if status.work.is_none() {
                return status;
            }
            assert!(Instant::now() < deadline, "{status:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What the boot loader does: takes the newest entry that has tries left or needs none, and counts.
    pub fn boot(&mut self) -> String {
        self.kill();
        self.boots += 1;
        fs::write(self.path("boot-id"), format!("boot-{}\n", self.boots)).unwrap();
        let variable = self.path("efivars").join("LoaderBootCountPath-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f");
        let _ = fs::remove_file(&variable);
        let entries = self.entries();
        let good = |name: &&String| !name.contains("+0");
        let chosen = entries.iter().filter(good).max().expect("an entry").clone();
        let version =
            chosen.trim_start_matches("punktfunk_").trim_end_matches(".efi").split('+').next().unwrap().to_owned();
        if let Some((stem, counter)) = chosen.trim_end_matches(".efi").split_once('+') {
            let (left, done) = counter.split_once('-').unwrap_or((counter, "0"));
            let (left, done): (u32, u32) = (left.parse().unwrap(), done.parse().unwrap());
            let counted = format!("{stem}+{}-{}.efi", left - 1, done + 1);
            self.rename(&chosen, &counted);
            let path = format!("\\EFI\\Linux\\{counted}\0");
            let units = path.encode_utf16().flat_map(u16::to_le_bytes);
            fs::write(variable, [6, 0, 0, 0].into_iter().chain(units).collect::<Vec<u8>>()).unwrap();
        }
        fs::write(self.path("os-release"), format!("IMAGE_ID=\"punktfunk\"\nIMAGE_VERSION=\"{version}\"\n")).unwrap();
        version
    }

    /// What systemd-bless-boot does.
    pub fn bless(&self, version: &str) {
        let of_version = |name: &String| name.starts_with(&format!("punktfunk_{version}+"));
        let counted = self.entries().into_iter().find(of_version).unwrap();
        self.rename(&counted, &format!("punktfunk_{version}.efi"));
    }

    fn rename(&self, from: &str, to: &str) {
        let folder = self.path("esp/EFI/Linux");
        fs::rename(folder.join(from), folder.join(to)).unwrap();
    }

    pub fn entries(&self) -> Vec<String> {
        let folder = fs::read_dir(self.path("esp/EFI/Linux")).unwrap();
        let mut names: Vec<String> = folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// What punktfunk-gate.service runs after the check, with what the check left.
    pub fn verdict(&self, report: Option<&str>, result: &str) -> Output {
        let path = self.path("report.json");
        let _ = fs::remove_file(&path);
        if let Some(report) = report {
            fs::write(&path, report).unwrap();
        }
        let output = self.command(&["verdict", "--result", result, "--report"]).arg(&path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// How often the machine was to be started anew.
    pub fn reboots(&self) -> usize {
        fs::read_to_string(self.path("reboots"))
            .unwrap_or_default()
            .lines()
            .filter(|line| line.contains("reboot"))
            .count()
    }

    /// Labels of the partitions, in their order on the disk (GPT: entries where the header says).
    pub fn labels(&self) -> Vec<String> {
        let disk = fs::read(self.path("disk.img")).unwrap();
        let first = u64::from_le_bytes(disk[512 + 72..512 + 80].try_into().unwrap()) as usize * 512;
        let label = |entry: &[u8]| {
            let units: Vec<u16> = entry[56..128].chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
            String::from_utf16_lossy(&units).trim_end_matches('\0').to_owned()
        };
        disk[first..].chunks(128).take(4).map(label).collect()
    }

    /// What the second slot holds, from its beginning.
    pub fn second_root(&self) -> Vec<u8> {
        let disk = fs::read(self.path("disk.img")).unwrap();
        disk[5 << 20..7 << 20].to_vec()
    }

    /// A release in the configured source.
    pub fn offer(&self, version: &str) {
        self.keys.release(&self.path("source"), "punktfunk", version);
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Two keys, of which the machine knows the first.
pub struct Keys {
    home: tempfile::TempDir,
}

pub const OURS: &str = "ours@example.org";
pub const THEIRS: &str = "theirs@example.org";

impl Keys {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let keys = Self { home };
        for key in [OURS, THEIRS] {
            keys.gpg(&["--quick-gen-key", key, "ed25519", "sign", "never"], keys.home.path());
        }
        keys.gpg(&["--output", "keyring.gpg", "--export", OURS], keys.home.path());
        keys
    }

    /// Files of an update as the image's build makes them, signed by our key.
    pub fn release(&self, folder: &Path, image: &str, version: &str) {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).unwrap();
        let uuid = |kind: u8| format!("{kind:08x}-6b3f-4c1c-9c8e-{:012x}", version.bytes().map(u64::from).sum::<u64>());
        let write =
            |rest: &str, content: String| fs::write(folder.join(format!("{image}_{version}{rest}")), content).unwrap();
        write(".efi", format!("kernel {version}"));
        write(&format!("_{}.root.raw", uuid(1)), format!("root {version} ").repeat(60_000));
        write(&format!("_{}.verity.raw", uuid(2)), format!("hashes {version} ").repeat(5_000));
        write(".packages", "libc6\t2.42\tamd64\t9\nfoot\t1.20\tamd64\t1\nmesa\t25\tamd64\t3\n".into());
        write(".raw", "the whole disk, which nobody fetches".into());
        list(folder);
        self.sign(folder, OURS);
    }

    pub fn sign(&self, folder: &Path, key: &str) {
        let _ = fs::remove_file(folder.join("SHA256SUMS.gpg"));
        self.gpg(&["--local-user", key, "--output", "SHA256SUMS.gpg", "--detach-sign", "SHA256SUMS"], folder);
    }

    fn gpg(&self, args: &[&str], folder: &Path) {
        let mut command = Command::new("gpg");
        command.arg("--homedir").arg(self.home.path()).args(["--batch", "--yes", "--pinentry-mode", "loopback"]);
        command.args(["--passphrase", ""]).args(args).current_dir(folder).stdin(Stdio::null());
        let output = command.output().expect("gpg is installed (make setup)");
        assert!(output.status.success(), "gpg {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // gpg leaves an agent running.
        let _ = Command::new("gpgconf").arg("--homedir").arg(self.home.path()).args(["--kill", "all"]).status();
    }
}

/// Writes `SHA256SUMS` as sha256sum does.
pub fn list(folder: &Path) {
    let mut command = Command::new("sh");
    command.args(["-c", "sha256sum *_* >SHA256SUMS"]).current_dir(folder);
    assert!(command.status().unwrap().success());
}

/// Debian trixie's systemd-sysupdate, which the images ship.
pub fn sysupdate() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/scripts/sysupdate-setup.sh");
        let output = Command::new(script).stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "systemd-sysupdate cannot be had");
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    })
}
