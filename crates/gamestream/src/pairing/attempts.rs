//! Who may run a ceremony: bounded, in order, expiring, and with a pause for whoever tried.

use std::{
    collections::VecDeque,
    net::IpAddr,
    time::{Duration, Instant},
};

use punktfunk_proto::units::Fingerprint;
use punktfunk_trust::{Cooldown, Source, is_private};

use super::{Agreed, Answered, CeremonyError, Certificate, Challenged, Pin, Secrets};
use crate::HostKey;

/// The attempts of a host. Bytes and sockets are the caller's; time is a parameter.
///
/// An attempt goes [`Attempts::begin`] → the owner types a PIN ([`Attempts::type_pin`]) → [`Attempts::challenge`] →
/// [`Attempts::respond`] → [`Attempts::prove`] → [`Attempts::conclude`]. Any phase out of order ends it. Whoever typed
/// asks [`Attempts::outcome`].
#[derive(Default)]
pub struct Attempts {
    attempts: Vec<Attempt>,
    outcomes: VecDeque<(AttemptId, Outcome)>,
    cooldown: Cooldown,
    /// Wrong PINs in a row, and until when none is taken.
    wrong: u32,
    paused: Option<Instant>,
    last: u64,
}

/// Who attempts: `uniqueid` is the same on many devices, so the address is needed too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// As the query says it.
    pub unique_id: String,
    /// The address it comes from.
    pub peer: IpAddr,
}

/// One attempt among those since the host started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttemptId(u64);

/// One attempt to pair.
pub struct Attempt {
    id: AttemptId,
    client: Client,
    device: Fingerprint,
    since: Instant,
    until: Instant,
    stage: Stage,
}

enum Stage {
    Waiting { salt: [u8; 16], certificate: Certificate },
    Agreed(Agreed),
    Challenged(Challenged),
    Answered(Answered),
    Proven,
}

/// A device that waits for its PIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Which attempt.
    pub id: AttemptId,
    /// The address it comes from.
    pub peer: IpAddr,
    /// Since when it waits.
    pub age: Duration,
}

/// How an attempt stands, to the request that began it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// No PIN yet.
    Waiting,
    /// The PIN was typed: answer.
    Typed,
    /// It is over.
    Gone,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The device is paired.
    Paired(Fingerprint),
    /// Another PIN was typed than the device shows; or it proved nothing.
    WrongPin,
    /// The device took its request back, as it does when it notices a wrong PIN by itself.
    GaveUp,
    /// The device went silent.
    Lapsed,
    /// The device proved itself, and the host could not store it.
    NotStored,
}

/// Why a client may not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It comes from the internet: the owner could not see what such a device shows.
    #[error("pairing is for devices of the local network only")]
    Outside,
    /// Enough others wait.
    #[error("other devices are being paired with this host")]
    Busy,
    /// It tried a moment ago, or a wrong PIN was typed a moment ago.
    #[error("too many attempts: wait a moment and try again")]
    TooFast,
    /// No attempt of this client is in this phase.
    #[error("this is not the next step of a pairing")]
    OutOfOrder,
    /// The proof is wrong.
    #[error("the PIN is another one")]
    WrongPin,
    /// The host's key.
    #[error("the host could not sign")]
    Internal,
}

/// Why a PIN was not taken. It is not used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypeRefusal {
    /// Nobody asked, or no longer.
    #[error("no Moonlight waits for a PIN: choose this host in Moonlight first, then type the PIN that it shows")]
    NobodyWaits,
    /// Which is meant?
    #[error("several devices wait: say by its address which one shows this PIN")]
    SeveralWait,
    /// A wrong PIN was typed a moment ago.
    #[error("a wrong PIN was typed a moment ago; wait a little and try again")]
    TooFast,
}

/// A client that proved itself.
#[derive(Debug)]
pub struct Proven {
    /// Which attempt.
    pub id: AttemptId,
    /// Its certificate.
    pub certificate: Certificate,
    /// The address it came from.
    pub peer: IpAddr,
}

impl Attempts {
    /// How long a device waits for its PIN.
    pub const PIN_WITHIN: Duration = Duration::from_secs(300);
    /// From the PIN to the proof: no person is needed between them.
    pub const PROOF_WITHIN: Duration = Duration::from_secs(10);
    /// Devices that wait or prove themselves at once; one of each source.
    pub const MOST: usize = 4;

    /// Phase 1: a client wants to pair. It takes the place of an earlier attempt from its source.
    ///
    /// # Errors
    /// [`Refused::Outside`], [`Refused::Busy`] or [`Refused::TooFast`].
    pub fn begin(
        &mut self,
        now: Instant,
        client: Client,
        salt: [u8; 16],
        certificate: Certificate,
    ) -> Result<AttemptId, Refused> {
        self.expire(now);
        if !is_private(client.peer) {
            return Err(Refused::Outside);
        }
        let source = Source::of(client.peer);
        if !self.cooldown.attempt(now, source) {
            return Err(Refused::TooFast);
        }
        self.end(Outcome::GaveUp, |attempt| Source::of(attempt.client.peer) == source);
        if self.attempts.len() >= Self::MOST {
            return Err(Refused::Busy);
        }
        self.last += 1;
        let id = AttemptId(self.last);
        let device = certificate.fingerprint();
        let stage = Stage::Waiting { salt, certificate };
        self.attempts.push(Attempt { id, client, device, since: now, until: now + Self::PIN_WITHIN, stage });
        Ok(id)
    }

