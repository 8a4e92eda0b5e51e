//! Revocation, expiry, grants.

use super::{A, B, Fixture, seconds};
use crate::{
    access::{Grants, Offer},
    policy::PairingPolicy,
    trust::{AccessEnd, Refusal, TrustEvent, Verdict},
};

fn ended(end: AccessEnd) -> TrustEvent {
    TrustEvent::AccessEnded { fingerprint: A, end }
}

#[test]
fn revoking_ends_live_sessions_at_once_and_the_next_connect_is_refused_after_a_restart_too() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer::default());
    assert!(fixture.trust.revoke(fixture.now, A).unwrap());
    assert_eq!(fixture.events(), [ended(AccessEnd::Revoked)]);
    assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Refuse(Refusal::Revoked));
    let mut fixture = fixture.restart();
    assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Refuse(Refusal::Revoked));
}

#[test]
fn revoking_a_stranger_or_twice_says_so() {
    let mut fixture = Fixture::require();
    assert!(!fixture.trust.revoke(fixture.now, B).unwrap());
    fixture.pair(A, Offer::default());
    assert!(fixture.trust.revoke(fixture.now, A).unwrap());
    assert!(!fixture.trust.revoke(fixture.now, A).unwrap());
}

#[test]
fn a_revoked_device_is_refused_where_strangers_are_let_in() {
    let mut fixture = Fixture::new(PairingPolicy::Open);
    fixture.pair(A, Offer::default());
    fixture.trust.revoke(fixture.now, A).unwrap();
    assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Refuse(Refusal::Revoked));
}

#[test]
fn a_forgotten_device_ends_its_sessions_and_is_a_stranger() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer::default());
    assert!(fixture.trust.forget(fixture.now, A).unwrap());
    assert_eq!(fixture.events(), [ended(AccessEnd::Revoked)]);
    let mut fixture = fixture.restart();
    assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Park);
    assert_eq!(fixture.trust.devices().count(), 0);
}

#[test]
fn expiry_ends_live_sessions_once_on_its_second() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer { lifetime: Some(seconds(30)), ..Offer::default() });
    let due = fixture.trust.poll_timeout(fixture.now).unwrap();
    assert_eq!(due, fixture.now.instant + seconds(30));
    fixture.wait(seconds(29));
    assert_eq!(fixture.events(), []);
    fixture.wait(seconds(1));
    assert_eq!(fixture.events(), [ended(AccessEnd::Expired)]);
    fixture.wait(seconds(100));
    assert_eq!((fixture.events(), fixture.trust.poll_timeout(fixture.now)), (vec![], None));
    assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Park);
}

#[test]
fn an_expired_device_is_refused_as_expired_where_nobody_is_asked() {
    let mut fixture = Fixture::new(PairingPolicy::Open);
    fixture.pair(A, Offer { lifetime: Some(seconds(30)), ..Offer::default() });
    fixture.wait(seconds(30));
    assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Refuse(Refusal::Expired));
}

#[test]
fn expired_access_stays_expired_when_the_clock_is_set_back_and_after_a_boot_at_1970() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer { lifetime: Some(seconds(30)), ..Offer::default() });
    fixture.pair(B, Offer::default());
    fixture.wait(seconds(31));
    fixture.trust.note_seen(fixture.now, B).unwrap();
    for clock in [1_800_000_000 - 86_400, 1_800_000_005, 0] {
        fixture.set_wall_clock(clock);
        assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Park);
        fixture = fixture.restart();
        assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Park, "after a restart at {clock}");
        assert!(matches!(fixture.trust.assess(fixture.now, Some(B)), Verdict::Admit(_)));
    }
}

#[test]
fn expiry_is_seen_within_a_minute_of_the_clock_being_set_forward() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer { lifetime: Some(seconds(3_600)), ..Offer::default() });
    fixture.set_wall_clock(1_800_000_000 + 86_400);
    let due = fixture.trust.poll_timeout(fixture.now).unwrap();
    assert!(due <= fixture.now.instant + seconds(60));
    fixture.wait(due - fixture.now.instant);
    assert_eq!(fixture.events(), [ended(AccessEnd::Expired)]);
}

#[test]
fn live_sessions_hear_of_new_grants_and_of_nothing_else() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer::default());
    let offer = Offer { grants: Grants::VIEW_ONLY, lifetime: Some(seconds(60)) };
    assert!(fixture.trust.set_access(fixture.now, A, offer).unwrap());
    let [TrustEvent::AccessChanged { fingerprint: A, grants, remaining }] = fixture.events()[..] else {
        panic!("one event")
    };
    assert_eq!((grants, remaining), (Grants::VIEW_ONLY, Some(seconds(60))));
    fixture.trust.note_seen(fixture.now, A).unwrap();
    fixture.trust.rename(fixture.now, A, crate::DeviceName::written("x").unwrap()).unwrap();
    assert_eq!(fixture.events(), []);
    assert_eq!(fixture.trust.device(A).unwrap().last_seen, Some(fixture.now.wall));
    assert!(!fixture.trust.set_access(fixture.now, B, offer).unwrap());
}
