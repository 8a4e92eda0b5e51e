//! How often somebody may try a password or a claim code. Memory is bounded, and so is the owner's wait.
//!
//! Each source waits 1 s after its first failure, then twice as long each time, up to 30 s. That alone leaves a crowd
//! of addresses as many guesses as it has addresses, so failures of all sources together raise a second hurdle: time
//! is cut into slots of two seconds, and of 2, 4, 8, at last 16 slots in a row each source has one, by a keyed hash.
//!
//! Why slots, and not one pause for everybody: whoever asks first after a common pause gets the attempt, and that is
//! the attacker, who asks all the time. A slot cannot be taken away, needs no memory, and comes again within 30 s.
//! So nobody is told to wait longer than [`LONGEST_WAIT`], and who comes back when told is let through.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use sha2::{Digest as _, Sha256};

use crate::source::Source;

/// Failures of late.
#[derive(Debug)]
pub(crate) struct Throttle {
    /// Where slots are counted from.
    start: Instant,
    /// Keeps strangers from choosing addresses by their slot.
    key: [u8; 32],
    sources: HashMap<Source, Failures>,
    /// Attempts of all sources that were not proven right, less one for every [`DRAIN`] since.
    pressure: u32,
    drained: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    until: Instant,
}

impl Throttle {
    /// Nobody has failed. `key` is fresh and random.
    pub(crate) fn new(now: Instant, key: [u8; 32]) -> Self {
        Self { start: now, key, sources: HashMap::new(), pressure: 0, drained: now }
    }

    /// Leave for `source` to try now. It counts as a failure until [`Throttle::succeeded`], so that attempts made at
    /// once count as well as attempts in a row. An attempt that is refused counts for nothing: a source that asks
    /// too often does not keep itself, or its neighbours behind the same address, out for longer.
    ///
    /// # Errors
    /// How long to wait, [`LONGEST_WAIT`] at most.
    pub(crate) fn attempt(&mut self, now: Instant, source: Source) -> Result<(), Duration> {
        self.drain(now);
        let failures = self.sources.get(&source).filter(|failures| now < failures.until + FORGIVEN).copied();
        let paused = failures.map_or(now, |failures| failures.until.max(now));
        let slots = u64::from((self.pressure / FREE).next_power_of_two().min(MAX_SLOTS));
        if paused > now || self.next_slot(now, source, slots) > now {
            // Under attack, the slot of the highest hurdle, which is one of every lower hurdle too: however the
            // attack grows meanwhile, the source is let through then.
            let hurdle = if slots == 1 { 1 } else { MAX_SLOTS.into() };
            return Err(self.next_slot(paused, source, hurdle) - now);
        }
        if self.sources.len() >= MAX_SOURCES && !self.sources.contains_key(&source) {
            self.make_room(now);
        }
        let count = failures.map_or(0, |failures| failures.count).saturating_add(1);
        self.sources.insert(source, Failures { count, until: now + pause(count) });
        self.pressure = (self.pressure + 1).min(MAX_PRESSURE);
        Ok(())
    }

    /// The attempt of `source` was right.
    pub(crate) fn succeeded(&mut self, source: Source) {
        self.sources.remove(&source);
        self.pressure = self.pressure.saturating_sub(1);
    }

    fn drain(&mut self, now: Instant) {
        let steps = now.saturating_duration_since(self.drained).as_secs() / DRAIN.as_secs();
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        self.pressure = self.pressure.saturating_sub(steps);
        self.drained += DRAIN.saturating_mul(steps);
    }

    /// The first moment from `from` on that lies in a slot of `source`, if each has one of `slots`.
    fn next_slot(&self, from: Instant, source: Source, slots: u64) -> Instant {
        let number = from.saturating_duration_since(self.start).as_secs() / SLOT.as_secs();
        let ahead = (self.place(source) % slots + slots - number % slots) % slots;
        if ahead == 0 {
            return from;
        }
        self.start + Duration::from_secs((number + ahead) * SLOT.as_secs())
    }

    fn place(&self, source: Source) -> u64 {
        let digest = Sha256::new().chain_update(self.key).chain_update(source.octets()).finalize();
        u64::from_be_bytes(*digest.first_chunk().expect("SHA-256 has 32 bytes"))
    }

    /// Forgets who is forgiven, or else who may try again soonest.
    fn make_room(&mut self, now: Instant) {
        self.sources.retain(|_, failures| now < failures.until + FORGIVEN);
        if self.sources.len() < MAX_SOURCES {
            return;
        }
        let soonest = self.sources.iter().min_by_key(|(_, failures)| failures.until).map(|(source, _)| *source);
        if let Some(source) = soonest {
            self.sources.remove(&source);
        }
    }

    #[cfg(test)]
    pub(crate) fn sources(&self) -> usize {
        self.sources.len()
    }
}

