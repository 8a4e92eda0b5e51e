//! Devices without a PIN: they knock, the owner answers.

use std::net::IpAddr;

use punktfunk_proto::units::Fingerprint;

use super::{Trust, Verdict, error::ApproveError};
use crate::{
    access::{Access, Offer},
    approvals::{ApprovalPath, Knock, KnockId, KnockRefusal, ParkedEnd, ParkedId},
    audit::{AuditEvent, PairedHow, Subject},
    clock::Moment,
    device::{Device, DeviceState, PairedBy},
    name::DeviceName,
};

impl Trust {
    /// A connection that [`Trust::assess`] said to hold. How it ends comes as [`super::TrustEvent::Parked`].
    ///
    /// # Errors
    /// Close the connection.
    pub fn knock(
        &mut self,
        now: Moment,
        source: IpAddr,
        fingerprint: Fingerprint,
        claimed_name: Option<&str>,
    ) -> Result<ParkedId, KnockRefusal> {
        if self.assess(now, Some(fingerprint)) != Verdict::Park {
            return Err(KnockRefusal::NotAwaiting);
        }
        let name = DeviceName::claimed(claimed_name, fingerprint);
        self.queue.knock(now.instant, fingerprint, name, source)
    }

    /// A held connection went away by itself.
    pub fn parked_left(&mut self, parked: ParkedId) {
        self.queue.left(parked);
    }

    /// The devices that knocked, for the owner.
    pub fn knocks(&self, now: Moment) -> impl Iterator<Item = Knock> + '_ {
        self.queue.list(now.instant)
    }

    /// How many knocks were dropped for want of room since the host started.
    pub fn dropped_knocks(&self) -> u64 {
        self.queue.dropped()
    }

    /// The owner lets the device in, under `label` if given, and its held connection goes on. A device whose time
    /// was over keeps its rights and gets the same length of time again; `offer` is for new ones.
    ///
    /// # Errors
    /// Nothing was paired.
    pub fn approve(
        &mut self,
        now: Moment,
        id: KnockId,
        label: Option<&str>,
        offer: Offer,
    ) -> Result<Device, ApproveError> {
        let time = self.clock.read(now);
        let knock = self.queue.find(now.instant, id).ok_or(ApproveError::Unknown)?;
        match knock.path {
            ApprovalPath::Click => {}
            ApprovalPath::BoundPin => return Err(ApproveError::NeedsBoundPin),
        }
        if self.is_declared(knock.fingerprint) {
            return Err(ApproveError::Declared);
        }
        let label = label.and_then(DeviceName::written);
        let device = match self.devices.get(&knock.fingerprint) {
            Some(known) => Device {
                name: label.unwrap_or_else(|| known.name.clone()),
                access: known.access.renewed(time),
                state: DeviceState::Paired,
                ..known.clone()
            },
            None => {
                let name = label.unwrap_or(knock.name);
                Device::new(knock.fingerprint, name, Access::accept(offer, time), PairedBy::Approval)
            }
        };
        let by = PairedHow::Approval { from: knock.source };
        let event = AuditEvent::Paired { device: (&device).into(), by, access: device.access.into() };
        self.keep(time, device.clone(), Some(self.entry(event)))?;
        self.queue.answer(now.instant, knock.fingerprint, ParkedEnd::Admitted);
        Ok(device)
    }

    /// The owner turns the device away.
    ///
    /// # Errors
    /// [`ApproveError::Unknown`].
    pub fn deny(&mut self, now: Moment, id: KnockId) -> Result<Knock, ApproveError> {
        let knock = self.queue.find(now.instant, id).ok_or(ApproveError::Unknown)?;
        self.queue.answer(now.instant, knock.fingerprint, ParkedEnd::Denied);
        let device = Subject { fingerprint: knock.fingerprint, name: knock.name.as_str().into() };
        self.note(now, AuditEvent::Denied { device });
        Ok(knock)
    }
}
