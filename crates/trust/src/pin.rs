//! The PIN window: who may try which secret when. One PIN is good for one guess, one token for one device.
//!
//! An attempt goes [`PinWindow::begin`] → (the ceremony's answer is computed) → [`PinWindow::spend`] → (the answer
//! is sent, the client's proof arrives and is right) → [`PinWindow::redeem`]. The two tokens between the steps
//! cannot be copied, so nothing is paired without a secret that was tried by exactly that device.
//!
//! What a stranger in the house can do to an owner who pairs, and what not:
//!
//! - A PIN for [`InvitedDevice::Anyone`] can be *voided*: whoever knocks first with any guess uses it up, and so does
//!   a neighbour that tries every two seconds. It gains 1 in 10,000 each time, and the owner can see who it was
//!   ([`WindowState::Spent`]). No limit helps against many addresses, since the owner's device is unknown too.
//! - A window bound to a fingerprint cannot be voided, guessed or slowed down by others: they lack the key.
//! - A token ([`InvitedBy::Token`]) cannot be voided either, so it is the way for a network with strangers in it.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use punktfunk_proto::{
    pairing::{JoinToken, PairingSecret, Pin},
    units::Fingerprint,
};
use rand::{CryptoRng, Rng};
use subtle::ConstantTimeEq as _;

use crate::{
    access::Offer,
    cooldown::Cooldown,
    source::{Source, is_private},
};

/// Whom a window is armed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvitedDevice {
    /// Whoever knows the secret, from a private range ([`crate::is_private`]).
    Anyone,
    /// This device only.
    Bound(Fingerprint),
}

/// What a window waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InvitedBy {
    /// Four digits that a person reads and types: two minutes, one guess.
    #[default]
    Pin,
    /// 128 bits that a device scans: ten minutes, the first device that proves them.
    Token,
}

/// What the owner arms a window with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Who is meant.
    pub device: InvitedDevice,
    /// What it has to prove.
    pub by: InvitedBy,
    /// What a device gets that was not known before.
    pub offer: Offer,
}

impl Default for Invitation {
    /// Anyone, by PIN, with the default offer.
    fn default() -> Self {
        Self { device: InvitedDevice::Anyone, by: InvitedBy::Pin, offer: Offer::default() }
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
    /// A secret waits to be used.
    Armed {
        /// By whom.
        device: InvitedDevice,
        /// What it is.
        by: InvitedBy,
        /// Time left.
        remaining: Duration,
    },
    /// The one guess was made; the ceremony goes on.
    Spent {
        /// Who made it.
        by: Fingerprint,
    },
}

/// Leave to compute one answer with the secret. Dropping it (a malformed request) leaves the window armed.
#[derive(Debug)]
pub struct PinAttempt {
    secret: PairingSecret,
    fingerprint: Fingerprint,
    source: Source,
    window: u64,
}

impl PinAttempt {
    /// What to run the ceremony with.
    pub fn secret(&self) -> &PairingSecret {
        &self.secret
    }

    /// Who attempts.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

/// This device was given an answer to prove itself against. Dropping it means the proof was wrong or never came.
#[derive(Debug)]
pub struct SpentPin {
    fingerprint: Fingerprint,
    source: Source,
    window: u64,
    until: Instant,
}

impl SpentPin {
    /// Who is to prove itself.
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
    /// When the device that a window was last bound to may try again.
    bound_pause: Option<(Fingerprint, Instant)>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Disarmed,
    Armed {
        secret: PairingSecret,
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
    /// How long a join token waits: finding the camera takes longer than typing four digits, and nobody guesses it.
    pub const TOKEN_LIFETIME: Duration = Duration::from_secs(600);
    /// How long a client may take for its proof (spec section 3.3).
    pub const PROOF_LIFETIME: Duration = Duration::from_secs(60);

    /// Arms with a new secret, which replaces an earlier window and ends a ceremony under way in it.
    pub fn arm(&mut self, now: Instant, invitation: Invitation, rng: &mut impl CryptoRng) -> PairingSecret {
        self.disarm();
        let (secret, lifetime): (PairingSecret, _) = match invitation.by {
            InvitedBy::Pin => (draw_pin(rng).into(), Self::LIFETIME),
            InvitedBy::Token => (JoinToken::from_random(rng.random()).into(), Self::TOKEN_LIFETIME),
        };
        self.state = State::Armed { secret: secret.clone(), invitation, until: now + lifetime };
        secret
    }

    /// Takes the secret back and ends every ceremony under way.
    pub fn disarm(&mut self) {
        self.state = State::Disarmed;
        self.window += 1;
    }

    /// Ends what concerns `fingerprint`: its ceremony, or a secret bound to it.
    pub(crate) fn disarm_for(&mut self, fingerprint: Fingerprint) {
        let concerned = match &self.state {
            State::Disarmed => false,
            State::Armed { invitation, .. } => match (invitation.device, invitation.by) {
                (InvitedDevice::Bound(bound), _) => bound == fingerprint,
                // A ceremony of the device's may be under way; they are not listed, so all end with the code.
                (InvitedDevice::Anyone, InvitedBy::Token) => true,
                (InvitedDevice::Anyone, InvitedBy::Pin) => false,
            },
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
                WindowState::Armed { device: invitation.device, by: invitation.by, remaining: *until - now }
            }
            State::Spent { by, until, .. } if now < *until => WindowState::Spent { by: *by },
            _ => WindowState::Disarmed,
        }
    }

