//! The arithmetic of one pairing: each phase takes the state before and gives the next.

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

pub use punktfunk_proto::pairing::Pin;

use super::{
    Certificate,
    crypto::{Key, is_signed, sha256},
};
use crate::HostKey;

/// What the host draws for one ceremony.
pub struct Secrets {
    /// Told to the client in phase 3, hashed in phase 2.
    pub secret: [u8; 16],
    /// Hashed by the client in phase 3.
    pub challenge: [u8; 16],
}

/// Why a ceremony failed. The attempt is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CeremonyError {
    /// The client's commitment is not what its secret says: another PIN was typed than the client shows.
    #[error("the PIN is another one")]
    WrongPin,
    /// The client does not hold the key of its certificate.
    #[error("the client did not prove that it holds its key")]
    NoPossession,
}

/// The PIN is typed: both sides have a key, the same if the PIN is.
pub struct Agreed {
    key: Key,
    client: Certificate,
}

impl Agreed {
    /// Phase 1: the client's salt and certificate, and what the owner typed.
    pub fn new(salt: &[u8; 16], pin: &Pin, client: Certificate) -> Self {
        let digits = pin.digits().as_bytes().try_into().expect("a PIN is four digits");
        Self { key: Key::derive(salt, digits), client }
    }

    /// Phase 2: the client's challenge, encrypted; the answer binds the host's certificate and secret to it.
    pub fn challenge(self, challenge: [u8; 16], host: &HostKey, secrets: Secrets) -> (Challenged, [u8; 48]) {
        let Self { key, client } = self;
        let challenge = key.decrypt(challenge);
        let hash = sha256(&[&challenge, host.certificate().signature(), &secrets.secret]);
        let mut answer = [0; 48];
        answer[..32].copy_from_slice(&hash);
        answer[32..].copy_from_slice(&secrets.challenge);
        let answer = key.encrypt(answer);
        (Challenged { key, client, secrets }, answer)
    }
}

/// The host has committed itself.
pub struct Challenged {
    key: Key,
    client: Certificate,
    secrets: Secrets,
}

impl Challenged {
    /// Phase 3: the client's commitment, encrypted; only now is it told the host's secret, signed. `None`: the host
    /// could not sign.
    pub fn respond(self, response: [u8; 32], host: &HostKey) -> Option<(Answered, [u8; 272])> {
        let Self { key, client, secrets } = self;
        let committed = key.decrypt(response);
        let signature = host.sign(&secrets.secret)?;
        let mut answer = [0; 272];
        answer[..16].copy_from_slice(&secrets.secret);
        answer[16..].copy_from_slice(&signature);
        Some((Answered { client, challenge: secrets.challenge, committed: Zeroizing::new(committed) }, answer))
    }
}

/// The client has committed itself.
pub struct Answered {
    client: Certificate,
    challenge: [u8; 16],
    committed: Zeroizing<[u8; 32]>,
}

impl Answered {
    /// Phase 4: the client's secret and its signature. The certificate that is paired by it.
    ///
    /// # Errors
    /// It is not what the client committed to, or is not signed by its key.
    pub fn prove(self, secret: &[u8; 272]) -> Result<Certificate, CeremonyError> {
        let (secret, signature) = secret.split_at(16);
        let expected = sha256(&[&self.challenge, self.client.signature(), secret]);
        if !bool::from(expected.ct_eq(&*self.committed)) {
            return Err(CeremonyError::WrongPin);
        }
        if !is_signed(self.client.public_key(), secret, signature) {
            return Err(CeremonyError::NoPossession);
        }
        Ok(self.client)
    }
}

impl Secrets {
    /// New ones.
    pub fn draw(rng: &mut impl rand::CryptoRng) -> Self {
        use rand::Rng as _;
        Self { secret: rng.random(), challenge: rng.random() }
    }
}
