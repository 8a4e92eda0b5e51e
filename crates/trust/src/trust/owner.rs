//! What the owner does to devices that are known.

use punktfunk_proto::units::Fingerprint;

use super::{
    AccessEnd, Trust, TrustEvent,
    error::{ChangeError, RevokeError},
};
use crate::{
    access::{Access, Offer, whole_seconds},
    approvals::ParkedEnd,
    audit::AuditEvent,
    clock::Moment,
    device::{Device, DeviceState},
    name::DeviceName,
    store::StoreError,
};

impl Trust {
    /// Every known device, by fingerprint, the revoked ones too.
    pub fn devices(&self) -> impl Iterator<Item = &Device> {
        self.devices.values()
    }

    /// The device, if it is known.
    pub fn device(&self, fingerprint: Fingerprint) -> Option<&Device> {
        self.devices.get(&fingerprint)
    }

    /// Removes the device: its live sessions end ([`TrustEvent::AccessEnded`]), it is refused from now on, and a
    /// ceremony or PIN of its own is void. `false` if it was not paired.
    ///
    /// # Errors
    /// The disk refused: the device is shut out all the same, until the host restarts. Or it is declared: nothing is
    /// changed then.
    pub fn revoke(&mut self, now: Moment, fingerprint: Fingerprint) -> Result<bool, RevokeError> {
        let time = self.clock.read(now);
        let Some(device) = self.devices.get(&fingerprint) else { return Ok(false) };
        if device.state != DeviceState::Paired {
            return Ok(false);
        }
        if self.is_declared(fingerprint) {
            return Err(RevokeError::Declared);
        }
        let entry = self.entry(AuditEvent::Revoked { device: device.into() });
        let revoked = Device { state: DeviceState::Revoked { at: whole_seconds(time) }, ..device.clone() };
        self.bar(now, fingerprint);
        self.keep(time, revoked, Some(entry))?;
        self.shut_out.remove(&fingerprint);
        Ok(true)
    }

    /// Forgets the device altogether: as [`Trust::revoke`], but it may knock again. `false` if it was not known.
    ///
    /// # Errors
    /// The disk refused: the device is shut out all the same, until the host restarts. Or it is declared: nothing is
    /// changed then.
    pub fn forget(&mut self, now: Moment, fingerprint: Fingerprint) -> Result<bool, RevokeError> {
        let time = self.clock.read(now);
        let Some(device) = self.devices.get(&fingerprint) else { return Ok(false) };
        if self.is_declared(fingerprint) {
            return Err(RevokeError::Declared);
        }
        let entry = self.entry(AuditEvent::Forgotten { device: device.into() });
        self.bar(now, fingerprint);
        self.store.remove_device(time, fingerprint, entry)?;
        self.devices.remove(&fingerprint);
        self.told.remove(&fingerprint);
        self.shut_out.remove(&fingerprint);
        Ok(true)
    }

    /// Gives the device other rights, from now on. `false` if it is not paired.
    ///
    /// # Errors
    /// The disk refused, or the device is declared; it keeps those it had.
    pub fn set_access(&mut self, now: Moment, fingerprint: Fingerprint, offer: Offer) -> Result<bool, ChangeError> {
        let time = self.clock.read(now);
        let paired = self.devices.get(&fingerprint).filter(|device| device.state == DeviceState::Paired);
        let Some(device) = paired else { return Ok(false) };
        if self.is_declared(fingerprint) {
            return Err(ChangeError::Declared);
        }
        let access = Access::accept(offer, time);
        let (before, after) = (device.access.into(), access.into());
        let entry = self.entry(AuditEvent::AccessChanged { device: device.into(), before, after });
        let device = Device { access, ..device.clone() };
        self.keep(time, device, Some(entry))?;
        Ok(true)
    }

    /// Calls the device something else. `false` if it is not known.
    ///
    /// # Errors
    /// The disk refused, or the device is declared; it keeps its name.
    pub fn rename(&mut self, now: Moment, fingerprint: Fingerprint, name: DeviceName) -> Result<bool, ChangeError> {
        let time = self.clock.read(now);
        let Some(device) = self.devices.get(&fingerprint) else { return Ok(false) };
        if self.is_declared(fingerprint) {
            return Err(ChangeError::Declared);
        }
        let entry = self.entry(AuditEvent::Renamed { device: device.into(), name: name.as_str().into() });
        let device = Device { name, ..device.clone() };
        self.keep(time, device, Some(entry))?;
        Ok(true)
    }

    /// Notes that the device begins a session. `false` if it is not known.
    ///
    /// # Errors
    /// The disk refused. That is no reason to turn the device away.
    pub fn note_seen(&mut self, now: Moment, fingerprint: Fingerprint) -> Result<bool, StoreError> {
        let time = self.clock.read(now);
        let Some(device) = self.devices.get(&fingerprint) else { return Ok(false) };
        let device = Device { last_seen: Some(whole_seconds(time)), ..device.clone() };
        self.keep(time, device, None).map(|()| true)
    }

    /// Shuts the device out in memory, before the disk is asked: what narrows access waits for nothing.
    fn bar(&mut self, now: Moment, fingerprint: Fingerprint) {
        self.shut_out.insert(fingerprint);
        self.window.disarm_for(fingerprint);
        self.queue.answer(now.instant, fingerprint, ParkedEnd::Denied);
        self.events.push_back(TrustEvent::AccessEnded { fingerprint, end: AccessEnd::Revoked });
    }
}
