//! The state directory at start: in order, or refused.

use std::{fs, os::unix::fs::PermissionsExt};

use super::{A, Fixture};
use crate::{
    access::Offer,
    identity::IdentityError,
    policy::PairingPolicy,
    private::FileError,
    store::StoreError,
    trust::{Refusal, Trust, TrustError, Verdict},
};

fn reopen(fixture: Fixture) -> (TrustError, Fixture) {
    let Fixture { state, trust, now, rng } = fixture;
    drop(trust);
    let error = Trust::open(state.path(), PairingPolicy::Require, now).unwrap_err();
    let elsewhere = tempfile::tempdir().unwrap();
    let trust = Trust::open(elsewhere.path(), PairingPolicy::Require, now).unwrap();
    (error, Fixture { state, trust, now, rng })
}

#[test]
fn devices_identity_and_host_id_survive_a_restart() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer::default());
    let before = (fixture.trust.identity().fingerprint, fixture.trust.host_id().to_owned());
    let mut fixture = fixture.restart();
    assert_eq!((fixture.trust.identity().fingerprint, fixture.trust.host_id().to_owned()), before);
    assert!(matches!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Admit(_)));
}

#[test]
fn two_hosts_cannot_share_a_state_directory() {
    let fixture = Fixture::require();
    let error = Trust::open(fixture.folder(), PairingPolicy::Require, fixture.now).unwrap_err();
    assert!(matches!(error, TrustError::StateDir(FileError::InUse { .. })), "{error}");
    assert!(error.to_string().contains("--state-dir"));
}

#[test]
fn a_lost_identity_is_reported_and_never_made_anew() {
    let fixture = Fixture::require();
    fs::remove_dir_all(fixture.folder().join("identity")).unwrap();
    let (error, fixture) = reopen(fixture);
    assert!(matches!(error, TrustError::Identity(IdentityError::Missing { .. })), "{error}");
    assert!(!fixture.folder().join("identity").exists());
}

#[test]
fn a_replaced_host_key_is_refused_and_the_error_names_both() {
    let fixture = Fixture::require();
    let other = Fixture::require();
    let (ours, theirs) = (fixture.folder().join("identity"), other.folder().join("identity"));
    for file in ["certificate.pem", "key.pem"] {
        fs::copy(theirs.join(file), ours.join(file)).unwrap();
    }
    let known = fixture.trust.identity().fingerprint;
    let (error, _fixture) = reopen(fixture);
    let text = error.to_string();
    assert!(text.contains(&known.to_string()) && text.contains(&other.trust.identity().fingerprint.to_string()));
}

#[test]
fn a_lost_store_is_not_taken_for_a_first_start() {
    let fixture = Fixture::require();
    fs::remove_file(fixture.folder().join("state.db")).unwrap();
    let (error, fixture) = reopen(fixture);
    assert!(matches!(error, TrustError::Store(StoreError::Missing { .. })), "{error}");
    assert!(!fixture.folder().join("state.db").exists());
}

#[test]
fn an_emptied_store_refuses_to_start() {
    let fixture = Fixture::require();
    fs::write(fixture.folder().join("state.db"), "").unwrap();
    let (error, fixture) = reopen(fixture);
    assert!(matches!(error, TrustError::Store(StoreError::Damaged { .. })), "{error}");
    assert_eq!(fs::metadata(fixture.folder().join("state.db")).unwrap().len(), 0, "evidence is left alone");
}

#[test]
fn a_state_directory_that_others_can_write_to_is_refused() {
    let fixture = Fixture::require();
    fs::set_permissions(fixture.folder(), fs::Permissions::from_mode(0o770)).unwrap();
    let (error, _fixture) = reopen(fixture);
    assert!(matches!(error, TrustError::StateDir(FileError::Mode { mode: 0o770, .. })), "{error}");
}

#[test]
fn a_state_directory_that_is_a_file_is_refused() {
    let fixture = Fixture::require();
    let error = Trust::open(&fixture.folder().join("state.db"), PairingPolicy::Require, fixture.now).unwrap_err();
    assert!(matches!(error, TrustError::StateDir(FileError::Kind { .. })), "{error}");
}

#[test]
fn a_first_start_cut_off_between_its_files_goes_on_where_it_stopped() {
    let fixture = Fixture::require();
    let Fixture { state, trust, now, .. } = fixture;
    drop(trust);
    fs::remove_dir_all(state.path().join("identity")).unwrap();
    fs::remove_file(state.path().join("state.db")).unwrap();
    crate::store::Store::create(state.path()).unwrap();
    let first = Trust::open(state.path(), PairingPolicy::Require, now).unwrap().identity().fingerprint;
    assert_eq!(Trust::open(state.path(), PairingPolicy::Require, now).unwrap().identity().fingerprint, first);
}

#[test]
fn require_holds_unknown_devices_and_refuses_anonymous_ones() {
    let mut fixture = Fixture::require();
    assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Park);
    assert_eq!(fixture.trust.assess(fixture.now, None), Verdict::Refuse(Refusal::Anonymous));
    assert_eq!(fixture.trust.knocks(fixture.now).count(), 0, "asking records nothing");
}

#[test]
fn open_lets_anyone_in_without_admin_rights_and_stores_nobody() {
    let mut fixture = Fixture::new(PairingPolicy::Open);
    for who in [Some(A), None] {
        let verdict = fixture.trust.assess(fixture.now, who);
        assert_eq!(verdict, Verdict::AdmitOpen);
        assert_eq!(verdict.grants().bits(), 0x3F);
    }
    assert_eq!(fixture.trust.devices().count(), 0);
    assert!(fixture.trust.knock(fixture.now, super::source(1), A, None).is_err());
}
