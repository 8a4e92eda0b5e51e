//! How much a companion may say: a little more than sound needs, whatever it sends.

use std::time::{Duration, Instant};

/// A packet each 5 ms is sound; this much less leaves room for catching up after a stall.
const EACH: Duration = Duration::from_micros(4_500);
/// Packets at once: 200 ms.
const BURST: u32 = 40;

/// What is left of it.
#[derive(Debug)]
pub(super) struct Allowance {
    /// When all of it will be there again.
    full_at: Instant,
}

impl Allowance {
    pub(super) fn new(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// A packet was taken.
    pub(super) fn take(&mut self, now: Instant) {
        self.full_at = self.full_at.max(now) + EACH;
    }

    /// How long until one may be taken; `None`: now.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let used = self.full_at.saturating_duration_since(now);
        used.checked_sub(EACH * BURST).map(|over| over + EACH)
    }
}

#[cfg(test)]
mod tests {
    use super::Allowance;
    use std::time::{Duration, Instant};

    #[test]
    fn a_flood_is_taken_at_the_rate_of_sound() {
        let start = Instant::now();
        let (mut now, mut taken) = (start, 0);
        let mut allowance = Allowance::new(now);
        while now < start + Duration::from_secs(10) {
            match allowance.wait(now) {
                Some(pause) => now += pause,
                None => {
                    allowance.take(now);
                    taken += 1;
                }
            }
        }
        assert!((2_200..2_300).contains(&taken), "{taken}");
    }

    #[test]
    fn sound_never_waits_even_after_a_stall() {
        let mut now = Instant::now();
        let mut allowance = Allowance::new(now);
        for packet in 0..2_000 {
            assert_eq!(allowance.wait(now), None, "packet {packet}");
            allowance.take(now);
            // Every second packet's thread was late: two come at once.
            now += Duration::from_millis(if packet % 2 == 0 { 0 } else { 10 });
        }
    }
}
