//! A backup makes the same host again, and nothing else does.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read, Write},
    path::Path,
    time::Instant,
};

use punktfunk_proto::units::{Fingerprint, HostTime};
use rand::{SeedableRng, rngs::StdRng};
use tempfile::TempDir;

use super::{BackupError, Onto, Passphrase, Recipient, RestoreError, Secret, WorkFactor, restore, stage, write};
use crate::{
    Password, PasswordCost, PasswordHash,
    access::{Grants, Offer},
    audit::{AuditEvent, AuditVerdict},
    clock::Moment,
    device::Device,
    pin::{Invitation, InvitedDevice},
    policy::PairingPolicy,
    trust::{Trust, Verdict},
};

const PASSPHRASE: &str = "correct horse battery";
const A: Fingerprint = Fingerprint::from_bytes([0xA; 32]);
const B: Fingerprint = Fingerprint::from_bytes([0xB; 32]);

fn now() -> Moment {
    Moment { instant: Instant::now(), wall: HostTime::from_nanos(1_800_000_000_000_000_000) }
}

fn open(state: &Path) -> Trust {
    Trust::open(state, PairingPolicy::Require, now()).unwrap()
}

fn pair(trust: &mut Trust, device: Fingerprint, offer: Offer) {
    let invitation = Invitation { device: InvitedDevice::Bound(device), offer, ..Invitation::default() };
    trust.arm(now(), invitation, &mut StdRng::seed_from_u64(1));
    let from = std::net::Ipv4Addr::new(10, 0, 0, device.as_bytes()[0]).into();
    let attempt = trust.begin_pairing(now(), from, Some(device)).unwrap();
    let spent = trust.spend_pin(now(), attempt).unwrap();
    trust.pair_succeeded(now(), spent, Some("Gerät")).unwrap();
}

/// A host with two devices, one of them removed.
fn host() -> (TempDir, Trust) {
    let state = tempfile::tempdir().unwrap();
    let mut trust = open(state.path());
    pair(&mut trust, A, Offer { grants: Grants::CONTROLLER_ONLY, lifetime: None });
    pair(&mut trust, B, Offer::default());
    trust.revoke(now(), B).unwrap();
    (state, trust)
}

fn to_passphrase() -> Recipient {
    Recipient::Passphrase(Passphrase::new(PASSPHRASE.into()).unwrap(), WorkFactor::LIGHT)
}

fn secret() -> Secret {
    Secret::passphrase(PASSPHRASE.into())
}

fn backup(trust: &mut Trust) -> Vec<u8> {
    let mut file = Vec::new();
    write(trust, now(), &mut file, to_passphrase()).unwrap();
    file
}

fn refused(file: &[u8], with: &Secret) -> RestoreError {
    let state = tempfile::tempdir().unwrap();
    let error = restore(state.path(), file, with, Onto::Nothing).unwrap_err();
    assert_eq!(fs::read_dir(state.path()).unwrap().count(), 0, "nothing is left of {error}");
    error
}

/// Any age file.
fn sealed(plaintext: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut out = to_passphrase().encryptor().unwrap().wrap_output(&mut file).unwrap();
    out.write_all(plaintext).unwrap();
    out.finish().unwrap();
    file
}

