//! Who may touch which place of the shared memory, as the host keeps it. No I/O: packets and time in, decisions out.
//!
//! The session offers a painted place and must leave it alone until it is released. The host reads the newest offer, but
//! not more often than twice a refresh, however fast offers come; it keeps what it read last, to be able to show it again.

use std::time::{Duration, Instant};

use super::wire::{SLOTS, Slot};

/// A painted place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) slot: Slot,
    /// When it was painted, on the monotonic clock, as the session says.
    pub(super) at: Duration,
}

/// The session offered a place that is not its own.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session painted over a picture that is the host's")]
pub(super) struct NotYours;

/// The places and their owners.
#[derive(Debug)]
pub(super) struct Slots {
    /// Offers that were not read, the oldest first.
    waiting: Vec<Offer>,
    /// What was read last.
    shown: Option<Offer>,
    /// Read or passed over, but not yet released.
    owed: Vec<Slot>,
    /// The least time between two readings.
    gap: Duration,
    due: Instant,
}

impl Slots {
    /// All places are the session's. `period` is the time of one refresh.
    pub(super) fn new(now: Instant, period: Duration) -> Self {
        let (waiting, owed) = (Vec::with_capacity(SLOTS), Vec::with_capacity(SLOTS));
        Self { waiting, shown: None, owed, gap: period / 2, due: now }
    }

    /// The session offers a picture.
    pub(super) fn offer(&mut self, offer: Offer) -> Result<(), NotYours> {
        let taken = self.waiting.iter().chain(&self.shown).map(|offer| offer.slot).chain(self.owed.iter().copied());
        if taken.into_iter().any(|slot| slot == offer.slot) {
            return Err(NotYours);
        }
        self.waiting.push(offer);
        Ok(())
    }

    /// The offer to read now, if one is due, and how many older ones it makes stale.
    pub(super) fn take(&mut self, now: Instant) -> Option<(Offer, u32)> {
        if now < self.due {
            return None;
        }
        let newest = self.waiting.pop()?;
        let stale = self.waiting.len() as u32;
        self.owed.extend(self.waiting.drain(..).chain(self.shown.replace(newest)).map(|offer| offer.slot));
        self.due = now + self.gap;
        Some((newest, stale))
    }

    /// What was read last; it is still the host's.
    pub(super) fn shown(&self) -> Option<Offer> {
        self.shown
    }

    /// A place that the session is to be told it has back.
    pub(super) fn owed(&self) -> Option<Slot> {
        self.owed.last().copied()
    }

    /// The session has been told.
    pub(super) fn released(&mut self) {
        self.owed.pop();
    }

    /// When the next offer is due, if there is one.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then_some(self.due)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{NotYours, Offer, Slots};
    use crate::display::gamescope::wire::Slot;

    const PERIOD: Duration = Duration::from_millis(16);

    fn offer(slot: usize) -> Offer {
        Offer { slot: Slot::ALL[slot], at: Duration::ZERO }
    }

    fn release_all(slots: &mut Slots) -> usize {
        let mut count = 0;
        while slots.owed().is_some() {
            slots.released();
            count += 1;
        }
        count
    }

    #[test]
    fn pictures_at_the_displays_rate_are_all_read_and_their_places_come_back() {
        let mut now = Instant::now();
        let mut slots = Slots::new(now, PERIOD);
        for number in 0..30 {
            slots.offer(offer(number % 2)).unwrap();
            assert_eq!(slots.take(now), Some((offer(number % 2), 0)));
            assert_eq!(release_all(&mut slots), usize::from(number > 0));
            now += PERIOD;
        }
    }

    #[test]
    fn of_pictures_that_come_too_fast_the_newest_is_read_and_the_rest_are_counted() {
        let now = Instant::now();
        let mut slots = Slots::new(now, PERIOD);
        slots.offer(offer(0)).unwrap();
        assert_eq!(slots.take(now), Some((offer(0), 0)));
        slots.offer(offer(1)).unwrap();
        slots.offer(offer(2)).unwrap();
        assert_eq!(slots.take(now), None);
        assert_eq!(slots.wake_at(), Some(now + PERIOD / 2));
        assert_eq!(slots.take(now + PERIOD / 2), Some((offer(2), 1)));
        assert_eq!(slots.shown(), Some(offer(2)));
        assert_eq!(release_all(&mut slots), 2);
        assert_eq!(slots.wake_at(), None);
    }

    #[test]
    fn a_place_that_is_the_hosts_cannot_be_offered() {
        let now = Instant::now();
        let mut slots = Slots::new(now, PERIOD);
        slots.offer(offer(0)).unwrap();
        assert_eq!(slots.offer(offer(0)), Err(NotYours), "waiting");
        slots.take(now);
        assert_eq!(slots.offer(offer(0)), Err(NotYours), "shown");
        slots.offer(offer(1)).unwrap();
        slots.take(now + PERIOD);
        assert_eq!(slots.offer(offer(0)), Err(NotYours), "not yet released");
        release_all(&mut slots);
        slots.offer(offer(0)).unwrap();
    }
}
