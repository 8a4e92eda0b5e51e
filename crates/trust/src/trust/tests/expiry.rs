//! Access that ends: told twice before, once at the end, whatever the clock does. Abuse cases 19 and 23.

use std::time::Duration;

use super::{A, B, Fixture, seconds};
use crate::{
    access::{Grants, Offer},
    device::Standing,
    pin::InvitedDevice,
    trust::{AccessEnd, TrustEvent, Verdict},
};

fn lasting(life: u64) -> Offer {
    Offer { lifetime: Some(seconds(life)), ..Offer::default() }
}

fn ending(left: u64) -> TrustEvent {
    TrustEvent::AccessEnding { fingerprint: A, grants: Grants::FULL, remaining: seconds(left) }
}

const ENDED: TrustEvent = TrustEvent::AccessEnded { fingerprint: A, end: AccessEnd::Expired };

/// Waits exactly as long as [`crate::Trust::poll_timeout`] says, for `time` in all; what happened after which second.
fn run(fixture: &mut Fixture, time: u64) -> Vec<(u64, TrustEvent)> {
    let start = fixture.now.instant;
    let mut events = Vec::new();
    while let Some(due) = fixture.trust.poll_timeout(fixture.now).filter(|due| *due <= start + seconds(time)) {
        fixture.wait(due - fixture.now.instant);
        let at = (fixture.now.instant - start).as_secs();
        events.extend(fixture.events().into_iter().map(|event| (at, event)));
    }
    events
}

#[test]
fn live_sessions_hear_of_the_end_five_minutes_and_one_minute_before_and_then_end_on_the_second() {
    let mut fixture = Fixture::require();
    fixture.pair(A, lasting(3_600));
    let events = run(&mut fixture, 7_200);
    assert_eq!(events, [(3_300, ending(300)), (3_540, ending(60)), (3_600, ENDED)]);
    assert_eq!(fixture.trust.poll_timeout(fixture.now), None);
}

#[test]
fn access_that_is_short_from_the_start_is_not_told_twice() {
    let mut fixture = Fixture::require();
    fixture.pair(A, lasting(200));
    assert_eq!(run(&mut fixture, 900), [(140, ending(60)), (200, ENDED)]);
    let mut fixture = Fixture::require();
    fixture.pair(A, lasting(30));
    assert_eq!(run(&mut fixture, 900), [(30, ENDED)]);
}

#[test]
fn renewed_access_is_told_of_its_new_end() {
    let mut fixture = Fixture::require();
    fixture.pair(A, lasting(400));
    assert_eq!(run(&mut fixture, 350), [(100, ending(300)), (340, ending(60))]);
    fixture.trust.set_access(fixture.now, A, lasting(400)).unwrap();
    assert!(matches!(fixture.events()[..], [TrustEvent::AccessChanged { .. }]));
    assert_eq!(run(&mut fixture, 900), [(100, ending(300)), (340, ending(60)), (400, ENDED)]);
}

#[test]
fn a_clock_that_jumps_forward_ends_access_once_and_skips_the_warnings() {
    let mut fixture = Fixture::require();
    fixture.pair(A, lasting(3_600));
    fixture.set_wall_clock(1_800_000_000 + 86_400);
    let events = run(&mut fixture, 900);
    assert_eq!(events, [(0, ENDED)]);
    fixture.set_wall_clock(1_800_000_000);
    assert_eq!(run(&mut fixture, 7_200), []);
    assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Park);
}

#[test]
fn a_clock_that_is_set_back_a_day_or_to_1970_neither_prolongs_access_nor_repeats_a_warning() {
    for clock in [1_800_000_000 - 86_400, 0] {
        let mut fixture = Fixture::require();
        fixture.pair(A, lasting(600));
        assert_eq!(run(&mut fixture, 350), [(300, ending(300))]);
        let told_at = fixture.now.instant;
        fixture.set_wall_clock(clock);
        let since = told_at - fixture.now.instant;
        assert_eq!(since, Duration::ZERO);
        let events: Vec<_> = run(&mut fixture, 900).into_iter().map(|(_, event)| event).collect();
        assert_eq!(events, [ending(60), ENDED], "set to {clock}");
    }
}

