//! Pairing with a PIN. The ceremony itself is `punktfunk_proto`'s; here is who may run it and what it earns.

use std::net::IpAddr;

use punktfunk_proto::{pairing::PairingSecret, units::Fingerprint};
use rand::CryptoRng;

use super::{Trust, error::PairError};
use crate::{
    access::{Access, Grants, Offer},
    approvals::ParkedEnd,
    audit::{AuditEvent, Origin, PairedHow},
    clock::Moment,
    device::{Device, DeviceState, PairedBy},
    name::DeviceName,
    pin::{Invitation, InvitedDevice, PairRefusal, PinAttempt, SpentPin, WindowState},
    store::StoreError,
};

impl Trust {
    /// Arms a new PIN for one guess within [`crate::PinWindow::LIFETIME`], or a token for one device within
    /// [`crate::PinWindow::TOKEN_LIFETIME`]; an earlier secret is void.
    pub fn arm(&mut self, now: Moment, invitation: Invitation, rng: &mut impl CryptoRng) -> PairingSecret {
        self.armed_by = self.origin.clone().unwrap_or(Origin::HOST);
        let secret = self.window.arm(now.instant, invitation, rng);
        let device = match invitation.device {
            InvitedDevice::Anyone => None,
            InvitedDevice::Bound(fingerprint) => Some(fingerprint),
        };
        let lifetime_seconds = invitation.offer.lifetime.map(|lifetime| lifetime.as_secs());
        self.note(now, AuditEvent::PinArmed { device, grants: invitation.offer.grants, lifetime_seconds });
        secret
    }

    /// Takes the PIN back; a ceremony under way fails.
    pub fn disarm(&mut self) {
        self.window.disarm();
    }

    /// What the owner is shown.
    pub fn window(&self, now: Moment) -> WindowState {
        self.window.state(now.instant)
    }

    /// A client sent its pair request. Ask before anything is computed for it.
    ///
    /// # Errors
    /// Close the connection; the variant says with which code.
    pub fn begin_pairing(
        &mut self,
        now: Moment,
        source: IpAddr,
        fingerprint: Option<Fingerprint>,
    ) -> Result<PinAttempt, PairRefusal> {
        self.window.begin(now.instant, source, fingerprint)
    }

    /// The answer to the client is computed; this uses the PIN up. Send the answer only on `Ok`. When the
    /// request turned out malformed, drop the attempt instead: the PIN stays.
    ///
    /// # Errors
    /// Somebody else was faster, or the PIN is gone: close the connection without the answer.
    pub fn spend_pin(&mut self, now: Moment, attempt: PinAttempt) -> Result<SpentPin, PairRefusal> {
        let spent = self.window.spend(now.instant, attempt)?;
        let device = spent.fingerprint();
        let entry = self.entry_by(device, AuditEvent::PinGuessed { device });
        self.note_entry(now, entry);
        Ok(spent)
    }

    /// The client's proof was right: stores the device. One that was known keeps its rights, its end of access
    /// and its name: pairing again widens nothing. One whose time is over is paired and still out of time, until the
    /// owner renews it ([`Trust::approve`], [`Trust::set_access`]). One that was revoked is let in again with what
    /// it had, but for [`Grants::ADMIN`], which only the owner gives. One that is declared is what the configuration
    /// says.
    ///
    /// A connection held for the same device goes on.
    ///
    /// # Errors
    /// Nothing was paired. Tell the client it failed.
    pub fn pair_succeeded(
        &mut self,
        now: Moment,
        spent: SpentPin,
        claimed_name: Option<&str>,
    ) -> Result<Device, PairError> {
        let fingerprint = spent.fingerprint();
        let offer = self.window.redeem(now.instant, spent).map_err(PairError::Lapsed)?;
        let by = PairedHow::Pin { armed_by: self.armed_by.clone() };
        Ok(self.pair(now, (fingerprint, claimed_name), offer, by)?)
    }

    /// A device proved itself in a ceremony of GameStream, with the PIN that `typed_by` typed. As
    /// [`Trust::pair_succeeded`]; its window and its pauses are the caller's.
    ///
    /// # Errors
    /// Nothing was paired. Tell the client it failed.
    pub fn pair_gamestream(
        &mut self,
        now: Moment,
        (device, name): (Fingerprint, Option<&str>),
        offer: Offer,
        typed_by: Origin,
    ) -> Result<Device, StoreError> {
        self.pair(now, (device, name), offer, PairedHow::Pin { armed_by: typed_by })
    }

    fn pair(
        &mut self,
        now: Moment,
        (fingerprint, claimed_name): (Fingerprint, Option<&str>),
        offer: Offer,
        by: PairedHow,
    ) -> Result<Device, StoreError> {
        let time = self.clock.read(now);
        let device = match self.devices.get(&fingerprint) {
            Some(known) => paired_again(known),
            None => {
                let name = DeviceName::claimed(claimed_name, fingerprint);
                Device::new(fingerprint, name, Access::accept(offer, time), PairedBy::Pin)
            }
        };
        let event = AuditEvent::Paired { device: (&device).into(), by, access: device.access.into() };
        let entry = self.entry_by(fingerprint, event);
        self.keep(time, device.clone(), Some(entry))?;
        self.shut_out.remove(&fingerprint);
        if !device.access.is_expired(time) {
            self.queue.answer(now.instant, fingerprint, ParkedEnd::Admitted);
        }
        Ok(device)
    }
}

fn paired_again(known: &Device) -> Device {
    let grants = match known.state {
        DeviceState::Paired => known.access.grants,
        DeviceState::Revoked { .. } => known.access.grants.without(Grants::ADMIN),
    };
    Device { access: Access { grants, ..known.access }, state: DeviceState::Paired, ..known.clone() }
}
