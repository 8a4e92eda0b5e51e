//! SPAKE2 and the key confirmations, as in section 3.1.

use hmac::{Hmac, KeyInit as _, Mac as _};
use rand_core_06::{CryptoRng, Error, RngCore};
use sha2::Sha256;
use spake2::{Ed25519Group, Identity, Password, Spake2};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

use super::{PairingError, PairingSecret};
use crate::units::Fingerprint;
use crate::wire::SPAKE_MESSAGE_LEN;

/// Random bytes one side of one ceremony needs. They must come fresh from the system's generator: whoever knows
/// them, or sees them used twice, can try out all PINs.
pub const ENTROPY_LEN: usize = 64;

/// The two certificates, as the computing side sees them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parties {
    pub(super) client: Fingerprint,
    pub(super) host: Fingerprint,
}

/// One side's half of the exchange, before the other's is known.
pub(super) struct Exchange {
    state: Spake2<Ed25519Group>,
    parties: Parties,
}

type Message = [u8; SPAKE_MESSAGE_LEN];

impl Exchange {
    pub(super) fn client(secret: &PairingSecret, parties: Parties, entropy: [u8; ENTROPY_LEN]) -> (Self, Message) {
        let (password, client, host) = inputs(secret, parties);
        let (state, message) = Spake2::start_a_with_rng(&password, &client, &host, Injected(Some(entropy)));
        (Self { state, parties }, fixed(message))
    }

    pub(super) fn host(secret: &PairingSecret, parties: Parties, entropy: [u8; ENTROPY_LEN]) -> (Self, Message) {
        let (password, client, host) = inputs(secret, parties);
        let (state, message) = Spake2::start_b_with_rng(&password, &client, &host, Injected(Some(entropy)));
        (Self { state, parties }, fixed(message))
    }

    /// Joins the other side's half. Succeeds with a wrong PIN too: only the confirmations tell.
    pub(super) fn finish(self, message: &Message) -> Result<Confirmations, PairingError> {
        let key = Zeroizing::new(self.state.finish(message).map_err(|_| PairingError::Malformed)?);
        Ok(Confirmations {
            host: confirmation(&key, b"punktfunk-pair-host", self.parties),
            client: confirmation(&key, b"punktfunk-pair-client", self.parties),
        })
    }
}

/// What each side sends to prove that it has the key.
pub(super) struct Confirmations {
    pub(super) host: Confirmation,
    pub(super) client: Confirmation,
}

/// One side's proof: wiped when dropped, compared in constant time.
pub(super) struct Confirmation(Zeroizing<[u8; 32]>);

impl Confirmation {
    pub(super) fn matches(&self, received: &[u8; 32]) -> bool {
        self.0.ct_eq(received).into()
    }

    pub(super) fn to_bytes(&self) -> [u8; 32] {
        *self.0
    }
}

fn confirmation(key: &[u8], label: &[u8], parties: Parties) -> Confirmation {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in [label, parties.client.as_bytes(), parties.host.as_bytes()] {
        mac.update(part);
    }
    Confirmation(Zeroizing::new(mac.finalize().into_bytes().into()))
}

fn inputs(secret: &PairingSecret, parties: Parties) -> (Password, Identity, Identity) {
    (Password::new(secret.as_bytes()), Identity::new(parties.client.as_bytes()), Identity::new(parties.host.as_bytes()))
}

fn fixed(message: Vec<u8>) -> Message {
    message.try_into().expect("spake2 messages over Ed25519 are 33 bytes")
}

/// Hands out the caller's bytes once: SPAKE2 draws exactly one scalar of 64 bytes.
struct Injected(Option<[u8; ENTROPY_LEN]>);

impl RngCore for Injected {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        let mut entropy = self.0.take().expect("SPAKE2 draws once");
        dest.copy_from_slice(&entropy);
        entropy.zeroize();
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for Injected {}
