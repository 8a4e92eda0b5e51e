//! How far the host's clock is from the client's: eight questions, the quickest answer counts (spec section 8).

use std::time::{Duration, Instant};

use crate::units::{ClientTime, ClockOffset, HostTime};
use crate::wire::ControlMessage;

/// One round: a probe and its echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockRound {
    /// When the client sent the probe.
    pub t1: ClientTime,
    /// When the host received it.
    pub t2: HostTime,
    /// When the host sent the echo.
    pub t3: HostTime,
    /// When the client received it.
    pub t4: ClientTime,
}

impl ClockRound {
    /// What this round says: `((t2−t1)+(t3−t4))/2` and `(t4−t1)−(t3−t2)`. `None` when the times run backwards or
    /// lie further apart than any two clocks: one of them was set in between, or the host made them up.
    pub fn estimate(&self) -> Option<ClockEstimate> {
        let [t1, t2, t3, t4] = [self.t1.nanos(), self.t2.nanos(), self.t3.nanos(), self.t4.nanos()].map(i128::from);
        let rtt = (t4 - t1) - (t3 - t2);
        if t4 < t1 || t3 < t2 || rtt < 0 {
            return None;
        }
        Some(ClockEstimate {
            offset: ClockOffset::from_nanos(i64::try_from(((t2 - t1) + (t3 - t4)) / 2).ok()?),
            rtt: Duration::from_nanos(u64::try_from(rtt).ok()?),
        })
    }
}

/// What clock sync found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockEstimate {
    /// Host clock minus client clock.
    pub offset: ClockOffset,
    /// Round trip of the quickest round, without the host's own time.
    pub rtt: Duration,
}

/// The client's side of clock sync: [`ClockSync::ROUNDS`] rounds, one after the other.
///
/// After every call ask [`ClockSync::poll_probe`] for what to send, then wait until [`ClockSync::poll_timeout`].
#[derive(Debug)]
pub struct ClockSync {
    round: Round,
    left: u32,
    best: Option<ClockEstimate>,
}

#[derive(Debug)]
enum Round {
    Due,
    Awaiting { t1: ClientTime, deadline: Instant },
    Finished,
}

impl ClockSync {
    /// Rounds in one sync.
    pub const ROUNDS: u32 = 8;
    /// How long an echo is waited for; a host that never echoes ends the sync after this.
    pub const ROUND_LIMIT: Duration = Duration::from_secs(2);
    /// How often clients sync again during a session.
    pub const INTERVAL: Duration = Duration::from_secs(60);

    /// A sync that is about to send its first probe.
    pub fn new() -> Self {
        Self { round: Round::Due, left: Self::ROUNDS, best: None }
    }

    /// The probe to send right now, `clock` being the time it leaves.
    pub fn poll_probe(&mut self, now: Instant, clock: ClientTime) -> Option<ControlMessage> {
        let Round::Due = self.round else { return None };
        self.round = Round::Awaiting { t1: clock, deadline: now + Self::ROUND_LIMIT };
        Some(ControlMessage::ClockProbe { t1: clock })
    }

    /// An echo arrived at `clock`. Whether it answers the probe under way; others are ignored.
    pub fn handle_echo(&mut self, clock: ClientTime, t1: ClientTime, (t2, t3): (HostTime, HostTime)) -> bool {
        match self.round {
            Round::Awaiting { t1: sent, .. } if sent == t1 => {}
            _ => return false,
        }
        if let Some(estimate) = (ClockRound { t1, t2, t3, t4: clock }).estimate()
            && self.best.is_none_or(|best| estimate.rtt < best.rtt)
        {
            self.best = Some(estimate);
        }
        self.left -= 1;
        self.round = if self.left == 0 { Round::Finished } else { Round::Due };
        true
    }

    /// Ends the sync if the host left a probe unanswered.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|deadline| now >= deadline) {
            self.round = Round::Finished;
        }
    }

    /// When [`ClockSync::handle_timeout`] is next due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.round {
            Round::Awaiting { deadline, .. } => Some(deadline),
            Round::Due | Round::Finished => None,
        }
    }

    /// Whether all rounds are over.
    pub fn is_finished(&self) -> bool {
        matches!(self.round, Round::Finished)
    }

    /// The quickest round so far; `None` if no echo was usable, which v0.31 treats as offset 0.
    pub fn estimate(&self) -> Option<ClockEstimate> {
        self.best
    }
}

impl Default for ClockSync {
    fn default() -> Self {
        Self::new()
    }
}
