//! Devices of the configuration: it lets them in, it alone changes them, and they go with it.

use super::{A, B, Fixture, seconds};
use crate::{
    access::{Grants, Offer},
    approvals::ParkedEnd,
    declared::{DeclareError, DeclaredDevice},
    device::PairedBy,
    name::DeviceName,
    policy::PairingPolicy,
    store::StoreError,
    trust::{AccessEnd, ApproveError, ChangeError, Refusal, RevokeError, TrustEvent, Verdict},
};
use punktfunk_proto::units::Fingerprint;

fn declared(fingerprint: Fingerprint, grants: Grants) -> DeclaredDevice {
    DeclaredDevice { name: DeviceName::written("television").unwrap(), fingerprint, grants, expires: None }
}

impl Fixture {
    fn declare(&mut self, devices: &[DeclaredDevice]) {
        self.trust.declare(self.now, devices).unwrap();
    }

    fn grants(&mut self, device: Fingerprint) -> Option<Grants> {
        match self.trust.assess(self.now, Some(device)) {
            Verdict::Admit(device) => Some(device.access.grants),
            _ => None,
        }
    }
}

#[test]
fn a_declared_device_is_let_in_without_pairing_and_shown_as_declared() {
    let mut fixture = Fixture::require();
    fixture.declare(&[declared(A, Grants::CONTROLLER_ONLY)]);
    assert_eq!(fixture.grants(A), Some(Grants::CONTROLLER_ONLY));
    let device = fixture.trust.devices().next().unwrap();
    assert_eq!((device.paired_by, device.name.as_str()), (PairedBy::Declared, "television"));
    assert_eq!(fixture.grants(B), None);
}

#[test]
fn a_declaration_that_goes_takes_its_device_with_it_at_the_next_start() {
    let mut fixture = Fixture::require();
    fixture.declare(&[declared(A, Grants::FULL), declared(B, Grants::FULL)]);
    let mut fixture = fixture.restart();
    assert_eq!(fixture.grants(A), None, "nobody is let in before the configuration was heard");
    fixture.declare(&[declared(B, Grants::FULL)]);
    assert_eq!((fixture.grants(A), fixture.grants(B)), (None, Some(Grants::FULL)));
    assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Park, "it is a stranger");
}

#[test]
fn a_declaration_that_goes_while_the_host_runs_ends_live_sessions() {
    let mut fixture = Fixture::require();
    fixture.declare(&[declared(A, Grants::FULL)]);
    fixture.declare(&[declared(A, Grants::VIEW_ONLY)]);
    assert!(matches!(fixture.events()[..], [TrustEvent::AccessChanged { grants: Grants::VIEW_ONLY, .. }]));
    fixture.declare(&[]);
    assert_eq!(fixture.events(), [TrustEvent::AccessEnded { fingerprint: A, end: AccessEnd::Revoked }]);
    assert_eq!(fixture.grants(A), None);
}

#[test]
fn the_owner_cannot_change_a_declared_device_and_is_told_where_it_can_be_changed() {
    let mut fixture = Fixture::require();
    fixture.declare(&[declared(A, Grants::CONTROLLER_ONLY)]);
    let before = fixture.trust.device(A).cloned();
    let Fixture { trust, now, .. } = &mut fixture;
    assert!(matches!(trust.revoke(*now, A), Err(RevokeError::Declared)));
    assert!(matches!(trust.forget(*now, A), Err(RevokeError::Declared)));
    assert!(matches!(trust.set_access(*now, A, Offer::default()), Err(ChangeError::Declared)));
    let renamed = trust.rename(*now, A, DeviceName::written("mine").unwrap()).unwrap_err();
    assert!(renamed.to_string().contains("configuration"), "{renamed}");
    assert_eq!((trust.device(A).cloned(), fixture.events()), (before, vec![]));
    assert_eq!(fixture.grants(A), Some(Grants::CONTROLLER_ONLY));
}

