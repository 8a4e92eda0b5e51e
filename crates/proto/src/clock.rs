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

    /// A round's echo arrived. Whether it answers the probe under way; others are ignored.
    pub fn handle_echo(&mut self, round: ClockRound) -> bool {
        match self.round {
            Round::Awaiting { t1, .. } if t1 == round.t1 => {}
            _ => return false,
        }
        if let Some(estimate) = round.estimate()
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

#[cfg(test)]
mod tests {
    use super::{ClockRound, ClockSync};
    use crate::units::{ClientTime, HostTime};
    use proptest::prelude::{any, proptest};
    use std::time::Instant;

    fn round([t1, t2, t3, t4]: [u64; 4]) -> ClockRound {
        let (client, host) = (ClientTime::from_nanos, HostTime::from_nanos);
        ClockRound { t1: client(t1), t2: host(t2), t3: host(t3), t4: client(t4) }
    }

    /// Runs the next round, which takes `rtt` nanoseconds.
    fn answer(sync: &mut ClockSync, now: Instant, rtt: u64) {
        let t1 = 1_000_000;
        assert!(sync.poll_probe(now, ClientTime::from_nanos(t1)).is_some());
        assert!(sync.poll_probe(now, ClientTime::from_nanos(t1)).is_none(), "one at a time");
        assert!(sync.handle_echo(round([t1, 5_000_000, 5_000_000, t1 + rtt])));
    }

    #[test]
    fn eight_rounds_are_made_and_the_quickest_counts() {
        let (mut sync, now) = (ClockSync::new(), Instant::now());
        for rtt in [900, 500, 40, 700, 800, 60, 41, 1_000] {
            assert!(!sync.is_finished());
            answer(&mut sync, now, rtt);
        }
        assert!(sync.is_finished());
        assert_eq!(sync.poll_probe(now, ClientTime::from_nanos(0)), None);
        let estimate = sync.estimate().unwrap();
        assert_eq!(estimate.rtt.as_nanos(), 40);
        assert_eq!(estimate.offset.nanos(), 4_000_000 - 20);
    }

    #[test]
    fn a_host_that_does_not_answer_ends_the_sync_with_what_there_is() {
        let (mut sync, now) = (ClockSync::new(), Instant::now());
        answer(&mut sync, now, 100);
        sync.poll_probe(now, ClientTime::from_nanos(7)).unwrap();
        assert_eq!(sync.poll_timeout(), Some(now + ClockSync::ROUND_LIMIT));
        sync.handle_timeout(now + ClockSync::ROUND_LIMIT / 2);
        assert!(!sync.is_finished());
        sync.handle_timeout(now + ClockSync::ROUND_LIMIT);
        assert!(sync.is_finished() && sync.estimate().is_some() && sync.poll_timeout().is_none());
    }

    #[test]
    fn an_echo_nobody_asked_for_is_ignored() {
        let (mut sync, now) = (ClockSync::new(), Instant::now());
        assert!(!sync.handle_echo(round([0, 0, 0, 0])));
        sync.poll_probe(now, ClientTime::from_nanos(7)).unwrap();
        assert!(!sync.handle_echo(round([8, 9, 10, 11])));
        assert_eq!(sync.estimate(), None);
    }

    #[test]
    fn times_that_run_backwards_or_answer_before_the_question_say_nothing() {
        for times in [[100, 5, 5, 99], [0, 10, 9, 20], [0, 10, 40, 20], [0, u64::MAX, u64::MAX, 1]] {
            assert_eq!(round(times).estimate(), None, "{times:?}");
        }
    }

    proptest! {
        #[test]
        fn any_four_times_are_survived(times in any::<[u64; 4]>()) {
            round(times).estimate();
        }
    }
}