fn pause(count: u32) -> Duration {
    Duration::from_secs(1 << count.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
}

/// No source waits longer, whatever the others do: its own pause, then its slot.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const SLOT: Duration = Duration::from_secs(2);
const MAX_SLOTS: u32 = 16;
/// Failures that leave everybody free to try; twice as many halve the slots, and so on.
const FREE: u32 = 8;
/// Enough for all slots; more would only last longer than the attack.
const MAX_PRESSURE: u32 = 256;
/// One failure is forgotten in this time.
const DRAIN: Duration = Duration::from_secs(4);
/// A source's failures count for this long after its pause.
const FORGIVEN: Duration = Duration::from_secs(900);
/// Sources remembered, about 100 KiB.
const MAX_SOURCES: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::{LONGEST_WAIT, MAX_SOURCES, Throttle, pause};
    use crate::source::Source;
    use std::{
        net::{IpAddr, Ipv4Addr},
        time::{Duration, Instant},
    };

    fn source(n: u32) -> Source {
        Source::of(IpAddr::V4(Ipv4Addr::from_bits(0x0A00_0000 + n)))
    }

    fn throttle() -> (Throttle, Instant) {
        let start = Instant::now();
        (Throttle::new(start, [3; 32]), start)
    }

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn two_hundred_wrong_passwords_from_one_address_take_more_than_an_hour_and_a_half() {
        let (mut throttle, start) = throttle();
        let (mut now, mut tried) = (start, 0);
        while tried < 200 {
            match throttle.attempt(now, source(1)) {
                Ok(()) => tried += 1,
                Err(wait) => {
                    assert!(wait <= LONGEST_WAIT);
                    now += wait;
                }
            }
        }
        assert_eq!([1, 2, 3, 5, 6, u32::MAX].map(|n| pause(n).as_secs()), [1, 2, 4, 16, 30, 30]);
        assert!(now - start > Duration::from_secs(90 * 60), "{:?}", now - start);
    }

    /// The attack goes on while the owner waits, and asks ten times a second from each address.
    fn owner_waits_while_attacked_from(addresses: u32) -> Duration {
        let (mut throttle, start) = throttle();
        let mut asked: Option<(Instant, Instant)> = None;
        for step in 0..3_000 {
            let now = start + ms(step * 100);
            for n in 0..addresses {
                let _ = throttle.attempt(now, source(n));
            }
            assert!(throttle.sources() <= MAX_SOURCES);
            let (first, back) = *asked.get_or_insert((start + ms(60_000), start + ms(60_000)));
            if now >= back {
                match throttle.attempt(now, source(1_000_000)) {
                    Ok(()) => return now - first,
                    Err(wait) => asked = Some((first, now + wait)),
                }
            }
        }
        panic!("the owner was kept out");
    }

    #[test]
    fn two_hundred_addresses_that_never_stop_do_not_keep_the_owner_out_for_a_minute() {
        for addresses in [1, 20, 200, 2_000] {
            let waited = owner_waits_while_attacked_from(addresses);
            assert!(waited < LONGEST_WAIT, "{addresses} addresses: {waited:?}");
        }
    }

    #[test]
    fn a_crowd_of_addresses_gets_a_sixteenth_of_what_it_asks_for() {
        let (mut throttle, start) = throttle();
        let tried =
            |throttle: &mut Throttle, now| (0..1_600).filter(|n| throttle.attempt(now, source(*n)).is_ok()).count();
        assert!(tried(&mut throttle, start) < 300);
        let second = tried(&mut throttle, start + Duration::from_secs(2));
        assert!((50..200).contains(&second), "about 100 of 1,600 have this slot: {second}");
    }

    #[test]
    fn attempts_made_at_once_count_as_well_as_attempts_in_a_row() {
        let (mut throttle, start) = throttle();
        assert_eq!((0..10_000).filter(|_| throttle.attempt(start, source(1)).is_ok()).count(), 1);
    }

    #[test]
    fn a_mistyped_password_costs_the_owner_a_second_and_a_right_one_clears_the_slate() {
        let (mut throttle, start) = throttle();
        assert!(throttle.attempt(start, source(1)).is_ok());
        assert_eq!(throttle.attempt(start, source(1)), Err(Duration::from_secs(1)));
        assert!(throttle.attempt(start + Duration::from_secs(1), source(1)).is_ok());
        throttle.succeeded(source(1));
        assert!(throttle.attempt(start + Duration::from_secs(1), source(1)).is_ok());
    }

    #[test]
    fn an_attack_is_forgotten_a_quarter_of_an_hour_after_it_ends() {
        let (mut throttle, start) = throttle();
        for n in 0..60_000 {
            let _ = throttle.attempt(start + ms(u64::from(n)), source(n % 3_000));
        }
        let later = start + Duration::from_secs(60 + 20 * 60);
        assert!((0..8).all(|n| throttle.attempt(later, source(n)).is_ok()));
    }
}
