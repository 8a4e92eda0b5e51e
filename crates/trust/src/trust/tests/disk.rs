//! A disk that refuses changes nothing in memory, except that it cannot keep a revoked device in.

use super::{A, B, Fixture, seconds};
use crate::{
    access::{Grants, Offer},
    approvals::Presence,
    pin::InvitedDevice,
    store::StoreError,
    trust::{ApproveError, PairError, Refusal, RevokeError, TrustEvent, Verdict},
};

#[test]
fn a_failed_write_during_pairing_pairs_nobody_and_says_why() {
    let mut fixture = Fixture::require();
    fixture.arm(InvitedDevice::Anyone, Offer::default());
    let spent = fixture.spend(A, 1).unwrap();
    fixture.trust.store.set_faulty(true);
    let error = fixture.trust.pair_succeeded(fixture.now, spent, None).unwrap_err();
    assert!(matches!(error, PairError::Store(StoreError::ReadOnly { .. })), "{error}");
    assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Park);
    let mut fixture = fixture.restart();
    assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Park);
}

#[test]
fn a_failed_write_during_approval_leaves_the_knock_waiting() {
    let mut fixture = Fixture::require();
    let (_, id) = fixture.knock(A);
    fixture.trust.store.set_faulty(true);
    let error = fixture.trust.approve(fixture.now, id, None, Offer::default()).unwrap_err();
    assert!(matches!(error, ApproveError::Store(_)), "{error}");
    assert_eq!(fixture.trust.knocks(fixture.now).next().unwrap().presence, Presence::Waiting);
    assert_eq!((fixture.events(), fixture.trust.assess(fixture.now, Some(A))), (vec![], Verdict::Park));
    fixture.trust.store.set_faulty(false);
    assert!(fixture.trust.approve(fixture.now, id, None, Offer::default()).is_ok());
}

#[test]
fn a_failed_write_leaves_grants_and_names_as_they_were() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer { grants: Grants::VIEW_ONLY, lifetime: None });
    let before = fixture.trust.device(A).cloned();
    fixture.trust.store.set_faulty(true);
    assert!(fixture.trust.set_access(fixture.now, A, Offer::default()).is_err());
    assert!(fixture.trust.rename(fixture.now, A, crate::DeviceName::written("x").unwrap()).is_err());
    assert!(fixture.trust.note_seen(fixture.now, A).is_err());
    assert_eq!((fixture.trust.device(A).cloned(), fixture.events()), (before, vec![]));
}

#[test]
fn a_full_disk_during_pairing_loses_no_device() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer::default());
    fixture.trust.store.fill_disk();
    let devices = (20..=255).map(|n| punktfunk_proto::units::Fingerprint::from_bytes([n; 32]));
    let mut paired = vec![A];
    for device in devices {
        fixture.arm(InvitedDevice::Anyone, Offer::default());
        fixture.wait(seconds(3));
        let spent = fixture.spend(device, 1).unwrap();
        match fixture.trust.pair_succeeded(fixture.now, spent, Some(&"long name ".repeat(6))) {
            Ok(_) => paired.push(device),
            Err(error) => {
                assert!(matches!(error, PairError::Store(StoreError::DiskFull { .. })), "{error}");
                break;
            }
        }
    }
    assert!(paired.len() < 200, "the disk was to run full");
    let fixture = fixture.restart();
    assert_eq!(fixture.trust.devices().map(|device| device.fingerprint).collect::<Vec<_>>(), paired);
}

#[test]
fn a_device_is_shut_out_even_when_its_removal_cannot_be_stored() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer::default());
    fixture.pair(B, Offer::default());
    fixture.trust.store.set_faulty(true);
    assert!(matches!(fixture.trust.revoke(fixture.now, A), Err(RevokeError::NotStored(_))));
    assert!(matches!(fixture.trust.forget(fixture.now, B), Err(RevokeError::NotStored(_))));
    let ended = fixture.events().into_iter().filter(|event| matches!(event, TrustEvent::AccessEnded { .. }));
    assert_eq!(ended.count(), 2);
    for device in [A, B] {
        assert_eq!(fixture.trust.assess(fixture.now, Some(device)), Verdict::Refuse(Refusal::Revoked));
    }
    fixture.trust.store.set_faulty(false);
    assert!(fixture.trust.revoke(fixture.now, A).unwrap(), "it can be tried again");
    let mut fixture = fixture.restart();
    assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Refuse(Refusal::Revoked));
    assert!(matches!(fixture.trust.assess(fixture.now, Some(B)), Verdict::Admit(_)), "as the error said");
}
