//! What lies in the state directory of a host that starts (abuse cases 17 and 22).

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::Path,
};

use punktfunk_tools::rogue::{CONFIGURATION, Client, Victim};

/// A state directory with one paired device in it.
async fn used_by_a_host(dir: &Path) {
    let (mut victim, client) = (Victim::start_in(dir, "").unwrap(), Client::new().unwrap());
    let paired = client.pair(&victim.address.to_string(), victim.arm().unwrap().digits()).await.unwrap();
    assert_eq!(paired.exit, 0, "{paired:?}");
    assert!(victim.stop().unwrap().success());
}

/// The host refuses to start in `dir`, with a code of its own and words that name the file, and opens nothing.
#[track_caller]
fn refuses(dir: &Path, what: &str, codes: &[i32]) {
    for policy in ["require", "open"] {
        let configured = format!("{CONFIGURATION}[pairing]\npolicy = \"{policy}\"\n");
        let host = punktfunk_tools::rogue::program("punktfunk-host").unwrap();
        let outcome = Victim::run(dir, std::process::Command::new(host), &configured).unwrap();
        let Err(refused) = outcome else { panic!("{what}: the host started under policy {policy}") };
        assert!(refused.status.code().is_some_and(|code| codes.contains(&code)), "{what}: {refused:?}");
        let named = refused.said.contains(dir.to_str().unwrap()) || refused.said.contains("state.db");
        assert!(named && !refused.said.contains("panicked"), "{what}: {refused:?}");
    }
}

/// Exit codes (`docs/reference/cli.md`): the data are damaged, a file or folder cannot be used.
const DAMAGED: i32 = 65;
const UNUSABLE: i32 = 73;

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_or_exposed_store_stops_the_start_under_any_policy_and_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    used_by_a_host(dir.path()).await;
    let store = dir.path().join("state/state.db");
    let whole = fs::read(&store).unwrap();
    let mut damaged: Vec<(String, Vec<u8>)> = Vec::new();
    for cut in [0, 1, 100, whole.len() / 2, whole.len() - 1] {
        damaged.push((format!("cut to {cut} bytes"), whole[..cut].to_vec()));
    }
    // The audit log names the device too, in quotes; it keeps nobody out.
    let in_its_row = |bytes: &[u8]| bytes[0] != b'"' && bytes[1..] == *b"Honest";
    let device = 1 + whole.windows(7).rposition(in_its_row).expect("the device's row");
    for (what, at) in [("the header", 20), ("the head of a page", 4_096), ("the row of a device", device)] {
        let mut bytes = whole.clone();
        bytes[at..at + 6].copy_from_slice(b"Rogues");
        damaged.push((format!("six bytes of {what} overwritten"), bytes));
    }
    damaged.push(("a text".into(), b"no database\n".repeat(1_000)));
    for (what, bytes) in damaged {
        fs::write(&store, &bytes).unwrap();
        refuses(dir.path(), &what, &[DAMAGED]);
        assert!(fs::read(&store).unwrap() == bytes, "{what}: the file was touched");
    }
    fs::write(&store, &whole).unwrap();
    fs::set_permissions(&store, fs::Permissions::from_mode(0o644)).unwrap();
    refuses(dir.path(), "readable by others", &[DAMAGED, UNUSABLE]);
    fs::set_permissions(&store, fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(&store).unwrap();
    refuses(dir.path(), "missing", &[DAMAGED]);
    fs::write(&store, &whole).unwrap();
    fs::set_permissions(&store, fs::Permissions::from_mode(0o600)).unwrap();
    let healed = Victim::start_in(dir.path(), "").unwrap();
    assert_eq!(healed.devices().unwrap(), 1, "put back, it is the store it was");
}

/// Only root can give a file away.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_another_user_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    used_by_a_host(dir.path()).await;
    let store = dir.path().join("state/state.db");
    if fs::metadata(&store).unwrap().uid() != 0 {
        eprintln!("skipped: only root can give a file away");
        return;
    }
    chown(&store, Some(65_534), None).unwrap();
    refuses(dir.path(), "of another user", &[DAMAGED, UNUSABLE]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_host_key_stops_the_host_and_a_host_set_up_anew_is_refused_by_its_clients() {
    let (dir, client) = (tempfile::tempdir().unwrap(), Client::new().unwrap());
    let mut victim = Victim::start_in(dir.path(), "").unwrap();
    let (at, old) = (victim.address, victim.fingerprint);
    let host = at.to_string();
    assert_eq!(client.pair(&host, victim.arm().unwrap().digits()).await.unwrap().exit, 0);
    assert!(victim.stop().unwrap().success());

    let anew = tempfile::tempdir().unwrap();
    let same_port = CONFIGURATION.replace("port = 0", &format!("port = {}", at.port()));
    let program = || std::process::Command::new(punktfunk_tools::rogue::program("punktfunk-host").unwrap());
    let mut victim = Victim::run(anew.path(), program(), &same_port).unwrap().unwrap();
    assert_ne!(victim.fingerprint, old);
    let refused = client.connect(&host, &[]).await.unwrap();
    assert_eq!(refused.exit, 4, "{refused:?}");
    assert!(refused.message().contains("IDENTITY CHANGED") && refused.message().contains("punktfunk pair"));
    assert!(victim.knocks().unwrap().is_empty(), "the client said nothing to it");
    let wrong_pin = victim.arm().unwrap();
    assert_eq!(client.pair(&host, wrong_pin.digits()).await.unwrap().exit, 0, "the PIN is the way on");
    assert_eq!(client.connect(&host, &[]).await.unwrap().exit, 0);
    assert!(victim.stop().unwrap().success());

    // The key of one beside the store of the other: the host says so itself.
    fs::remove_dir_all(dir.path().join("state/identity")).unwrap();
    copy(&anew.path().join("state/identity"), &dir.path().join("state/identity"));
    refuses(dir.path(), "a foreign key", &[DAMAGED]);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        // Keeps the mode.
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