    /// A client wants to pair. Stamps the cooldown of its source whatever the answer.
    ///
    /// The device that the window is bound to has a cooldown of its own, which nobody else can stamp: neighbours
    /// behind the same address cannot keep it out.
    ///
    /// # Errors
    /// Why not. The window stays as it is.
    pub fn begin(
        &mut self,
        now: Instant,
        source: IpAddr,
        fingerprint: Option<Fingerprint>,
    ) -> Result<PinAttempt, PairRefusal> {
        let source_in_time = self.cooldown.attempt(now, Source::of(source));
        let fingerprint = fingerprint.ok_or(PairRefusal::Anonymous)?;
        let in_time = if self.is_bound_to(now, fingerprint) {
            let pause = self.bound_pause.replace((fingerprint, now + Cooldown::PAUSE));
            pause.is_none_or(|(whose, until)| whose != fingerprint || now >= until)
        } else {
            source_in_time
        };
        if !in_time {
            return Err(PairRefusal::TooFast);
        }
        let (secret, invitation) = self.armed_for(now, fingerprint)?;
        if invitation.device == InvitedDevice::Anyone && !is_private(source) {
            return Err(PairRefusal::OtherDevice);
        }
        let (secret, source) = (secret.clone(), Source::of(source));
        Ok(PinAttempt { secret, fingerprint, source, window: self.window })
    }

    /// Uses a PIN up. Call it when the answer is computed and *before* it is sent: of several attempts under way
    /// one gets the PIN, and only that one may answer.
    ///
    /// A token is not used up by a guess but by a proof ([`PinWindow::redeem`]). One guess hits it with a chance of
    /// 2^-128, so nothing is gained by counting guesses, and much is lost: whoever reaches the host could void the
    /// owner's code by trying any other.
    ///
    /// # Errors
    /// The window is gone, spent or over; the answer must not be sent.
    pub fn spend(&mut self, now: Instant, attempt: PinAttempt) -> Result<SpentPin, PairRefusal> {
        let PinAttempt { fingerprint, source, window, .. } = attempt;
        if window != self.window {
            return Err(PairRefusal::NotArmed);
        }
        let Invitation { by, offer, .. } = *self.armed_for(now, fingerprint)?.1;
        let until = now + Self::PROOF_LIFETIME;
        match by {
            InvitedBy::Pin => self.state = State::Spent { by: fingerprint, offer, until },
            InvitedBy::Token => {}
        }
        self.cooldown.guessed(now, source);
        Ok(SpentPin { fingerprint, source, window, until })
    }

    /// The proof for `spent` was right: what the device gets if it is new. Works once per window: a token belongs to
    /// the first device that proves it.
    ///
    /// # Errors
    /// It came too late, or the owner took the secret back meanwhile; nothing may be paired.
    pub fn redeem(&mut self, now: Instant, spent: SpentPin) -> Result<Offer, PairRefusal> {
        let SpentPin { fingerprint, source, window, until } = spent;
        if window != self.window || now >= until {
            return Err(PairRefusal::NotArmed);
        }
        let offer = match &self.state {
            State::Spent { by, offer, .. } if *by == fingerprint => *offer,
            // The window may have ended while the proof was on its way, as with a PIN.
            State::Armed { invitation, .. } if invitation.by == InvitedBy::Token => invitation.offer,
            State::Disarmed | State::Armed { .. } | State::Spent { .. } => return Err(PairRefusal::NotArmed),
        };
        self.disarm();
        self.cooldown.succeeded(source);
        Ok(offer)
    }

    fn is_bound_to(&self, now: Instant, fingerprint: Fingerprint) -> bool {
        match &self.state {
            State::Armed { invitation, until, .. } if now < *until => match invitation.device {
                InvitedDevice::Bound(bound) => is_same(bound, fingerprint),
                InvitedDevice::Anyone => false,
            },
            State::Armed { .. } | State::Disarmed | State::Spent { .. } => false,
        }
    }

    fn armed_for(&self, now: Instant, fingerprint: Fingerprint) -> Result<(&PairingSecret, &Invitation), PairRefusal> {
        match &self.state {
            State::Armed { secret, invitation, until } if now < *until => match invitation.device {
                InvitedDevice::Bound(bound) if !is_same(bound, fingerprint) => Err(PairRefusal::OtherDevice),
                InvitedDevice::Bound(_) | InvitedDevice::Anyone => Ok((secret, invitation)),
            },
            State::Armed { .. } | State::Disarmed | State::Spent { .. } => Err(PairRefusal::NotArmed),
        }
    }
}

/// Compares without telling by time how much of the window's owner was met.
fn is_same(bound: Fingerprint, fingerprint: Fingerprint) -> bool {
    bound.as_bytes().ct_eq(fingerprint.as_bytes()).into()
}

/// A PIN drawn evenly from all 10,000.
fn draw_pin(rng: &mut impl CryptoRng) -> Pin {
    loop {
        if let Some(pin) = Pin::from_random(rng.random()) {
            return pin;
        }
    }
}

#[cfg(test)]
mod tests;
