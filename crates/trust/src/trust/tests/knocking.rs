//! Knocks and the owner's answers through the façade.

use super::{A, B, Fixture, seconds, source};
use crate::{
    access::{Grants, Offer},
    approvals::{ApprovalQueue, KnockId, KnockRefusal, ParkedEnd},
    device::PairedBy,
    trust::{ApproveError, TrustEvent, Verdict},
};

#[test]
fn approval_admits_the_connection_that_waits_and_is_stored() {
    let mut fixture = Fixture::require();
    let (parked, id) = fixture.knock(A);
    let device = fixture.trust.approve(fixture.now, id, Some("Living room"), Offer::default()).unwrap();
    assert_eq!((device.name.as_str(), device.paired_by), ("Living room", PairedBy::Approval));
    assert_eq!(fixture.events(), [TrustEvent::Parked { parked, end: ParkedEnd::Admitted }]);
    let mut fixture = fixture.restart();
    assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Admit(device));
}

#[test]
fn approving_one_of_two_equal_names_admits_only_that_device() {
    let mut fixture = Fixture::require();
    let (a, id) = fixture.knock(A);
    fixture.knock(B);
    fixture.trust.approve(fixture.now, id, None, Offer::default()).unwrap();
    assert_eq!(fixture.events(), [TrustEvent::Parked { parked: a, end: ParkedEnd::Admitted }]);
    assert_eq!(fixture.trust.assess(fixture.now, Some(B)), Verdict::Park);
}

#[test]
fn denial_ends_the_connection_and_stores_nothing() {
    let mut fixture = Fixture::require();
    let (parked, id) = fixture.knock(A);
    fixture.trust.deny(fixture.now, id).unwrap();
    assert_eq!(fixture.events(), [TrustEvent::Parked { parked, end: ParkedEnd::Denied }]);
    assert_eq!(fixture.trust.devices().count(), 0);
}

#[test]
fn answering_an_expired_denied_or_unknown_knock_pairs_nothing() {
    let mut fixture = Fixture::require();
    let (_, denied) = fixture.knock(A);
    fixture.trust.deny(fixture.now, denied).unwrap();
    let (_, expired) = fixture.knock(B);
    fixture.wait(ApprovalQueue::LISTED);
    for id in [denied, expired, KnockId::from_number(0), KnockId::from_number(u64::MAX)] {
        let error = fixture.trust.approve(fixture.now, id, None, Offer::default()).unwrap_err();
        assert!(matches!(error, ApproveError::Unknown), "{error}");
        assert!(matches!(fixture.trust.deny(fixture.now, id), Err(ApproveError::Unknown)));
    }
    assert_eq!(fixture.trust.devices().count(), 0);
}

#[test]
fn a_knock_from_the_internet_cannot_be_approved_but_may_use_a_bound_pin() {
    let mut fixture = Fixture::require();
    let far = "203.0.113.9".parse().unwrap();
    let parked = fixture.trust.knock(fixture.now, far, A, None).unwrap();
    let id = fixture.trust.knocks(fixture.now).next().unwrap().id;
    let error = fixture.trust.approve(fixture.now, id, None, Offer::default()).unwrap_err();
    assert!(matches!(error, ApproveError::NeedsBoundPin), "{error}");
    assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Park);
    fixture.pair(A, Offer::default());
    assert_eq!(fixture.events(), [TrustEvent::Parked { parked, end: ParkedEnd::Admitted }]);
}

#[test]
fn a_knock_from_the_internet_cannot_use_a_pin_that_is_for_anyone() {
    let mut fixture = Fixture::require();
    let far = "203.0.113.9".parse().unwrap();
    fixture.arm(crate::InvitedDevice::Anyone, Offer::default());
    let refusal = fixture.trust.begin_pairing(fixture.now, far, Some(A)).unwrap_err();
    assert_eq!(refusal, crate::PairRefusal::OtherDevice);
    assert!(fixture.spend(B, 1).is_ok());
}

#[test]
fn approving_an_expired_device_renews_what_it_had_and_no_more() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer { grants: Grants::CONTROLLER_ONLY, lifetime: Some(seconds(60)) });
    fixture.wait(seconds(61));
    let (_, id) = fixture.knock(A);
    fixture.trust.approve(fixture.now, id, None, Offer::default()).unwrap();
    let Verdict::Admit(device) = fixture.trust.assess(fixture.now, Some(A)) else { panic!("not admitted") };
    assert_eq!(device.access.grants, Grants::CONTROLLER_ONLY);
    assert!(device.access.remaining(fixture.now.wall).is_some_and(|left| left <= seconds(60)));
}

#[test]
fn a_paired_or_revoked_device_cannot_be_held() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer::default());
    assert_eq!(fixture.trust.knock(fixture.now, source(1), A, None), Err(KnockRefusal::NotAwaiting));
    fixture.trust.revoke(fixture.now, A).unwrap();
    assert_eq!(fixture.trust.knock(fixture.now, source(1), A, None), Err(KnockRefusal::NotAwaiting));
}

#[test]
fn a_held_connection_ends_when_the_timer_says() {
    let mut fixture = Fixture::require();
    let (parked, _) = fixture.knock(A);
    let due = fixture.trust.poll_timeout(fixture.now).unwrap();
    fixture.wait(due - fixture.now.instant);
    assert_eq!(fixture.events(), [TrustEvent::Parked { parked, end: ParkedEnd::Unanswered }]);
}
