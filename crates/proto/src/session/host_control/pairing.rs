//! The host's side of one pairing connection (spec section 3.2): the ceremony with its time limits.

use std::time::{Duration, Instant};

use super::HostEvent;
use crate::{
    pairing::{ENTROPY_LEN, HostCeremony, Outcome, PairingSecret},
    units::Fingerprint,
    wire::{CloseCode, ControlMessage, PairChallenge, PairRequest},
};

/// The owner has this long to hand over the PIN or refuse.
const DECISION_WITHIN: Duration = Duration::from_secs(10);
/// The client has this long for its proof (spec section 3.3).
const PROOF_WITHIN: Duration = Duration::from_secs(60);
/// After the result the client closes; we wait this long for it (spec section 3.2).
const LINGER: Duration = Duration::from_secs(5);

/// What the session does after a step of the ceremony.
#[derive(Debug)]
pub(super) enum Step {
    Wait,
    Send(ControlMessage),
    SendAndTell(ControlMessage, HostEvent),
    Tell(HostEvent),
    TellAndClose(HostEvent, CloseCode, &'static str),
    Close(CloseCode, &'static str),
}

#[derive(Debug)]
enum State {
    /// The owner looks for a PIN.
    Requested { ceremony: HostCeremony, request: PairRequest },
    /// The owner marks the PIN as spent.
    Answered { ceremony: HostCeremony, challenge: PairChallenge },
    /// The challenge is out: this PIN has had its guess.
    Challenged { ceremony: HostCeremony },
    /// The proof was right; the owner stores the device.
    Proven,
    /// The client knows how it went and closes.
    Told,
}

/// One ceremony on one connection.
#[derive(Debug)]
pub(super) struct Ceremony {
    state: State,
    deadline: Instant,
}

impl Ceremony {
    pub(super) fn new(now: Instant, client: Fingerprint, host: Fingerprint, request: PairRequest) -> Self {
        let ceremony = HostCeremony::new(host, client);
        Self { state: State::Requested { ceremony, request }, deadline: now + DECISION_WITHIN }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether a PIN was put to the test on this connection without a proof so far.
    pub(super) fn is_unproven(&self) -> bool {
        matches!(self.state, State::Challenged { .. })
    }

    pub(super) fn begin(&mut self, now: Instant, secret: &PairingSecret, seed: [u8; ENTROPY_LEN]) -> Step {
        match std::mem::replace(&mut self.state, State::Told) {
            State::Requested { mut ceremony, request } => match ceremony.handle_request(&request, secret, seed) {
                Ok(challenge) => {
                    self.state = State::Answered { ceremony, challenge };
                    self.deadline = now + DECISION_WITHIN;
                    Step::Tell(HostEvent::PairingAnswered)
                }
                Err(_) => Step::TellAndClose(
                    HostEvent::PairingMalformed,
                    CloseCode::SetupFailed,
                    "protocol error: malformed pairing message",
                ),
            },
            other => {
                self.state = other;
                Step::Wait
            }
        }
    }

    pub(super) fn send_challenge(&mut self, now: Instant) -> Step {
        match std::mem::replace(&mut self.state, State::Told) {
            State::Answered { ceremony, challenge } => {
                self.state = State::Challenged { ceremony };
                self.deadline = now + PROOF_WITHIN;
                Step::Send(ControlMessage::PairChallenge(challenge))
            }
            other => {
                self.state = other;
                Step::Wait
            }
        }
    }

    pub(super) fn handle_message(&mut self, now: Instant, message: &ControlMessage) -> Step {
        let (State::Challenged { ceremony }, ControlMessage::PairProof(proof)) = (&mut self.state, message) else {
            return Step::Wait;
        };
        self.deadline = now + LINGER;
        match ceremony.handle_proof(proof) {
            Outcome::Paired { name } => {
                self.state = State::Proven;
                Step::Tell(HostEvent::PairingProven { name })
            }
            Outcome::Refused => {
                self.state = State::Told;
                Step::SendAndTell(ControlMessage::PairResult { paired: false }, HostEvent::PairingFailed)
            }
        }
    }

    pub(super) fn stored(&mut self, now: Instant, paired: bool) -> Step {
        let State::Proven = self.state else { return Step::Wait };
        self.state = State::Told;
        self.deadline = now + LINGER;
        Step::Send(ControlMessage::PairResult { paired })
    }

    /// A client that finds our confirmation wrong finishes its stream without a proof: it had another PIN. Code 0
    /// lets it say so; any other code would read as a failure of the host (spec section 3.2).
    pub(super) fn handle_stream_end(&mut self) -> Step {
        match self.state {
            State::Requested { .. } | State::Answered { .. } | State::Challenged { .. } => {
                Step::Close(CloseCode::Ended, "pairing ended")
            }
            // The client may finish its stream before it has read the result.
            State::Proven | State::Told => Step::Wait,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Step {
        if now < self.deadline {
            return Step::Wait;
        }
        match self.state {
            State::Told => Step::Close(CloseCode::Ended, "pairing ended"),
            _ => Step::Close(CloseCode::Failed, "pairing took too long"),
        }
    }
}
