//! A host that cannot start says why and what to do, and leaves what is stored as it is.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    net::UdpSocket,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
};

use punktfunk_proto::{session::client_pairing::PairingOutcome, units::Fingerprint};
use punktfunk_transport::Client;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::time::sleep;

use crate::fixture::{BASE, Device, Failure, Host, PATIENCE, PROGRAM, SYNTHETIC, Session, configure, hello, serve};

/// What a host left behind that has paired a device and was stopped.
struct Stored {
    dir: tempfile::TempDir,
    identity: Fingerprint,
    device: Device,
}

impl Stored {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut host = Host::start_in(dir.path(), SYNTHETIC);
        let device = Device::new("Old friend");
        device.pair_now(&host).await;
        let identity = host.fingerprint();
        assert!(host.stop().success());
        Self { dir, identity, device }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn state(&self, name: &str) -> PathBuf {
        self.path().join("state").join(name)
    }

    fn configure(&self, extra: &str) {
        configure(self.path(), &format!("{BASE}{SYNTHETIC}{extra}"));
    }

    /// The device gets in without a prompt, at the host it has pinned.
    async fn works(&self, host: &Host) {
        assert_eq!(host.fingerprint(), self.identity);
        let connect = Client::connect(host.address, Some(&self.device.identity), Some(self.identity), PATIENCE);
        Session::over(connect.await.unwrap(), &hello("320x240@30")).welcome().await;
    }

    /// With what was broken put right, the host starts and knows what it knew.
    async fn works_again(&self) {
        self.works(&Host::start_in(self.path(), SYNTHETIC)).await;
    }

    /// Every file of the state directory.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let folders = [self.state(""), self.state("identity")];
        let entries = folders.iter().filter_map(|folder| folder.read_dir().ok()).flatten();
        let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }

    fn serve(&self) -> Command {
        serve(Command::new(PROGRAM), self.path())
    }

    /// The host does not start: `code` and all of `words` say why.
    fn refuses(&self, code: i32, words: &[&str]) {
        self.refuses_as(self.serve(), code, words);
    }

    fn refuses_as(&self, command: Command, code: i32, words: &[&str]) {
        match Host::try_run(self.path(), command) {
            Ok(_) => panic!("the host started; {words:?} were to be said"),
            Err(failure) => failure.says(code, words),
        }
    }
}

