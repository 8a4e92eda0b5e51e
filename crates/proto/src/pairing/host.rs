//! The host's side of the ceremony.

use super::spake::{Confirmation, ENTROPY_LEN, Exchange, Parties};
use super::{PairingError, PairingSecret};
use crate::units::Fingerprint;
use crate::wire::{PairChallenge, PairProof, PairRequest};

/// One client's attempt to pair, on one connection.
pub struct HostCeremony {
    parties: Parties,
    state: State,
}

enum State {
    AwaitingRequest,
    AwaitingProof { expected: Confirmation, name: Option<String> },
    Over,
}

/// What a proof showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The client knows the PIN: store its fingerprint, then send `PairResult { paired: true }`.
    Paired {
        /// The name it gave itself. Unscrubbed.
        name: Option<String>,
    },
    /// It does not, or the proof has no place here: send `PairResult { paired: false }`.
    Refused,
}

impl HostCeremony {
    /// A ceremony between these two certificates, as seen on this connection.
    pub fn new(host: Fingerprint, client: Fingerprint) -> Self {
        Self { parties: Parties { client, host }, state: State::AwaitingRequest }
    }

    /// Answers the client's request. Once this has returned a challenge to be sent, the PIN is spent: the client
    /// can check one guess against it. `entropy` comes fresh from the system's generator.
    ///
    /// # Errors
    /// [`PairingError::Malformed`] when the request's key exchange is no point: nothing was revealed, the PIN
    /// stays good. [`PairingError::OutOfOrder`] for a second request.
    pub fn handle_request(
        &mut self,
        request: &PairRequest,
        secret: &PairingSecret,
        entropy: [u8; ENTROPY_LEN],
    ) -> Result<PairChallenge, PairingError> {
        let State::AwaitingRequest = self.state else {
            return Err(PairingError::OutOfOrder);
        };
        self.state = State::Over;
        let (exchange, spake) = Exchange::host(secret, self.parties, entropy);
        let confirmations = exchange.finish(&request.spake)?;
        let challenge = PairChallenge { spake, confirmation: confirmations.host.to_bytes() };
        self.state = State::AwaitingProof { expected: confirmations.client, name: request.name.clone() };
        Ok(challenge)
    }

    /// Checks the client's proof, once: whatever comes after it is refused.
    pub fn handle_proof(&mut self, proof: &PairProof) -> Outcome {
        match std::mem::replace(&mut self.state, State::Over) {
            State::AwaitingProof { expected, name } if expected.matches(&proof.confirmation) => {
                Outcome::Paired { name }
            }
            State::AwaitingRequest | State::AwaitingProof { .. } | State::Over => Outcome::Refused,
        }
    }
}

impl std::fmt::Debug for HostCeremony {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.state {
            State::AwaitingRequest => "HostCeremony(awaiting request)",
            State::AwaitingProof { .. } => "HostCeremony(awaiting proof)",
            State::Over => "HostCeremony(over)",
        })
    }
}
