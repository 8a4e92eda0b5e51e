//! How often one source may try to pair. Memory is bounded, so the limit cannot be turned against the host.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::source::Source;

/// Stamps of the sources that tried lately.
#[derive(Debug, Default)]
pub struct Cooldown {
    stamps: HashMap<Source, Stamp>,
}

#[derive(Clone, Copy, Debug)]
struct Stamp {
    until: Instant,
    wrong: u32,
}

impl Cooldown {
    /// Between attempts of one source (spec section 3.3).
    pub const PAUSE: Duration = Duration::from_secs(2);

    /// Whether `source` may try at `now`. Every call stamps, an attempt that comes too early as well
    /// (spec section 3.3).
    pub fn attempt(&mut self, now: Instant, source: Source) -> bool {
        let known = self.stamps.get(&source).filter(|stamp| now < stamp.until + FORGIVEN).copied();
        let wrong = known.map_or(0, |stamp| stamp.wrong);
        self.stamp(now, source, wrong);
        known.is_none_or(|stamp| now >= stamp.until)
    }

    /// `source` used up a PIN. It counts as wrong until [`Cooldown::succeeded`].
    pub fn guessed(&mut self, now: Instant, source: Source) {
        let wrong = self.stamps.get(&source).map_or(0, |stamp| stamp.wrong);
        self.stamp(now, source, wrong.saturating_add(1));
    }

    /// The guess of `source` was right.
    pub fn succeeded(&mut self, source: Source) {
        if let Some(stamp) = self.stamps.get_mut(&source) {
            stamp.wrong = 0;
        }
    }

    fn stamp(&mut self, now: Instant, source: Source, wrong: u32) {
        if self.stamps.len() >= MAX_SOURCES && !self.stamps.contains_key(&source) {
            self.make_room(now);
        }
        self.stamps.insert(source, Stamp { until: now + pause(wrong), wrong });
    }

    /// Forgets who is long forgiven, or else who would be allowed again soonest: turning newcomers away instead
    /// would let a crowd of addresses keep the owner out.
    fn make_room(&mut self, now: Instant) {
        self.stamps.retain(|_, stamp| now < stamp.until + FORGIVEN);
        if self.stamps.len() < MAX_SOURCES {
            return;
        }
        if let Some(soonest) = self.stamps.iter().min_by_key(|(_, stamp)| stamp.until).map(|(source, _)| *source) {
            self.stamps.remove(&soonest);
        }
    }

    #[cfg(test)]
    pub(crate) fn sources(&self) -> usize {
        self.stamps.len()
    }
}

/// 2 s, doubled for every wrong PIN after the first, never more than a minute.
fn pause(wrong: u32) -> Duration {
    Cooldown::PAUSE.saturating_mul(1 << wrong.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
}

/// An owner who mistypes again and again waits no longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Wrong PINs count for this long after the pause.
const FORGIVEN: Duration = Duration::from_secs(600);
/// Sources remembered, about 100 KiB.
pub(crate) const MAX_SOURCES: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::{Cooldown, MAX_SOURCES, pause};
    use crate::source::Source;
    use std::{
        net::{IpAddr, Ipv4Addr},
        time::{Duration, Instant},
    };

    fn source(n: u32) -> Source {
        Source::of(IpAddr::V4(Ipv4Addr::from_bits(0x0A00_0000 + n)))
    }

    #[test]
    fn a_source_that_hammers_stays_out_and_others_do_not_notice() {
        let (mut cooldown, start) = (Cooldown::default(), Instant::now());
        let admitted = (0..10_000u32)
            .filter(|n| cooldown.attempt(start + Duration::from_millis(u64::from(*n)), source(1)))
            .count();
        assert_eq!(admitted, 1);
        assert!(cooldown.attempt(start + Duration::from_secs(10), source(2)));
    }

    #[test]
    fn a_source_may_try_again_after_two_seconds_of_quiet() {
        let (mut cooldown, start) = (Cooldown::default(), Instant::now());
        assert!(cooldown.attempt(start, source(1)));
        assert!(!cooldown.attempt(start + Duration::from_millis(1_999), source(1)));
        assert!(cooldown.attempt(start + Duration::from_millis(3_999), source(1)));
    }

    #[test]
    fn wrong_pins_make_the_pause_longer_up_to_a_minute_and_a_right_one_ends_that() {
        assert_eq!([0, 1, 2, 3, 6, u32::MAX].map(|n| pause(n).as_secs()), [2, 2, 4, 8, 60, 60]);
        let (mut cooldown, start) = (Cooldown::default(), Instant::now());
        for _ in 0..40 {
            cooldown.guessed(start, source(1));
        }
        assert!(!cooldown.attempt(start + Duration::from_secs(59), source(1)));
        cooldown.succeeded(source(1));
        assert!(cooldown.attempt(start + Duration::from_secs(120), source(1)));
        assert!(cooldown.attempt(start + Duration::from_secs(122), source(1)));
    }

    #[test]
    fn a_crowd_of_sources_neither_fills_memory_nor_keeps_a_newcomer_out() {
        let (mut cooldown, start) = (Cooldown::default(), Instant::now());
        for n in 0..10_000 {
            cooldown.attempt(start + Duration::from_micros(u64::from(n)), source(n));
        }
        assert_eq!(cooldown.sources(), MAX_SOURCES);
        assert!(cooldown.attempt(start + Duration::from_millis(20), source(20_000)));
    }
}