    /// The devices that wait, the longest waiting first.
    pub fn waiting(&mut self, now: Instant) -> Vec<Waiting> {
        self.expire(now);
        let waiting = self.attempts.iter().filter(|attempt| matches!(attempt.stage, Stage::Waiting { .. }));
        let shown = |attempt: &Attempt| Waiting { id: attempt.id, peer: attempt.client.peer, age: now - attempt.since };
        waiting.map(shown).collect()
    }

    /// The owner typed the PIN that the device at `peer` shows; `None`: the only one that waits.
    ///
    /// # Errors
    /// It goes to nobody.
    pub fn type_pin(&mut self, now: Instant, peer: Option<IpAddr>, pin: &Pin) -> Result<AttemptId, TypeRefusal> {
        if self.paused.is_some_and(|until| now < until) {
            return Err(TypeRefusal::TooFast);
        }
        let waiting = self.waiting(now);
        let mut meant = waiting.iter().filter(|waiting| peer.is_none_or(|peer| waiting.peer == peer));
        let id = meant.next().ok_or(TypeRefusal::NobodyWaits)?.id;
        if meant.next().is_some() {
            return Err(TypeRefusal::SeveralWait);
        }
        for attempt in self.attempts.iter_mut().filter(|attempt| attempt.id == id) {
            if let Stage::Waiting { salt, certificate } = &attempt.stage {
                attempt.stage = Stage::Agreed(Agreed::new(salt, pin, certificate.clone()));
                attempt.until = now + Self::PROOF_WITHIN;
            }
        }
        Ok(id)
    }

    /// Whose attempt it is, as it says itself: it has proven nothing yet.
    pub fn device(&self, id: AttemptId) -> Option<Fingerprint> {
        self.attempts.iter().find(|attempt| attempt.id == id).map(|attempt| attempt.device)
    }

    /// How the attempt stands.
    pub fn step(&mut self, now: Instant, id: AttemptId) -> Step {
        self.expire(now);
        match self.attempts.iter().find(|attempt| attempt.id == id).map(|attempt| &attempt.stage) {
            None => Step::Gone,
            Some(Stage::Waiting { .. }) => Step::Waiting,
            Some(_) => Step::Typed,
        }
    }

    /// Phase 2; draws nothing by itself.
    ///
    /// # Errors
    /// [`Refused::OutOfOrder`]: the attempt, if there was one, is over.
    pub fn challenge(
        &mut self,
        now: Instant,
        client: &Client,
        challenge: [u8; 16],
        (host, secrets): (&HostKey, Secrets),
    ) -> Result<[u8; 48], Refused> {
        let (at, agreed) = match self.take(now, client)? {
            (at, Stage::Agreed(agreed)) => (at, agreed),
            (at, other) => return Err(self.out_of_order(now, at, other)),
        };
        let (next, answer) = agreed.challenge(challenge, host, secrets);
        self.put_back(at, Stage::Challenged(next));
        Ok(answer)
    }

    /// Phase 3.
    ///
    /// # Errors
    /// [`Refused::OutOfOrder`] or [`Refused::Internal`]: the attempt, if there was one, is over.
    pub fn respond(
        &mut self,
        now: Instant,
        client: &Client,
        response: [u8; 32],
        host: &HostKey,
    ) -> Result<[u8; 272], Refused> {
        let (at, challenged) = match self.take(now, client)? {
            (at, Stage::Challenged(challenged)) => (at, challenged),
            (at, other) => return Err(self.out_of_order(now, at, other)),
        };
        let Some((next, answer)) = challenged.respond(response, host) else {
            self.note(at.id, Outcome::NotStored);
            return Err(Refused::Internal);
        };
        self.put_back(at, Stage::Answered(next));
        Ok(answer)
    }

    /// Phase 4: the client proved itself. Store it, then [`Attempts::conclude`].
    ///
    /// # Errors
    /// [`Refused::OutOfOrder`] or [`Refused::WrongPin`]: the attempt, if there was one, is over.
    pub fn prove(&mut self, now: Instant, client: &Client, secret: &[u8; 272]) -> Result<Proven, Refused> {
        let (at, answered) = match self.take(now, client)? {
            (at, Stage::Answered(answered)) => (at, answered),
            (at, other) => return Err(self.out_of_order(now, at, other)),
        };
        match answered.prove(secret) {
            Ok(certificate) => {
                self.cooldown.succeeded(Source::of(client.peer));
                (self.wrong, self.paused) = (0, None);
                let id = at.id;
                self.put_back(at, Stage::Proven);
                Ok(Proven { id, certificate, peer: client.peer })
            }
            Err(CeremonyError::WrongPin | CeremonyError::NoPossession) => {
                self.count_wrong(now, client.peer);
                self.note(at.id, Outcome::WrongPin);
                Err(Refused::WrongPin)
            }
        }
    }

