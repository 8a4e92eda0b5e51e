//! Spreading a frame's datagrams over time (spec section 4.9): the first burst at once, the rest at three times the
//! bitrate, within 100 ms, in steps at least 500 µs apart.

use std::time::{Duration, Instant};

use crate::units::Bitrate;

/// Bytes of a frame that always go out at once.
pub const MIN_BURST: usize = 128 * 1024;
/// The longest a frame is spread.
pub const MAX_SPREAD: Duration = Duration::from_millis(100);
/// The shortest sleep.
pub const MIN_STEP: Duration = Duration::from_micros(500);
/// Fewest datagrams of a step.
const MIN_STEP_DATAGRAMS: usize = 16;

/// When the datagrams of one frame may go.
#[derive(Clone, Copy, Debug)]
pub struct FramePace {
    start: Instant,
    burst: usize,
    total: usize,
    /// Bytes of a datagram, and the rate to spread by.
    datagram: usize,
    bitrate: Bitrate,
    /// How long everything after the burst takes.
    spread: Duration,
    /// Bytes that become due together after the burst.
    step: usize,
    sent: usize,
}

impl FramePace {
    /// The pace of a frame of `total` bytes in datagrams of `datagram` bytes, starting at `now`. At bitrate zero
    /// everything goes at once.
    pub fn new(now: Instant, total: usize, datagram: usize, bitrate: Bitrate) -> Self {
        let mut pace =
            Self { start: now, burst: 0, total: 0, datagram, bitrate, spread: Duration::ZERO, step: 0, sent: 0 };
        pace.grow(total);
        pace
    }

    /// The frame has `bytes` more: it is still being encoded.
    pub fn grow(&mut self, bytes: usize) {
        self.total += bytes;
        self.burst = MIN_BURST.max(self.total / 4).min(self.total);
        let rest = self.total - self.burst;
        self.spread = match self.bitrate.bps() {
            0 => Duration::ZERO,
            _ => (self.bitrate.time_for(rest) / 3).min(MAX_SPREAD),
        };
        let per_step = rest as u128 * MIN_STEP.as_nanos() / self.spread.as_nanos().max(1);
        self.step = (per_step.min(rest as u128) as usize).max(MIN_STEP_DATAGRAMS * self.datagram);
    }

    /// Bytes that may go at `now`.
    pub fn allowance(&self, now: Instant) -> usize {
        let rest = self.total - self.burst;
        let elapsed = now.saturating_duration_since(self.start);
        let due = if rest == 0 || elapsed >= self.spread {
            self.total
        } else {
            let flown = (rest as u128 * elapsed.as_nanos() / self.spread.as_nanos()) as usize;
            self.burst + flown / self.step * self.step
        };
        due.saturating_sub(self.sent)
    }

    /// Notes that `bytes` went.
    pub fn sent(&mut self, bytes: usize) {
        self.sent += bytes;
    }

    /// When more becomes due than what has gone.
    pub fn next_due(&self) -> Instant {
        let rest = self.total - self.burst;
        let Some(beyond) = self.sent.checked_sub(self.burst) else { return self.start };
        let next_step = (beyond / self.step + 1) * self.step;
        if next_step >= rest {
            return self.start + self.spread;
        }
        let nanos = self.spread.as_nanos() * next_step as u128 / rest as u128 + 1;
        self.start + Duration::from_nanos(nanos as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::proptest;

    use super::{FramePace, MAX_SPREAD, MIN_BURST, MIN_STEP};
    use crate::units::Bitrate;

    /// Sends when allowed and sleeps until due, and returns when what went.
    fn play(total: usize, bitrate: Bitrate) -> Vec<(Duration, usize)> {
        let start = Instant::now();
        let mut pace = FramePace::new(start, total, 1_472, bitrate);
        let (mut now, mut sent, mut steps) = (start, 0, Vec::new());
        while sent < total {
            let allowed = pace.allowance(now);
            assert!(allowed > 0, "woken for nothing after {:?} of {total} bytes", now - start);
            pace.sent(allowed);
            sent += allowed;
            steps.push((now - start, allowed));
            now = pace.next_due();
        }
        steps
    }

    #[test]
    fn a_small_frame_goes_at_once() {
        assert_eq!(play(40_000, Bitrate::from_mbps(20)), [(Duration::ZERO, 40_000)]);
    }

    #[test]
    fn a_large_frame_is_spread_at_three_times_the_bitrate() {
        let steps = play(MIN_BURST + 75_000, Bitrate::from_mbps(20));
        assert_eq!(steps[0].1, MIN_BURST);
        assert_eq!(steps.last().unwrap().0, Duration::from_millis(10), "75 kB at 60 Mbit/s");
    }

    #[test]
    fn a_frame_that_grows_goes_as_if_it_had_been_there_at_once() {
        let (start, total, bitrate) = (Instant::now(), MIN_BURST + 75_000, Bitrate::from_mbps(20));
        let mut grown = FramePace::new(start, 0, 1_472, bitrate);
        assert_eq!(grown.allowance(start), 0);
        grown.grow(total / 2);
        assert_eq!(grown.allowance(start), total / 2);
        grown.grow(total - total / 2);
        let whole = FramePace::new(start, total, 1_472, bitrate);
        for after in [0, 1, 5, 9, 10, 11].map(Duration::from_millis) {
            assert_eq!(grown.allowance(start + after), whole.allowance(start + after));
        }
    }

    #[test]
    fn no_bitrate_means_no_pacing() {
        assert_eq!(play(10_000_000, Bitrate::default()).len(), 1);
    }

    proptest! {
        #[test]
        fn everything_goes_in_time_and_no_sleep_is_too_short(total in 1_usize..8_000_000, kbps in 1_u32..2_000_000) {
            let steps = play(total, Bitrate::from_kbps(kbps));
            assert_eq!(steps.iter().map(|step| step.1).sum::<usize>(), total);
            assert!(steps.last().unwrap().0 <= MAX_SPREAD);
            for two in steps.windows(2).take(steps.len().saturating_sub(2)) {
                assert!(two[1].0 - two[0].0 >= MIN_STEP - Duration::from_micros(1), "{steps:?}");
            }
        }
    }
}
