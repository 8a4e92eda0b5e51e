//! The PIN window: who may try which PIN when. One PIN is good for one guess.
//!
//! An attempt goes [`PinWindow::begin`] → (the ceremony's answer is computed) → [`PinWindow::spend`] → (the answer
//! is sent, the client's proof arrives and is right) → [`PinWindow::redeem`]. The two tokens between the steps
//! cannot be copied, so nothing is paired without a PIN that was spent for exactly that device.

use std::{
    fmt,
    net::IpAddr,
    time::{Duration, Instant},
};

use punktfunk_proto::units::Fingerprint;
use rand::{CryptoRng, Rng};
use zeroize::Zeroizing;

use crate::{
    access::Offer,
    cooldown::Cooldown,
    source::{Source, is_private},
};

/// Four decimal digits. Printed only by [`PinText::as_str`].
#[derive(Clone)]
pub struct PinText(Zeroizing<String>);

impl PinText {
    /// A PIN drawn evenly from all 10,000.
    fn draw(rng: &mut impl CryptoRng) -> Self {
        Self(format!("{:04}", rng.random_range(0..10_000)).into())
    }

    /// The digits, for the owner's eyes and the ceremony.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PinText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinText(****)")
    }
}

/// Whom a window is armed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvitedDevice {
    /// Whoever knows the PIN, from a private range ([`crate::is_private`]).
    Anyone,
    /// This device only.
    Bound(Fingerprint),
}

/// What the owner arms a window with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Who is meant.
    pub device: InvitedDevice,
    /// What a device gets that was not known before.
    pub offer: Offer,
}

impl Default for Invitation {
    /// Anyone, with the default offer.
    fn default() -> Self {
        Self { device: InvitedDevice::Anyone, offer: Offer::default() }
    }
}

/// Why an attempt to pair was refused. Beyond this the client learns nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairRefusal {
    /// No PIN is waiting (close code 0x60).
    #[error("no PIN is waiting: ask the owner of the host for a new one")]
    NotArmed,
    /// The PIN is meant for somebody else, or for the house and not for the internet (close code 0x61).
    #[error("the host is waiting for a different device")]
    OtherDevice,
    /// This source tried a moment ago (close code 0x62).
    #[error("too many attempts: wait a moment and try again")]
    TooFast,
    /// The client showed no certificate (close code 0x63).
    #[error("pairing needs a client certificate")]
    Anonymous,
}

/// What the owner sees of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowState {
    /// No PIN is waiting.
    Disarmed,
    /// A PIN waits to be used.
    Armed {
        /// By whom.
        device: InvitedDevice,
        /// Time left.
        remaining: Duration,
    },
    /// The one guess was made; the ceremony goes on.
    Spent {
        /// Who made it.
        by: Fingerprint,
    },
}

/// Leave to compute one answer with the PIN. Dropping it (a malformed request) leaves the window armed.
#[derive(Debug)]
pub struct PinAttempt {
    pin: PinText,
    fingerprint: Fingerprint,
    source: Source,
    window: u64,
}

impl PinAttempt {
    /// The PIN to run the ceremony with.
    pub fn pin(&self) -> &PinText {
        &self.pin
    }

    /// Who attempts.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

/// The PIN was used up by this device. Dropping it means the proof was wrong or never came.
#[derive(Debug)]
pub struct SpentPin {
    fingerprint: Fingerprint,
    source: Source,
    window: u64,
}

impl SpentPin {
    /// Who spent it.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

/// The window itself. Bytes and sockets are the caller's; time is a parameter.
#[derive(Debug, Default)]
pub struct PinWindow {
    state: State,
    /// Counts windows, so that a token of an earlier one is worth nothing.
    window: u64,
    cooldown: Cooldown,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Disarmed,
    Armed {
        pin: PinText,
        invitation: Invitation,
        until: Instant,
    },
    Spent {
        by: Fingerprint,
        offer: Offer,
        until: Instant,
    },
}

impl PinWindow {
    /// How long a PIN waits (design section 5).
    pub const LIFETIME: Duration = Duration::from_secs(120);
    /// How long a client may take for its proof (spec section 3.3).
    pub const PROOF_LIFETIME: Duration = Duration::from_secs(60);

