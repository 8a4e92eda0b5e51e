//! A planned change of the host's identity.

use std::{fs, os::unix::fs::PermissionsExt};

use super::{A, Fixture};
use crate::{
    access::Offer,
    audit::{AuditEvent, AuditVerdict},
    trust::{RotateError, Verdict},
};

#[test]
fn a_prepared_successor_survives_a_restart_and_takes_over_when_it_is_told_to() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer::default());
    let before = fixture.trust.identity().fingerprint;
    let successor = fixture.trust.prepare_successor(fixture.now).unwrap();
    assert_ne!(successor, before);
    assert_eq!(fixture.trust.prepare_successor(fixture.now).unwrap(), successor, "there is one at a time");
    let mut fixture = fixture.restart();
    assert_eq!(fixture.trust.identity().fingerprint, before);
    assert_eq!(fixture.trust.successor().map(|next| next.fingerprint), Some(successor));
    assert_eq!(fixture.trust.promote_successor(fixture.now).unwrap(), successor);
    assert_eq!(fixture.trust.identity().fingerprint, successor);
    let mut fixture = fixture.restart();
    assert_eq!(fixture.trust.identity().fingerprint, successor);
    assert!(fixture.trust.successor().is_none());
    assert!(matches!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Admit(_)), "the devices stay");
    assert!(matches!(fixture.trust.verify_audit().unwrap(), AuditVerdict::Sound { .. }));
    let rotated = AuditEvent::IdentityRotated { from: before, to: successor };
    assert!(fixture.trust.audit(0, 100).unwrap().iter().any(|row| row.what == rotated));
}

#[test]
fn the_key_of_a_successor_is_for_this_user_only_and_the_old_one_is_destroyed() {
    let mut fixture = Fixture::require();
    let old = fs::read(fixture.folder().join("identity/key.pem")).unwrap();
    fixture.trust.prepare_successor(fixture.now).unwrap();
    let mode = |name| fs::metadata(fixture.folder().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("successor"), mode("successor/key.pem")), (0o700, 0o600));
    fixture.trust.promote_successor(fixture.now).unwrap();
    assert_ne!(fs::read(fixture.folder().join("identity/key.pem")).unwrap(), old);
    for gone in ["successor", "identity.retired"] {
        assert!(!fixture.folder().join(gone).exists(), "{gone}");
    }
}

#[test]
fn a_change_of_identity_that_was_cut_off_between_its_files_is_finished_at_the_next_start() {
    // After the commit in the store: nothing moved, or the old identity moved and the new one not yet.
    for moved in [false, true] {
        let mut fixture = Fixture::require();
        let successor = fixture.trust.prepare_successor(fixture.now).unwrap();
        let copy = super::folder_in_memory();
        let state = fixture.folder().to_owned();
        for name in ["identity", "successor"] {
            fs::create_dir(copy.path().join(name)).unwrap();
            for file in ["certificate.pem", "key.pem"] {
                fs::copy(state.join(name).join(file), copy.path().join(name).join(file)).unwrap();
            }
        }
        fixture.trust.promote_successor(fixture.now).unwrap();
        fs::remove_dir_all(state.join("identity")).unwrap();
        fs::set_permissions(copy.path().join("identity"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::set_permissions(copy.path().join("successor"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::rename(copy.path().join("successor"), state.join("successor")).unwrap();
        let old = if moved { "identity.retired" } else { "identity" };
        fs::rename(copy.path().join("identity"), state.join(old)).unwrap();
        let fixture = fixture.restart();
        assert_eq!(fixture.trust.identity().fingerprint, successor);
        assert!(!state.join("successor").exists() && !state.join("identity.retired").exists());
    }
}

#[test]
fn a_failed_write_leaves_the_host_who_it_was() {
    let mut fixture = Fixture::require();
    let before = fixture.trust.identity().fingerprint;
    assert!(matches!(fixture.trust.promote_successor(fixture.now), Err(RotateError::NoSuccessor)));
    fixture.trust.store.set_faulty(true);
    assert!(matches!(fixture.trust.prepare_successor(fixture.now), Err(RotateError::Store(_))));
    assert!(fixture.trust.successor().is_none());
    fixture.trust.store.set_faulty(false);
    let successor = fixture.trust.prepare_successor(fixture.now).unwrap();
    fixture.trust.store.set_faulty(true);
    assert!(matches!(fixture.trust.promote_successor(fixture.now), Err(RotateError::Store(_))));
    assert_eq!(fixture.trust.identity().fingerprint, before);
    fixture.trust.store.set_faulty(false);
    assert!(matches!(fixture.trust.verify_audit().unwrap(), AuditVerdict::Sound { .. }));
    let fixture = fixture.restart();
    assert_eq!(fixture.trust.identity().fingerprint, before);
    assert_eq!(fixture.trust.successor().map(|next| next.fingerprint), Some(successor));
}

#[test]
fn a_successor_that_is_given_up_or_lost_is_announced_no_more_and_stops_nobody() {
    let mut fixture = Fixture::require();
    let before = fixture.trust.identity().fingerprint;
    let first = fixture.trust.prepare_successor(fixture.now).unwrap();
    assert!(fixture.trust.withdraw_successor(fixture.now).unwrap());
    assert!(!fixture.trust.withdraw_successor(fixture.now).unwrap());
    assert!(!fixture.folder().join("successor").exists());
    let second = fixture.trust.prepare_successor(fixture.now).unwrap();
    assert_ne!(first, second);
    fs::remove_file(fixture.folder().join("successor/key.pem")).unwrap();
    let mut fixture = fixture.restart();
    assert_eq!((fixture.trust.identity().fingerprint, fixture.trust.successor().is_none()), (before, true));
    assert_ne!(fixture.trust.prepare_successor(fixture.now).unwrap(), second);
}
