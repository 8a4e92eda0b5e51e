//! Pairing with a PIN through the façade.

use super::{A, B, Fixture, seconds, source};
use crate::{
    access::{Grants, Offer},
    approvals::ParkedEnd,
    audit::{AuditEvent, Origin, PairedHow},
    device::PairedBy,
    pin::{InvitedDevice, PairRefusal},
    trust::{PairError, TrustEvent, Verdict},
};

#[test]
fn a_right_pin_pairs_the_device_that_spent_it_under_a_scrubbed_name() {
    let mut fixture = Fixture::require();
    fixture.arm(InvitedDevice::Anyone, Offer::default());
    let spent = fixture.spend(A, 1).unwrap();
    let device = fixture.trust.pair_succeeded(fixture.now, spent, Some("\u{202e}Evil\u{1b}[31m TV")).unwrap();
    assert_eq!(
        (device.name.as_str(), device.paired_by, device.access.grants),
        ("Evil TV", PairedBy::Pin, Grants::FULL)
    );
    assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Admit(device));
    assert_eq!(fixture.trust.assess(fixture.now, Some(B)), Verdict::Park);
}

#[test]
fn a_wrong_pin_consumes_the_pin_and_pairs_nobody() {
    let mut fixture = Fixture::require();
    fixture.arm(InvitedDevice::Anyone, Offer::default());
    assert!(fixture.spend(A, 1).is_ok());
    fixture.wait(seconds(3));
    assert_eq!(fixture.spend(A, 1).unwrap_err(), PairRefusal::NotArmed);
    assert_eq!(fixture.trust.devices().count(), 0);
}

#[test]
fn a_name_that_shows_nothing_becomes_the_fingerprint_label() {
    let mut fixture = Fixture::require();
    fixture.arm(InvitedDevice::Anyone, Offer::default());
    let spent = fixture.spend(A, 1).unwrap();
    let device = fixture.trust.pair_succeeded(fixture.now, spent, None).unwrap();
    assert_eq!(device.name.as_str(), "device 0a0a0a0a");
}

#[test]
fn pairing_again_does_not_widen_grants_and_keeps_the_owners_name() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer { grants: Grants::CONTROLLER_ONLY, lifetime: None });
    fixture.trust.rename(fixture.now, A, crate::DeviceName::written("Kids").unwrap()).unwrap();
    fixture.pair(A, Offer::default());
    let device = fixture.trust.device(A).unwrap();
    assert_eq!((device.access.grants, device.name.as_str()), (Grants::CONTROLLER_ONLY, "Kids"));
}

#[test]
fn pairing_again_does_not_bring_expired_access_back() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer { lifetime: Some(seconds(60)), ..Offer::default() });
    fixture.wait(seconds(61));
    fixture.pair(A, Offer::default());
    assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Park);
}

#[test]
fn pairing_a_revoked_device_again_lets_it_in_with_what_it_had() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer { grants: Grants::VIEW_ONLY, lifetime: None });
    fixture.trust.revoke(fixture.now, A).unwrap();
    fixture.pair(A, Offer::default());
    assert!(matches!(fixture.trust.assess(fixture.now, Some(A)),
        Verdict::Admit(device) if device.access.grants == Grants::VIEW_ONLY));
}

#[test]
fn a_device_that_waits_for_approval_goes_on_when_it_pairs_by_pin() {
    let mut fixture = Fixture::require();
    let (parked, _) = fixture.knock(A);
    fixture.pair(A, Offer::default());
    assert_eq!(fixture.events(), [TrustEvent::Parked { parked, end: ParkedEnd::Admitted }]);
    assert_eq!(fixture.trust.knocks(fixture.now).count(), 0);
}

#[test]
fn revoking_a_device_ends_the_ceremony_it_is_in() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer::default());
    fixture.arm(InvitedDevice::Anyone, Offer::default());
    fixture.wait(seconds(3));
    let spent = fixture.spend(A, 1).unwrap();
    fixture.trust.revoke(fixture.now, A).unwrap();
    let error = fixture.trust.pair_succeeded(fixture.now, spent, None).unwrap_err();
    assert!(matches!(error, PairError::Lapsed(_)));
    assert!(matches!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Refuse(_)));
}

#[test]
fn a_pin_does_not_survive_a_restart() {
    let mut fixture = Fixture::require();
    fixture.arm(InvitedDevice::Anyone, Offer::default());
    let mut fixture = fixture.restart();
    assert_eq!(fixture.spend(A, 1).unwrap_err(), PairRefusal::NotArmed);
}

#[test]
fn setting_the_clock_neither_prolongs_nor_ends_a_pin() {
    let mut fixture = Fixture::require();
    fixture.arm(InvitedDevice::Anyone, Offer::default());
    fixture.set_wall_clock(1_800_000_000 + 86_400);
    assert!(fixture.trust.begin_pairing(fixture.now, source(1), Some(A)).is_ok());
    fixture.wait(seconds(121));
    fixture.set_wall_clock(0);
    assert_eq!(fixture.spend(A, 1).unwrap_err(), PairRefusal::NotArmed);
}

#[test]
fn a_moonlight_that_is_paired_again_keeps_what_it_had_and_who_typed_its_pin_is_written_down() {
    let mut fixture = Fixture::require();
    let limited = Offer { grants: Grants::CONTROLLER_ONLY, lifetime: None };
    let typed_by = || Origin::ctl(1_000);
    let pair = |fixture: &mut Fixture, offer| {
        let device = (A, Some("Moonlight on 192.168.1.7"));
        fixture.trust.pair_gamestream(fixture.now, device, offer, typed_by()).unwrap()
    };
    let device = pair(&mut fixture, limited);
    assert_eq!((device.name.as_str(), device.paired_by), ("Moonlight on 192.168.1.7", PairedBy::Pin));
    assert_eq!(pair(&mut fixture, Offer::default()).access.grants, Grants::CONTROLLER_ONLY);
    fixture.trust.revoke(fixture.now, A).unwrap();
    assert!(matches!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Refuse(_)));
    assert_eq!(pair(&mut fixture, Offer::default()).access.grants, Grants::CONTROLLER_ONLY);
    assert!(matches!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Admit(_)));
    let rows = fixture.trust.audit(0, 100).unwrap();
    let by = PairedHow::Pin { armed_by: typed_by() };
    let paired = rows.iter().filter(|row| matches!(&row.what, AuditEvent::Paired { by: how, .. } if *how == by));
    assert_eq!(paired.count(), 3);
}
