//! Devices of the configuration beside those of the store.
//!
//! A declaration is the whole of the owner's word on a device. While it stands it decides the name and the rights,
//! and nothing else does; a device that was removed before is let in by it. When it goes the device goes. If it had
//! been paired before, that pairing does not come back by itself: it counts as removed from the moment the device was
//! declared, so the device is refused until it pairs by PIN, and then has at most what it had and what was declared.

use std::collections::BTreeMap;

use punktfunk_proto::units::{Fingerprint, HostTime};

use super::{AccessEnd, Trust, TrustEvent};
use crate::{
    access::{Access, Grants, whole_seconds},
    approvals::ParkedEnd,
    audit::{AuditEvent, Origin},
    clock::Moment,
    declared::{DeclareError, DeclaredDevice, by_fingerprint},
    device::{Device, DeviceState, PairedBy},
    store::Entry,
};

impl Trust {
    /// Takes over what the configuration declares: once after [`Trust::open`], with an empty list too, and again
    /// when the configuration was read anew. Live sessions of devices whose rights change or end are told.
    ///
    /// # Errors
    /// What was in force before still is. At start, do not serve.
    pub fn declare(&mut self, now: Moment, declared: &[DeclaredDevice]) -> Result<(), DeclareError> {
        let time = self.clock.read(now);
        let declared = by_fingerprint(declared)?;
        let mut change = Declaration::default();
        for device in declared.values() {
            change.add(device.of(time, self.declared_before.get(&device.fingerprint)), self, time);
        }
        let gone = self.declared_before.values().filter(|device| !declared.contains_key(&device.fingerprint));
        gone.for_each(|device| change.remove(device));
        if !change.entries.is_empty() {
            self.store.declare(time, &change.put, &change.gone, &change.entries)?;
        }
        change.take_force(self, now, time);
        Ok(())
    }

    /// Whether the configuration declares the device: the owner's calls do not change it then.
    pub(super) fn is_declared(&self, fingerprint: Fingerprint) -> bool {
        self.devices.get(&fingerprint).is_some_and(|device| device.paired_by == PairedBy::Declared)
    }
}

/// What a call of [`Trust::declare`] changes.
#[derive(Default)]
struct Declaration {
    /// To be in force.
    in_force: BTreeMap<Fingerprint, Device>,
    /// To be stored.
    put: Vec<Device>,
    /// No longer declared.
    gone: Vec<Fingerprint>,
    /// Earlier pairings of those declared.
    beneath: Vec<Device>,
    entries: Vec<Entry>,
}

impl Declaration {
    fn add(&mut self, device: Device, trust: &Trust, time: HostTime) {
        let before = trust.declared_before.get(&device.fingerprint);
        if before != Some(&device) {
            let event = AuditEvent::Declared { device: (&device).into(), access: device.access.into() };
            self.entries.push(Entry { origin: Origin::CONFIGURATION, event });
            self.put.push(device.clone());
        }
        let stored = trust
            .beneath
            .get(&device.fingerprint)
            .or_else(|| trust.devices.get(&device.fingerprint).filter(|stored| stored.paired_by != PairedBy::Declared));
        if let Some(stored) = stored {
            let beneath = superseded(stored, &device, time);
            if beneath != *stored {
                self.put.push(beneath.clone());
                let event = AuditEvent::Revoked { device: stored.into() };
                self.entries.push(Entry { origin: Origin::CONFIGURATION, event });
            }
            self.beneath.push(beneath);
        }
        self.in_force.insert(device.fingerprint, device);
    }

    fn remove(&mut self, device: &Device) {
        let event = AuditEvent::Undeclared { device: device.into() };
        self.entries.push(Entry { origin: Origin::CONFIGURATION, event });
        self.gone.push(device.fingerprint);
    }

    /// It is stored: memory follows.
    fn take_force(self, trust: &mut Trust, now: Moment, time: HostTime) {
        for fingerprint in self.gone {
            let was_in_force = trust.is_declared(fingerprint);
            match trust.beneath.remove(&fingerprint) {
                Some(beneath) => drop(trust.devices.insert(fingerprint, beneath)),
                None if was_in_force => drop(trust.devices.remove(&fingerprint)),
                None => {}
            }
            if was_in_force {
                trust.window.disarm_for(fingerprint);
                trust.told.remove(&fingerprint);
                trust.events.push_back(TrustEvent::AccessEnded { fingerprint, end: AccessEnd::Revoked });
            }
        }
        trust.beneath.extend(self.beneath.into_iter().map(|device| (device.fingerprint, device)));
        for device in self.in_force.values() {
            trust.remember(time, device.clone());
            trust.shut_out.remove(&device.fingerprint);
            if !device.access.is_expired(time) {
                trust.queue.answer(now.instant, device.fingerprint, ParkedEnd::Admitted);
            }
        }
        trust.declared_before = self.in_force;
    }
}

impl DeclaredDevice {
    /// The device that is meant; one that was declared `before` keeps since when and when it was last seen.
    fn of(&self, time: HostTime, before: Option<&Device>) -> Device {
        let since = before.map_or(whole_seconds(time), |before| before.paired);
        Device {
            fingerprint: self.fingerprint,
            name: self.name.clone(),
            access: Access { grants: self.grants, granted: since, expires: self.expires.map(whole_seconds) },
            paired: since,
            paired_by: PairedBy::Declared,
            last_seen: before.and_then(|before| before.last_seen),
            state: DeviceState::Paired,
        }
    }
}

/// What a pairing is worth once its device is declared: removed, and with no right beyond the declared ones.
fn superseded(stored: &Device, declared: &Device, time: HostTime) -> Device {
    let shared = stored.access.grants.bits() & declared.access.grants.bits();
    let expires = [stored.access.expires, declared.access.expires].into_iter().flatten().min();
    let grants = Grants::from_bits(shared).expect("a part of known bits");
    let state = match stored.state {
        DeviceState::Paired => DeviceState::Revoked { at: whole_seconds(time) },
        revoked @ DeviceState::Revoked { .. } => revoked,
    };
    Device { access: Access { grants, expires, ..stored.access }, state, ..stored.clone() }
}
