//! The client's control session for pairing: one PIN ceremony on a connection of its own (spec section 3.2).

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{ControlSession, Transmit};
use crate::{
    pairing::{ClientCeremony, ENTROPY_LEN, PairingError, PairingSecret},
    units::{ClientClock, ClientTime, Fingerprint},
    wire::{CloseCode, ControlMessage, FrameReader, frame},
};

/// How the ceremony ended. The only event of a [`ClientPairing`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PairingOutcome {
    /// Both sides proved the PIN and the host has stored us: pin its certificate.
    Paired,
    /// The host used another PIN, or somebody sits between us. This PIN is spent.
    WrongPin,
    /// The host knew the PIN but could not store the pairing, or rejected our proof.
    NotStored,
    /// The host closed with this code instead of going on.
    Refused {
        /// The application code.
        code: u32,
        /// The host's words.
        reason: String,
    },
    /// The host broke the protocol.
    Misbehaved(String),
    /// The connection was lost or the time was up.
    Lost,
}

/// The whole ceremony must be over by then (spec section 1.2).
pub const PAIRING_WITHIN: Duration = Duration::from_secs(90);

#[derive(Debug)]
enum State {
    AwaitingChallenge(ClientCeremony),
    AwaitingResult(ClientCeremony),
    Closed,
}

/// The client's pairing session. See [`super`] for the contract.
#[derive(Debug)]
pub struct ClientPairing {
    state: State,
    deadline: Instant,
    reader: FrameReader,
    outbox: VecDeque<Transmit>,
    events: VecDeque<PairingOutcome>,
}

impl ClientPairing {
    /// Starts the ceremony between the certificates seen on this connection. `seed` is 64 fresh random bytes.
    pub fn new(
        now: Instant,
        name: Option<String>,
        secret: &PairingSecret,
        (client, host): (Fingerprint, Fingerprint),
        seed: [u8; ENTROPY_LEN],
    ) -> Self {
        let (ceremony, request) = ClientCeremony::start(name, secret, (client, host), seed);
        let request = ControlMessage::PairRequest(request);
        Self {
            state: State::AwaitingChallenge(ceremony),
            deadline: now + PAIRING_WITHIN,
            reader: FrameReader::new(),
            outbox: VecDeque::from([Transmit::Stream(frame(&request.encode()))]),
            events: VecDeque::new(),
        }
    }

    fn handle_message(&mut self, message: &ControlMessage) {
        match (std::mem::replace(&mut self.state, State::Closed), message) {
            (State::AwaitingChallenge(mut ceremony), ControlMessage::PairChallenge(challenge)) => {
                match ceremony.handle_challenge(challenge) {
                    Ok(proof) => {
                        self.outbox.push_back(Transmit::Stream(frame(&ControlMessage::PairProof(proof).encode())));
                        self.state = State::AwaitingResult(ceremony);
                    }
                    Err(PairingError::WrongPin) => self.finish(PairingOutcome::WrongPin),
                    Err(error) => self.finish(PairingOutcome::Misbehaved(error.to_string())),
                }
            }
            (State::AwaitingResult(mut ceremony), ControlMessage::PairResult { paired }) => {
                let paired = ceremony.handle_result(*paired).is_ok();
                self.finish(if paired { PairingOutcome::Paired } else { PairingOutcome::NotStored });
            }
            // Any other message is ignored (spec section 2.1).
            (state, _) => self.state = state,
        }
    }

    /// Code 0 after success, 1 after failure; the stream is finished first (spec section 3.2).
    fn finish(&mut self, outcome: PairingOutcome) {
        let code = if outcome == PairingOutcome::Paired { CloseCode::Ended } else { CloseCode::Failed };
        self.outbox.push_back(Transmit::Finish);
        self.outbox.push_back(Transmit::Close { code: code.code(), reason: String::new() });
        self.end(outcome);
    }

    fn end(&mut self, outcome: PairingOutcome) {
        self.state = State::Closed;
        self.events.push_back(outcome);
    }
}

impl ControlSession for ClientPairing {
    type Clock = ClientClock;
    type Event = PairingOutcome;
    type Command = std::convert::Infallible;

    fn handle_stream(&mut self, _now: Instant, _clock: ClientTime, bytes: &[u8]) {
        let mut reader = std::mem::take(&mut self.reader);
        reader.push(bytes);
        while let Some(payload) = reader.next_frame() {
            if let Ok(message) = ControlMessage::decode(payload) {
                self.handle_message(&message);
            }
        }
        self.reader = reader;
    }

    fn handle_stream_end(&mut self, _now: Instant) {}

    fn handle_datagram(&mut self, _now: Instant, _datagram: &[u8]) {}

    fn handle_closed(&mut self, _now: Instant, close: Option<(u32, String)>) {
        if !matches!(self.state, State::Closed) {
            self.end(match close {
                Some((code, reason)) => PairingOutcome::Refused { code, reason },
                None => PairingOutcome::Lost,
            });
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if now >= self.deadline && !matches!(self.state, State::Closed) {
            self.finish(PairingOutcome::Lost);
        }
    }

    fn handle_command(&mut self, _now: Instant, command: std::convert::Infallible) {
        match command {}
    }

    fn poll_transmit(&mut self, _now: Instant, _clock: ClientTime) -> Option<Transmit> {
        self.outbox.pop_front()
    }

    fn poll_event(&mut self) -> Option<PairingOutcome> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        (!matches!(self.state, State::Closed)).then_some(self.deadline)
    }
}