fn plain(file: &[u8]) -> serde_json::Value {
    let mut identity = age::scrypt::Identity::new(PASSPHRASE.to_owned().into());
    identity.set_max_work_factor(20);
    let decryptor = age::Decryptor::new_buffered(file).unwrap();
    let mut text = String::new();
    let mut reader = decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity)).unwrap();
    reader.read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Every file below `folder` and what is in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            found.extend(files(&entry.path()).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else {
            found.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    found
}

#[test]
fn a_restored_host_is_the_same_host_and_its_devices_connect_without_a_question() {
    let (_state, mut trust) = host();
    let successor = trust.prepare_successor(now()).unwrap();
    let file = backup(&mut trust);
    let fresh = tempfile::tempdir().unwrap();
    let restored = restore(fresh.path(), &*file, &secret(), Onto::Nothing).unwrap();
    assert_eq!((restored.summary.devices, restored.kept), (2, None));
    let mut again = open(fresh.path());
    assert_eq!(again.identity().fingerprint, trust.identity().fingerprint);
    assert_eq!(again.identity().certificate_der, trust.identity().certificate_der);
    assert_eq!(again.identity().private_key_pkcs8_der, trust.identity().private_key_pkcs8_der);
    assert_eq!(again.host_id(), trust.host_id());
    assert_eq!(again.successor().map(|next| next.fingerprint), Some(successor));
    assert_eq!(again.devices().collect::<Vec<&Device>>(), trust.devices().collect::<Vec<_>>());
    assert!(matches!(again.assess(now(), Some(A)), Verdict::Admit(device)
        if device.access.grants == Grants::CONTROLLER_ONLY));
    assert!(matches!(again.assess(now(), Some(B)), Verdict::Refuse(_)));
}

#[test]
fn the_audit_log_of_a_restored_host_goes_on_where_the_backup_was_made() {
    let (_state, mut trust) = host();
    let file = backup(&mut trust);
    let head = trust.audit_head().unwrap();
    let written = trust.audit(head.number - 1, 1).unwrap().remove(0);
    assert_eq!(written.what, AuditEvent::BackupWritten { recipient: None });
    let fresh = tempfile::tempdir().unwrap();
    restore(fresh.path(), &*file, &secret(), Onto::Nothing).unwrap();
    let again = open(fresh.path());
    let first = again.audit(0, 10).unwrap().remove(0);
    assert_eq!(first.head.number, head.number + 1);
    assert_eq!(first.what, AuditEvent::Restored { written_unix: 1_800_000_000, head });
    assert!(matches!(again.verify_audit().unwrap(), AuditVerdict::Sound { .. }));
}

#[test]
fn a_backup_to_an_age_key_opens_with_that_key_and_no_other() {
    let (_state, mut trust) = host();
    let key = age::x25519::Identity::generate();
    let mut file = Vec::new();
    write(&mut trust, now(), &mut file, Recipient::key(&key.to_public().to_string()).unwrap()).unwrap();
    let fresh = tempfile::tempdir().unwrap();
    restore(fresh.path(), &*file, &Secret::Key(key), Onto::Nothing).unwrap();
    assert_eq!(open(fresh.path()).identity().fingerprint, trust.identity().fingerprint);
    let other = Secret::Key(age::x25519::Identity::generate());
    assert!(matches!(refused(&file, &other), RestoreError::WrongSecret));
    assert!(matches!(refused(&file, &secret()), RestoreError::OtherSecret { wanted } if wanted.contains("key")));
    assert!(Recipient::key("age1nonsense").is_err());
    assert!(matches!(Secret::key("# created\n\nnot a key"), Err(BackupError::NoKey)));
}

#[test]
fn a_wrong_passphrase_opens_nothing_and_a_short_one_makes_no_backup() {
    let (_state, mut trust) = host();
    let file = backup(&mut trust);
    let error = refused(&file, &Secret::passphrase("correct horse batterz".into()));
    assert!(matches!(error, RestoreError::WrongSecret) && error.to_string().contains("again"), "{error}");
    let key = Secret::Key(age::x25519::Identity::generate());
    assert!(matches!(refused(&file, &key), RestoreError::OtherSecret { .. }));
    assert!(matches!(Passphrase::new("too short".into()), Err(BackupError::WeakPassphrase)));
}

#[test]
fn the_file_shows_nothing_of_the_host() {
    let (_state, mut trust) = host();
    let file = backup(&mut trust);
    let whole = String::from_utf8_lossy(&file).into_owned();
    for secret in ["PRIVATE KEY", "punktfunk", "Ger", &trust.identity().fingerprint.to_string(), trust.host_id()] {
        assert!(!whole.contains(secret), "{secret}");
    }
    assert!(whole.starts_with("age-encryption.org/v1"), "the age command opens it too");
}

#[test]
fn a_backup_cut_off_anywhere_is_refused() {
    let (_state, mut trust) = host();
    let file = backup(&mut trust);
    for length in (0..file.len()).step_by(97).chain([file.len() - 1]) {
        let error = refused(&file[..length], &secret());
        let known = matches!(error, RestoreError::NoBackup | RestoreError::Damaged { .. } | RestoreError::WrongSecret);
        assert!(known, "{length}: {error}");
    }
}

#[test]
fn a_backup_with_a_byte_changed_or_added_anywhere_is_refused() {
    let (_state, mut trust) = host();
    let file = backup(&mut trust);
    for at in (0..file.len()).step_by(89) {
        let mut tampered = file.clone();
        tampered[at] ^= 0x10;
        refused(&tampered, &secret());
    }
    let longer = [&*file, b"x"].concat();
    assert!(matches!(refused(&longer, &secret()), RestoreError::Damaged { .. }));
}

#[test]
fn a_file_of_something_else_or_of_a_later_release_is_refused_with_the_way_out() {
    assert!(matches!(refused(b"", &secret()), RestoreError::NoBackup | RestoreError::Damaged { .. }));
    assert!(matches!(refused(b"PK\x03\x04 a zip file, say", &secret()), RestoreError::NoBackup));
    for foreign in ["", "hello", "{}", r#"{"product":"other","format":1}"#] {
        let error = refused(&sealed(foreign.as_bytes()), &secret());
        assert!(matches!(error, RestoreError::Foreign), "{foreign}: {error}");
    }
    let (_state, mut trust) = host();
    let mut document = plain(&backup(&mut trust));
    document["format"] = 2.into();
    let error = refused(&sealed(document.to_string().as_bytes()), &secret());
    assert!(matches!(error, RestoreError::Newer { found: 2, known: 1 }), "{error}");
    assert!(error.to_string().contains("newer release"));
}

#[test]
fn a_backup_whose_parts_do_not_belong_together_is_refused() {
    let (_state, mut trust) = host();
    let (_other_state, mut other) = host();
    let (document, theirs) = (plain(&backup(&mut trust)), plain(&backup(&mut other)));
    let changes: [(&str, serde_json::Value); 5] = [
        ("identity", theirs["identity"].clone()),
        ("fingerprint", theirs["fingerprint"].clone()),
        ("devices", serde_json::json!([{ "fingerprint": "00" }])),
        ("identity", serde_json::json!({ "certificate": "", "key": "" })),
        ("audit", serde_json::Value::Null),
    ];
    for (field, value) in changes {
        let mut document = document.clone();
        document[field] = value;
        let state = tempfile::tempdir().unwrap();
        let file = sealed(document.to_string().as_bytes());
        let error = restore(state.path(), &*file, &secret(), Onto::Nothing).unwrap_err();
        assert!(error.to_string().contains("damaged"), "{field}: {error}");
        assert_eq!(fs::read_dir(state.path()).unwrap().count(), 0, "{field}: nothing is left of it");
    }
}

#[test]
fn a_file_without_end_is_not_read_to_its_end() {
    let (_state, mut trust) = host();
    let file = backup(&mut trust);
    let endless = file.chain(io::repeat(0));
    let state = tempfile::tempdir().unwrap();
    assert!(restore(state.path(), endless, &secret(), Onto::Nothing).is_err());
    let header = b"age-encryption.org/v1\n-> X25519 ".chain(io::repeat(b'a'));
    assert!(matches!(restore(state.path(), header, &secret(), Onto::Nothing), Err(RestoreError::TooLong)));
}

#[test]
fn a_backup_that_asks_for_too_much_work_is_refused_before_the_work() {
    let header = "age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 30\n\
                  AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
    let file = [header.as_bytes(), &[0; 64]].concat();
    assert!(matches!(refused(&file, &secret()), RestoreError::Work { found: 30 }));
}

#[test]
fn a_state_directory_that_holds_a_host_is_refused_and_untouched() {
    let (_state, mut trust) = host();
    let file = backup(&mut trust);
    let (other_state, other) = host();
    let busy = restore(other_state.path(), &*file, &secret(), Onto::Replaced).unwrap_err();
    assert!(busy.to_string().contains("in use"), "{busy}");
    drop(other);
    let before = files(other_state.path());
    let error = restore(other_state.path(), &*file, &secret(), Onto::Nothing).unwrap_err();
    assert!(matches!(error, RestoreError::NotEmpty { .. }), "{error}");
    assert_eq!(files(other_state.path()), before);
}

#[test]
fn a_state_that_is_replaced_is_kept_aside_whole() {
    let (_state, mut trust) = host();
    let file = backup(&mut trust);
    let (other_state, mut other) = host();
    other.prepare_successor(now()).unwrap();
    let theirs = other.identity().fingerprint;
    drop(other);
    let before = files(other_state.path());
    let restored = restore(other_state.path(), &*file, &secret(), Onto::Replaced).unwrap();
    let kept = restored.kept.unwrap();
    assert_eq!(kept, other_state.path().join("replaced-1"));
    assert_eq!(files(&kept), before);
    assert_eq!(open(other_state.path()).identity().fingerprint, trust.identity().fingerprint);
    assert!(open(other_state.path()).successor().is_none());
    assert_eq!(open(&kept).identity().fingerprint, theirs, "it still is a state directory");
    let again = restore(other_state.path(), &*file, &secret(), Onto::Replaced).unwrap();
    assert_eq!(again.kept, Some(other_state.path().join("replaced-2")));
}

#[test]
fn what_is_laid_ready_beside_a_running_host_counts_from_its_next_start_and_the_last_one_wins() {
    let (_other, mut trust) = host();
    let earlier = backup(&mut trust);
    trust.forget(now(), A).unwrap();
    let later = backup(&mut trust);
    let wanted = trust.identity().fingerprint;
    let state = tempfile::tempdir().unwrap();
    let mut running = open(state.path());
    let own = running.identity().fingerprint;

    let cost = PasswordCost { memory_kib: 16, passes: 1, lanes: 1 };
    let password = PasswordHash::of(&Password::new("only a test".to_owned().into()).unwrap(), cost, [1; 16]);

    stage(state.path(), &earlier[..], &secret(), None).unwrap();
    stage(state.path(), &later[..], &secret(), Some(password)).unwrap();
    // What is refused does not disturb what lies ready.
    stage(state.path(), &later[..later.len() / 2], &secret(), None).unwrap_err();
    let wrong = Secret::passphrase("another passphrase".into());
    stage(state.path(), &later[..], &wrong, None).unwrap_err();
    // The running host is what it was, and can still write.
    pair(&mut running, A, Offer::default());
    drop(running);

    let restored = open(state.path());
    assert_eq!(restored.identity().fingerprint, wanted);
    assert!(restored.devices().all(|device| device.fingerprint != A));
    assert!(restored.administrator().is_some(), "who restored it is not locked out");
    drop(restored);
    // The state before is kept aside whole, with what was written last.
    let kept = open(&state.path().join("replaced-1"));
    assert_eq!(kept.identity().fingerprint, own);
    assert!(kept.devices().any(|device| device.fingerprint == A));
}

#[test]
fn a_failed_write_of_the_backup_says_so() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (_state, mut trust) = host();
    let error = write(&mut trust, now(), Full, to_passphrase()).unwrap_err();
    assert!(matches!(error, BackupError::Output(_)), "{error}");
}

#[test]
fn moonlights_know_the_restored_host_by_the_same_certificate() {
    let (state, mut trust) = host();
    let before = trust.gamestream_identity().unwrap();
    let file = backup(&mut trust);
    drop(trust);
    let elsewhere = tempfile::tempdir().unwrap();
    restore(elsewhere.path(), &file[..], &secret(), Onto::Nothing).unwrap();
    let restored = open(elsewhere.path());
    assert_eq!(restored.gamestream_identity().unwrap().certificate_der, before.certificate_der);
    drop(restored);
    // A host that had another one keeps it aside.
    let other = open(state.path());
    drop(other);
    let replaced = restore(state.path(), &file[..], &secret(), Onto::Replaced).unwrap();
    assert!(replaced.kept.unwrap().join("gamestream").join("key.pem").exists());
    assert_eq!(open(state.path()).gamestream_identity().unwrap().fingerprint, before.fingerprint);
}