    /// Arms with a new PIN, which replaces an earlier window and ends a ceremony under way in it.
    pub fn arm(&mut self, now: Instant, invitation: Invitation, rng: &mut impl CryptoRng) -> PinText {
        self.disarm();
        let pin = PinText::draw(rng);
        self.state = State::Armed { pin: pin.clone(), invitation, until: now + Self::LIFETIME };
        pin
    }

    /// Takes the PIN back and ends a ceremony under way.
    pub fn disarm(&mut self) {
        self.state = State::Disarmed;
        self.window += 1;
    }

    /// Ends what concerns `fingerprint`: its ceremony, or a PIN bound to it.
    pub(crate) fn disarm_for(&mut self, fingerprint: Fingerprint) {
        let concerned = match &self.state {
            State::Disarmed => false,
            State::Armed { invitation, .. } => invitation.device == InvitedDevice::Bound(fingerprint),
            State::Spent { by, .. } => *by == fingerprint,
        };
        if concerned {
            self.disarm();
        }
    }

    /// What the owner is shown at `now`.
    pub fn state(&self, now: Instant) -> WindowState {
        match &self.state {
            State::Armed { invitation, until, .. } if now < *until => {
                WindowState::Armed { device: invitation.device, remaining: *until - now }
            }
            State::Spent { by, until, .. } if now < *until => WindowState::Spent { by: *by },
            _ => WindowState::Disarmed,
        }
    }

    /// A client wants to pair. Stamps the cooldown of its source whatever the answer.
    ///
    /// # Errors
    /// Why not. The window stays as it is.
    pub fn begin(
        &mut self,
        now: Instant,
        source: IpAddr,
        fingerprint: Option<Fingerprint>,
    ) -> Result<PinAttempt, PairRefusal> {
        let in_time = self.cooldown.attempt(now, Source::of(source));
        let fingerprint = fingerprint.ok_or(PairRefusal::Anonymous)?;
        if !in_time {
            return Err(PairRefusal::TooFast);
        }
        let (pin, invitation) = self.armed_for(now, fingerprint)?;
        if invitation.device == InvitedDevice::Anyone && !is_private(source) {
            return Err(PairRefusal::OtherDevice);
        }
        let (pin, source) = (pin.clone(), Source::of(source));
        Ok(PinAttempt { pin, fingerprint, source, window: self.window })
    }

    /// Uses the PIN up. Call it when the answer is computed and *before* it is sent: of several attempts under
    /// way one gets the PIN, and only that one may answer.
    ///
    /// # Errors
    /// The window is gone, spent or over; the answer must not be sent.
    pub fn spend(&mut self, now: Instant, attempt: PinAttempt) -> Result<SpentPin, PairRefusal> {
        let PinAttempt { fingerprint, source, window, .. } = attempt;
        if window != self.window {
            return Err(PairRefusal::NotArmed);
        }
        let offer = self.armed_for(now, fingerprint)?.1.offer;
        self.state = State::Spent { by: fingerprint, offer, until: now + Self::PROOF_LIFETIME };
        self.cooldown.guessed(now, source);
        Ok(SpentPin { fingerprint, source, window })
    }

    /// The proof for `spent` was right: what the device gets if it is new. Works once.
    ///
    /// # Errors
    /// It came too late, or the owner took the PIN back meanwhile; nothing may be paired.
    pub fn redeem(&mut self, now: Instant, spent: SpentPin) -> Result<Offer, PairRefusal> {
        match self.state {
            State::Spent { by, offer, until }
                if spent.window == self.window && by == spent.fingerprint && now < until =>
            {
                self.state = State::Disarmed;
                self.cooldown.succeeded(spent.source);
                Ok(offer)
            }
            _ => Err(PairRefusal::NotArmed),
        }
    }

    fn armed_for(&self, now: Instant, fingerprint: Fingerprint) -> Result<(&PinText, &Invitation), PairRefusal> {
        match &self.state {
            State::Armed { pin, invitation, until } if now < *until => match invitation.device {
                InvitedDevice::Bound(bound) if bound != fingerprint => Err(PairRefusal::OtherDevice),
                InvitedDevice::Bound(_) | InvitedDevice::Anyone => Ok((pin, invitation)),
            },
            State::Armed { .. } | State::Disarmed | State::Spent { .. } => Err(PairRefusal::NotArmed),
        }
    }
}

#[cfg(test)]
mod tests;