#[test]
fn a_restart_near_the_end_tells_nobody_twice() {
    let mut fixture = Fixture::require();
    fixture.pair(A, lasting(600));
    fixture.wait(seconds(400));
    fixture.events();
    let mut fixture = fixture.restart();
    assert_eq!(run(&mut fixture, 900), [(140, ending(60)), (200, ENDED)]);
    let mut fixture = fixture.restart();
    assert_eq!(run(&mut fixture, 900), [], "nobody is left whom it could end");
}

#[test]
fn a_revoked_device_is_not_told_that_its_time_runs_out() {
    let mut fixture = Fixture::require();
    fixture.pair(A, lasting(400));
    fixture.trust.revoke(fixture.now, A).unwrap();
    fixture.events();
    assert_eq!((run(&mut fixture, 900), fixture.trust.poll_timeout(fixture.now)), (vec![], None));
}

#[test]
fn pairing_a_limited_device_again_by_pin_widens_neither_its_grants_nor_its_time() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer { grants: Grants::CONTROLLER_ONLY, lifetime: Some(seconds(100)) });
    let before = fixture.trust.device(A).unwrap().access;
    let wide = Offer { grants: Grants::FULL.with(Grants::ADMIN), lifetime: None };
    for wait in [0, 99, 200] {
        fixture.wait(seconds(wait));
        fixture.pair(A, wide);
        assert_eq!(fixture.trust.device(A).unwrap().access, before);
    }
    assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Park, "out of time until the owner renews it");
}

#[test]
fn approving_an_expired_device_renews_what_it_had_and_widens_nothing() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer { grants: Grants::CONTROLLER_ONLY, lifetime: Some(seconds(100)) });
    fixture.wait(seconds(200));
    let (_, id) = fixture.knock(A);
    let wide = Offer { grants: Grants::FULL.with(Grants::ADMIN), lifetime: None };
    let device = fixture.trust.approve(fixture.now, id, None, wide).unwrap();
    assert_eq!(device.access.grants, Grants::CONTROLLER_ONLY);
    let time = fixture.trust.time(fixture.now);
    assert_eq!(device.standing(time), Standing::InForce { remaining: Some(seconds(100)) });
}

#[test]
fn a_revoked_administrator_that_pairs_again_is_no_administrator() {
    let mut fixture = Fixture::require();
    let admin = Offer { grants: Grants::FULL.with(Grants::ADMIN), lifetime: None };
    fixture.pair(A, admin);
    fixture.trust.revoke(fixture.now, A).unwrap();
    fixture.pair(A, admin);
    assert_eq!(fixture.trust.device(A).unwrap().access.grants, Grants::FULL);
    fixture.pair(B, admin);
    fixture.pair(B, Offer::default());
    assert_eq!(fixture.trust.device(B).unwrap().access.grants, Grants::FULL.with(Grants::ADMIN), "never taken away");
}

#[test]
fn a_pin_waits_two_minutes_of_the_monotonic_clock_whatever_the_real_time_clock_does() {
    for clock in [0, 1_800_000_000 - 86_400, 1_800_000_000 + 86_400] {
        let mut fixture = Fixture::require();
        fixture.arm(InvitedDevice::Anyone, Offer::default());
        fixture.set_wall_clock(clock);
        fixture.wait(seconds(119));
        assert!(fixture.trust.begin_pairing(fixture.now, super::source(1), Some(A)).is_ok(), "{clock}");
        fixture.wait(seconds(1));
        assert!(fixture.trust.begin_pairing(fixture.now, super::source(2), Some(A)).is_err(), "{clock}");
    }
}
