//! Who meets whom, and what a step does.

use punktfunk_proto::{pairing::PairingSecret, units::Fingerprint};

/// Circumstances, as bits.
#[derive(Clone, Copy, Debug)]
pub struct Setup(pub u8);

impl Setup {
    /// The client pairs; otherwise it streams.
    pub const PAIRS: u8 = 0x01;
    /// The client was given another PIN than the host's.
    pub const OTHER_PIN: u8 = 0x02;
    /// The client shows no certificate.
    pub const ANONYMOUS: u8 = 0x04;
    /// Somebody is in between: the client sees another host certificate than the host's own.
    pub const INTERCEPTED: u8 = 0x08;
    /// The host's owner answers at once.
    pub const OWNER_ANSWERS: u8 = 0x10;
    /// The client's user answers at once.
    pub const USER_ANSWERS: u8 = 0x20;
    /// The client has no use for speed tests.
    pub const NO_PROBES: u8 = 0x40;
    /// The two ceremonies without sessions around them.
    pub const BARE_CEREMONY: u8 = 0x80;

    pub(super) fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    /// Whether an undisturbed ceremony succeeds.
    pub(super) fn can_pair(self) -> bool {
        !self.has(Self::OTHER_PIN) && !self.has(Self::INTERCEPTED)
    }

    pub(super) fn client_pin(self) -> PairingSecret {
        if self.has(Self::OTHER_PIN) { "1234".parse().expect("four digits") } else { host_pin() }
    }

    /// The client's certificate and the host's, as the client sees them.
    pub(super) fn seen_by_client(self) -> (Fingerprint, Fingerprint) {
        (CLIENT, if self.has(Self::INTERCEPTED) { Fingerprint::from_bytes([3; 32]) } else { HOST })
    }
}

pub(super) fn host_pin() -> PairingSecret {
    "4321".parse().expect("four digits")
}

pub(super) const CLIENT: Fingerprint = Fingerprint::from_bytes([1; 32]);
pub(super) const HOST: Fingerprint = Fingerprint::from_bytes([2; 32]);
/// Fixed, so that a script always plays the same.
pub(super) const CLIENT_ENTROPY: [u8; 64] = [0x11; 64];
pub(super) const HOST_ENTROPY: [u8; 64] = [0x22; 64];

/// What the steps of a session's script do. `side` 0 is the host, 1 the client.
pub mod action {
    /// Hands the side what waits for it first, streams in pieces of `number` + 1 bytes.
    pub const DELIVER: u8 = 0;
    /// Loses what waits for the side first.
    pub const LOSE: u8 = 1;
    /// Flips the bits of the first of `bytes` in byte `number` of what waits for the side first.
    pub const SPOIL: u8 = 2;
    /// Puts `bytes` on the stream to the side.
    pub const STREAM: u8 = 3;
    /// Puts `bytes` as one frame on the stream to the side.
    pub const FRAME: u8 = 4;
    /// Sends the side `bytes` as a datagram.
    pub const DATAGRAM: u8 = 5;
    /// Ends the stream to the side.
    pub const END: u8 = 6;
    /// Closes the connection to the side with code `number` and the reason `bytes`.
    pub const CLOSE: u8 = 7;
    /// Loses the connection, as the side sees it.
    pub const CUT: u8 = 8;
    /// Lets `number` milliseconds go by.
    pub const WAIT: u8 = 9;
    /// Lets time go by until the side's timeout.
    pub const EXPIRE: u8 = 10;
    /// Sets the side's clock to `bytes`, nanoseconds.
    pub const CLOCK: u8 = 11;
    /// The side's owner gives command `number`, with numbers from `bytes`.
    pub const COMMAND: u8 = 12;
    /// One more than the last.
    pub const COUNT: u8 = 13;
}

/// What the steps of a bare ceremony's script do. `bytes` are put over the message, at `number`; without any the
/// message is honest.
pub mod bare {
    /// The host takes the client's request.
    pub const REQUEST: u8 = 0;
    /// The client takes the host's challenge.
    pub const CHALLENGE: u8 = 1;
    /// The host takes the client's proof.
    pub const PROOF: u8 = 2;
    /// The client takes a result: whether `side` is odd.
    pub const RESULT: u8 = 3;
    /// One more than the last.
    pub const COUNT: u8 = 4;
}