    /// What became of a client that proved itself.
    pub fn conclude(&mut self, id: AttemptId, outcome: Outcome) {
        self.attempts.retain(|attempt| attempt.id != id);
        self.note(id, outcome);
    }

    /// The connection that waited for the PIN is gone.
    pub fn left(&mut self, id: AttemptId) {
        self.end(Outcome::GaveUp, |attempt| attempt.id == id);
    }

    /// The client takes its attempt back: it noticed a wrong PIN, or its user did not wait. A ceremony that had begun
    /// counts as a guess.
    pub fn abandon(&mut self, now: Instant, client: &Client) {
        match self.take(now, client) {
            // It proved itself and is being stored.
            Ok((taken, Stage::Proven)) => self.put_back(taken, Stage::Proven),
            Ok((taken, stage)) => {
                if !matches!(stage, Stage::Waiting { .. }) {
                    self.count_wrong(now, client.peer);
                }
                self.note(taken.id, Outcome::GaveUp);
            }
            Err(_) => {}
        }
    }

    /// How an attempt ended; `None` while it goes on, or when it is long over.
    pub fn outcome(&mut self, now: Instant, id: AttemptId) -> Option<Outcome> {
        self.expire(now);
        self.outcomes.iter().find(|(of, _)| *of == id).map(|(_, outcome)| *outcome)
    }

    /// When the next attempt expires.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.attempts.iter().map(|attempt| attempt.until).min()
    }

    /// Ends what took too long.
    pub fn expire(&mut self, now: Instant) {
        let late: Vec<IpAddr> =
            self.attempts.iter().filter(|a| a.is_late(now) && a.is_typed()).map(Attempt::peer).collect();
        late.into_iter().for_each(|peer| self.count_wrong(now, peer));
        self.end(Outcome::Lapsed, |attempt| attempt.is_late(now));
    }

    /// Takes the client's attempt out.
    fn take(&mut self, now: Instant, client: &Client) -> Result<(Taken, Stage), Refused> {
        self.expire(now);
        let at = self.attempts.iter().position(|attempt| attempt.client == *client).ok_or(Refused::OutOfOrder)?;
        let Attempt { id, client, device, since, until, stage } = self.attempts.remove(at);
        Ok((Taken { id, client, device, since, until }, stage))
    }

    fn put_back(&mut self, Taken { id, client, device, since, until }: Taken, stage: Stage) {
        self.attempts.push(Attempt { id, client, device, since, until, stage });
    }

    /// A phase out of order ends the attempt. Only where a PIN was typed does that count as a guess, so that nobody
    /// makes the owner wait by asking nonsense.
    fn out_of_order(&mut self, now: Instant, taken: Taken, stage: Stage) -> Refused {
        match stage {
            Stage::Waiting { .. } => self.note(taken.id, Outcome::GaveUp),
            Stage::Agreed(_) | Stage::Challenged(_) | Stage::Answered(_) => {
                self.count_wrong(now, taken.client.peer);
                self.note(taken.id, Outcome::WrongPin);
            }
            // It proved itself and is being stored.
            Stage::Proven => self.put_back(taken, Stage::Proven),
        }
        Refused::OutOfOrder
    }

    fn count_wrong(&mut self, now: Instant, peer: IpAddr) {
        self.cooldown.guessed(now, Source::of(peer));
        self.wrong = self.wrong.saturating_add(1);
        let pause = Cooldown::PAUSE.saturating_mul(1 << (self.wrong - 1).min(16)).min(LONGEST_PAUSE);
        self.paused = Some(now + pause);
    }

    fn end(&mut self, outcome: Outcome, meant: impl Fn(&Attempt) -> bool) {
        let ended: Vec<AttemptId> = self.attempts.extract_if(.., |attempt| meant(attempt)).map(|a| a.id).collect();
        ended.into_iter().for_each(|id| self.note(id, outcome));
    }

    fn note(&mut self, id: AttemptId, outcome: Outcome) {
        if self.outcomes.len() == OUTCOMES {
            self.outcomes.pop_front();
        }
        self.outcomes.push_back((id, outcome));
    }
}

struct Taken {
    id: AttemptId,
    client: Client,
    device: Fingerprint,
    since: Instant,
    until: Instant,
}

impl Attempt {
    fn is_late(&self, now: Instant) -> bool {
        now >= self.until && !matches!(self.stage, Stage::Proven)
    }

    fn is_typed(&self) -> bool {
        !matches!(self.stage, Stage::Waiting { .. })
    }

    fn peer(&self) -> IpAddr {
        self.client.peer
    }
}

/// A pause after wrong PINs is no longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Ended attempts that are remembered.
const OUTCOMES: usize = 16;