#[test]
fn a_declared_device_that_pairs_is_still_what_the_configuration_says() {
    let mut fixture = Fixture::require();
    fixture.declare(&[declared(A, Grants::CONTROLLER_ONLY)]);
    fixture.pair(A, Offer { grants: Grants::FULL.with(Grants::ADMIN), lifetime: None });
    assert_eq!(fixture.grants(A), Some(Grants::CONTROLLER_ONLY));
    fixture.trust.note_seen(fixture.now, A).unwrap();
    let mut fixture = fixture.restart();
    fixture.declare(&[declared(A, Grants::CONTROLLER_ONLY)]);
    assert_eq!(fixture.grants(A), Some(Grants::CONTROLLER_ONLY));
    assert_eq!(fixture.trust.device(A).unwrap().last_seen, Some(fixture.now.wall), "when it was seen is remembered");
    let fixture = fixture.restart();
    assert_eq!(fixture.trust.devices().count(), 0);
}

#[test]
fn a_declared_device_whose_time_is_over_cannot_be_renewed_by_approval() {
    let mut fixture = Fixture::require();
    let expires = Some(fixture.now.wall.plus(seconds(60)));
    fixture.declare(&[DeclaredDevice { expires, ..declared(A, Grants::FULL) }]);
    assert_eq!(fixture.grants(A), Some(Grants::FULL));
    fixture.wait(seconds(60));
    assert_eq!(fixture.events(), [TrustEvent::AccessEnded { fingerprint: A, end: AccessEnd::Expired }]);
    let (_, id) = fixture.knock(A);
    let error = fixture.trust.approve(fixture.now, id, None, Offer::default()).unwrap_err();
    assert!(matches!(error, ApproveError::Declared));
}

#[test]
fn a_declaration_wins_over_a_pairing_which_does_not_come_back_when_it_goes() {
    for policy in [PairingPolicy::Require, PairingPolicy::Open] {
        let mut fixture = Fixture::new(policy);
        fixture.pair(A, Offer { grants: Grants::FULL.with(Grants::ADMIN), lifetime: None });
        fixture.declare(&[declared(A, Grants::VIEW_ONLY)]);
        assert_eq!(fixture.grants(A), Some(Grants::VIEW_ONLY));
        let mut fixture = fixture.restart();
        fixture.declare(&[]);
        assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Refuse(Refusal::Revoked));
        fixture.pair(A, Offer::default());
        assert_eq!(fixture.grants(A), Some(Grants::VIEW_ONLY), "what it had and what was declared");
    }
}

#[test]
fn a_removed_device_that_is_declared_is_let_in_and_is_removed_again_when_the_declaration_goes() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer { grants: Grants::CONTROLLER_ONLY, lifetime: None });
    fixture.trust.revoke(fixture.now, A).unwrap();
    fixture.declare(&[declared(A, Grants::FULL)]);
    assert_eq!(fixture.grants(A), Some(Grants::FULL));
    fixture.declare(&[]);
    assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Refuse(Refusal::Revoked));
    let mut fixture = fixture.restart();
    assert_eq!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Refuse(Refusal::Revoked));
}

#[test]
fn a_device_that_waits_goes_on_when_it_is_declared() {
    let mut fixture = Fixture::require();
    let (parked, _) = fixture.knock(A);
    fixture.declare(&[declared(A, Grants::FULL)]);
    assert_eq!(fixture.events(), [TrustEvent::Parked { parked, end: ParkedEnd::Admitted }]);
}

#[test]
fn two_declarations_of_one_device_are_refused_by_name() {
    let mut fixture = Fixture::require();
    let twin = DeclaredDevice { name: DeviceName::written("tablet").unwrap(), ..declared(A, Grants::FULL) };
    let error = fixture.trust.declare(fixture.now, &[declared(A, Grants::FULL), twin]).unwrap_err();
    assert!(matches!(error, DeclareError::Twice { .. }));
    assert!(error.to_string().contains("television") && error.to_string().contains("tablet"), "{error}");
    assert_eq!(fixture.grants(A), None);
}

#[test]
fn a_failed_write_leaves_the_declarations_in_force_as_they_were() {
    let mut fixture = Fixture::require();
    fixture.declare(&[declared(A, Grants::VIEW_ONLY)]);
    fixture.trust.store.set_faulty(true);
    let error = fixture.trust.declare(fixture.now, &[declared(B, Grants::FULL)]).unwrap_err();
    assert!(matches!(error, DeclareError::Store(StoreError::ReadOnly { .. })), "{error}");
    assert_eq!((fixture.grants(A), fixture.grants(B)), (Some(Grants::VIEW_ONLY), None));
    assert_eq!(fixture.events(), []);
}