impl Failure {
    fn says(&self, code: i32, words: &[&str]) {
        let Self { code: found, said } = self;
        assert_eq!(*found, Some(code), "{said}");
        for word in words {
            assert!(said.contains(word), "{word:?} is missing in: {said}");
        }
        assert!(!said.contains("panicked"), "{said}");
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named_with_what_to_do() {
    let stored = Stored::new().await;
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    configure(stored.path(), &(BASE.replace("port = 0", &format!("port = {port}")) + SYNTHETIC));
    stored.refuses(71, &[&format!("UDP port {port} is in use"), "stop it", "ss -ulpn", "network.port"]);
    drop(other);
    let host = Host::run(stored.path(), stored.serve());
    assert_eq!(host.address.port(), port);
    stored.works(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_another_machine_is_named_with_what_to_do() {
    let stored = Stored::new().await;
    configure(stored.path(), &(BASE.replace("127.0.0.1", "192.0.2.1") + SYNTHETIC));
    stored.refuses(71, &["192.0.2.1", "not an address of this machine", "network.listen", "0.0.0.0"]);
    stored.works_again().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_directory_of_another_user_is_refused_with_both_users_named() {
    if !is_root() {
        eprintln!("skipped: only root can give a directory to another user");
        return;
    }
    let stored = Stored::new().await;
    for part in ["", "state.db", "identity", "identity/key.pem"] {
        chown(stored.state(part), Some(65_534), None).unwrap();
        let code = if part.is_empty() { 73 } else { 65 };
        let path = stored.state(part);
        stored.refuses(code, &["belongs to user 65534", "as user 0", path.to_str().unwrap().trim_end_matches('/')]);
        chown(stored.state(part), Some(0), None).unwrap();
    }
    stored.works_again().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_directory_that_is_read_only_is_named_with_what_to_do() {
    let stored = Stored::new().await;
    let words = ["state directory", "cannot be written", "mend that", "--state-dir"];
    if is_root() {
        let script = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" && shift && exec \"$@\"";
        stored.refuses_as(in_own_mounts(script, &stored.state(""), stored.path()), 73, &words);
    } else {
        fs::set_permissions(stored.state(""), fs::Permissions::from_mode(0o500)).unwrap();
        stored.refuses(73, &words);
        fs::set_permissions(stored.state(""), fs::Permissions::from_mode(0o700)).unwrap();
    }
    stored.works_again().await;
}

/// The host in `dir`, started by `script` (with `argument`) that may mount what it likes.
fn in_own_mounts(script: &str, argument: &Path, dir: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"]).arg(argument).arg(PROGRAM);
    serve(command, dir)
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_pairing_fails_in_words_and_nothing_else_does() {
    if !is_root() {
        eprintln!("skipped: only root can mount a small disk");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    fs::create_dir(&state).unwrap();
    configure(dir.path(), &format!("{BASE}{SYNTHETIC}"));
    let script = "mount -t tmpfs -o size=512k,mode=0700 tmpfs \"$1\" && shift && exec \"$@\"";
    let host = Host::run(dir.path(), in_own_mounts(script, &state, dir.path()));
    let (first, second) = (Device::new("First"), Device::new("Second"));
    first.pair_now(&host).await;

    let filler = format!("/proc/{}/root{}/filler", host.pid(), state.display());
    fill(&filler);
    sleep(COOLDOWN).await;
    let pin = host.arm();
    assert_eq!(second.pair(&host, &pin).await, PairingOutcome::NotStored, "{}", host.log());
    assert!(host.log().contains("is full. Make room and try again"), "{}", host.log());
    assert_eq!(host.ctl_json(&["devices", "list"])["devices"].as_array().unwrap().len(), 1);
    first.hello(&host).await.welcome().await;
    let mut knock = second.hello(&host).await;
    let pending = host.wait_for_count(&["pending"], "knocks", 1).await;
    let id = pending["knocks"][0]["id"].to_string();
    assert!(!host.ctl(&["approve", &id]).status.success(), "an approval that cannot be stored is none");

    fs::remove_file(&filler).unwrap();
    host.ctl_json(&["approve", &id]);
    knock.welcome().await;
}

/// One source may try a PIN this often.
const COOLDOWN: std::time::Duration = std::time::Duration::from_millis(2_100);

fn fill(path: &str) {
    let mut file = fs::File::create(path).unwrap();
    while file.write_all(&[0; 512]).is_ok() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_is_refused_untouched_and_a_backup_brings_everything_back() {
    let stored = Stored::new().await;
    let path = stored.state("state.db");
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    let fingerprint = *stored.device.fingerprint().as_bytes();
    let at = flipped.windows(32).position(|window| window == fingerprint).expect("the device is in the file");
    flipped[at] ^= 0x10;
    let damages: [&[u8]; 6] =
        [b"", &whole[..100], &whole[..whole.len() / 2], &flipped, b"\x89PNG\r\n\x1a\n and so on", &[0; 16_384]];
    for damaged in damages {
        fs::write(&path, damaged).unwrap();
        stored.refuses(65, &["state.db", "is damaged", "Nobody is let in", "from a backup", "paired again"]);
        assert_eq!(fs::read(&path).unwrap(), damaged, "the evidence is left as it is");
    }
    fs::write(&path, &whole).unwrap();
    stored.works_again().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_flipped_bit_of_the_database_changes_who_is_let_in() {
    let stored = Stored::new().await;
    let path = stored.state("state.db");
    let whole = fs::read(&path).unwrap();
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    for _ in 0..12 {
        let mut flipped = whole.clone();
        let (byte, bit) = (rng.random_range(0..whole.len()), rng.random_range(0..8));
        flipped[byte] ^= 1 << bit;
        fs::write(&path, &flipped).unwrap();
        match Host::try_run(stored.path(), stored.serve()) {
            Err(failure) => failure.says(65, &["state.db"]),
            // It was a bit that means nothing.
            Ok(mut host) => {
                stored.works(&host).await;
                assert_eq!(host.ctl_json(&["devices", "list"])["devices"].as_array().unwrap().len(), 1);
                assert!(host.stop().success());
            }
        }
    }
    fs::write(&path, &whole).unwrap();
    stored.works_again().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_database_is_no_fresh_start() {
    let stored = Stored::new().await;
    let path = stored.state("state.db");
    let whole = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    stored.refuses(65, &["state.db", "is missing", "has run before", "from a backup", "paired again"]);
    assert!(!path.exists());
    fs::write(&path, &whole).unwrap();
    stored.refuses(65, &["state.db", "other users can reach it", "chmod 0600"]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    stored.works_again().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_that_is_not_whole_is_never_made_anew() {
    let stored = Stored::new().await;
    let (key, certificate) = (stored.state("identity/key.pem"), stored.state("identity/certificate.pem"));
    let files = stored.files();
    let other = Stored::new().await;
    let foreign = other.files();

    fs::remove_file(&key).unwrap();
    stored.refuses(65, &["identity", "is incomplete", "key.pem", "from a backup", "paired again"]);
    fs::remove_dir_all(stored.state("identity")).unwrap();
    stored.refuses(65, &["identity", "is gone", "from a backup", "paired again"]);
    assert!(!stored.state("identity").exists());

    make_folder(&stored.state("identity"));
    write_private(&certificate, &foreign[&other.state("identity/certificate.pem")]);
    write_private(&key, &foreign[&other.state("identity/key.pem")]);
    let (known, found) = (stored.identity.to_string(), other.identity.to_string());
    stored.refuses(65, &["identity", &known, &found, "paired clients know this host", "from a backup"]);
    write_private(&key, &files[&key]);
    stored.refuses(65, &["identity", "is damaged", "belongs to a different key", "from a backup"]);
    write_private(&certificate, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    stored.refuses(65, &["identity", "is damaged", "from a backup"]);

    write_private(&certificate, &files[&certificate]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    stored.refuses(65, &["key.pem", "mode 0644", "chmod 0600"]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(stored.files(), files, "nothing was changed by all these starts");
    stored.works_again().await;
}

fn make_folder(path: &Path) {
    fs::create_dir(path).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
}

fn write_private(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_configuration_is_named_with_line_and_key_and_never_means_open() {
    let stored = Stored::new().await;
    let line = format!("{BASE}{SYNTHETIC}").lines().count() + 1;
    let place = |line: usize, column: usize| format!("punktfunk.toml:{line}:{column}: ");
    for (text, at, words) in [
        ("[pairing\n", (line, 9), &[][..]),
        ("[pairing]\npolicy = \"opne\"\n", (line + 1, 10), &["pairing.policy", "\"opne\"", "\"require\" or \"open\""]),
        ("[pairing]\npolcy = \"open\"\n", (line + 1, 1), &["pairing.polcy", "did you mean policy?"]),
        ("[pairing]\npolicy = true\n", (line + 1, 10), &["pairing.policy", "true", "\"require\" or \"open\""]),
        ("[session]\nmax_sessions = 5\n", (line + 1, 16), &["session.max_sessions", "5", "from 1 to 4"]),
    ] {
        stored.configure(text);
        let place = place(at.0, at.1);
        stored.refuses(78, &[&[place.as_str()], words].concat());
    }
    stored.works_again().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_host_on_the_same_directories_is_refused_and_the_first_serves_on() {
    let stored = Stored::new().await;
    let first = Host::start_in(stored.path(), SYNTHETIC);
    stored.refuses(75, &["a host already uses", "stop it first", "--runtime-dir", "--state-dir", "network.port"]);
    for (state, run, shared) in [("state", "other", "state directory"), ("other", "run", "runtime directory")] {
        let mut second = Command::new(PROGRAM);
        second.arg("serve").arg("--config").arg(stored.path().join("punktfunk.toml"));
        second.arg("--state-dir").arg(stored.path().join(state)).arg("--runtime-dir").arg(stored.path().join(run));
        stored.refuses_as(second, 75, &["a host already uses", shared, "stop it first"]);
    }
    stored.works(&first).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_compositor_the_host_starts_and_says_what_to_install_or_set() {
    let stored = Stored::new().await;
    configure(stored.path(), &format!("{BASE}[display]\nbackend = \"sway\"\n[session]\ncommand = [\"foot\"]\n"));
    let mut serve = stored.serve();
    serve.env("PATH", "/nonexistent");
    let host = Host::try_run(stored.path(), serve).unwrap_or_else(|failure| panic!("{}", failure.said));
    let log = host.log();
    for word in ["no configured display works", "sway", "install"] {
        assert!(log.contains(word), "{word:?} is missing in: {log}");
    }
    let connect = Client::connect(host.address, Some(&stored.device.identity), Some(stored.identity), PATIENCE);
    let mut session = Session::over(connect.await.unwrap(), &hello("320x240@30"));
    let end = format!("{:?}", session.closed().await);
    assert!(end.contains("no working display"), "{end}");
    drop(host);
    stored.works_again().await;
}
