//! The client's side of the ceremony.

use super::spake::{ENTROPY_LEN, Exchange, Parties};
use super::{PairingError, PairingSecret};
use crate::units::Fingerprint;
use crate::wire::{PairChallenge, PairProof, PairRequest};

/// One attempt to pair with a host. A failed one is over: start another with a new PIN.
pub struct ClientCeremony(State);

enum State {
    AwaitingChallenge(Box<Exchange>),
    AwaitingResult,
    Over,
}

impl ClientCeremony {
    /// Opens a ceremony as the device `name`. `host` is the fingerprint of the certificate seen on **this**
    /// connection; `entropy` comes fresh from the system's generator.
    pub fn start(
        name: Option<String>,
        secret: &PairingSecret,
        (client, host): (Fingerprint, Fingerprint),
        entropy: [u8; ENTROPY_LEN],
    ) -> (Self, PairRequest) {
        let (exchange, spake) = Exchange::client(secret, Parties { client, host }, entropy);
        (Self(State::AwaitingChallenge(Box::new(exchange))), PairRequest { name, spake })
    }

    /// Checks that the host knows the PIN, and proves that we do.
    ///
    /// # Errors
    /// [`PairingError::WrongPin`] when the host's confirmation is not ours: finish the stream and close, and the
    /// host learns nothing. [`PairingError::Malformed`] and [`PairingError::OutOfOrder`] are the host's fault.
    pub fn handle_challenge(&mut self, challenge: &PairChallenge) -> Result<PairProof, PairingError> {
        let State::AwaitingChallenge(exchange) = std::mem::replace(&mut self.0, State::Over) else {
            return Err(PairingError::OutOfOrder);
        };
        let confirmations = exchange.finish(&challenge.spake)?;
        if !confirmations.host.matches(&challenge.confirmation) {
            return Err(PairingError::WrongPin);
        }
        self.0 = State::AwaitingResult;
        Ok(PairProof { confirmation: confirmations.client.to_bytes() })
    }

    /// Takes the host's verdict. `Ok` means that both sides are paired now.
    ///
    /// # Errors
    /// [`PairingError::Refused`] when the host says no; [`PairingError::OutOfOrder`] when it has seen no proof.
    pub fn handle_result(&mut self, paired: bool) -> Result<(), PairingError> {
        match std::mem::replace(&mut self.0, State::Over) {
            State::AwaitingResult if paired => Ok(()),
            State::AwaitingResult => Err(PairingError::Refused),
            State::AwaitingChallenge(_) | State::Over => Err(PairingError::OutOfOrder),
        }
    }
}

impl std::fmt::Debug for ClientCeremony {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            State::AwaitingChallenge(_) => "ClientCeremony(awaiting challenge)",
            State::AwaitingResult => "ClientCeremony(awaiting result)",
            State::Over => "ClientCeremony(over)",
        })
    }
}
