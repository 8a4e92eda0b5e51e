//! Who may be connected: bounded in all and for each source, and no place is kept by waiting.
//!
//! A newcomer always finds a place, unless all that it could have are held by answers that go on: of the source that has
//! most places, the connection that was answered longest ago gives way. Whoever floods pushes out himself.

use std::{
    collections::{BTreeMap, HashMap},
    time::Instant,
};

use crate::source::Source;

/// Names a place for as long as the process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaceId(u64);

/// A place that was found.
#[derive(Debug, PartialEq, Eq)]
pub struct Entered {
    /// The place.
    pub id: PlaceId,
    /// Who has to go for it.
    pub instead_of: Option<PlaceId>,
}

#[derive(Debug)]
struct Taken {
    source: Source,
    /// When it came, or was last answered.
    seen: Instant,
    held: bool,
}

/// The places of a server. Sockets are the caller's; time is a parameter.
#[derive(Debug)]
pub struct Places {
    most: usize,
    most_per_source: usize,
    next: u64,
    taken: BTreeMap<PlaceId, Taken>,
}

impl Places {
    /// `most` places in all, so many of them for one source.
    pub fn new(most: usize, most_per_source: usize) -> Self {
        Self { most, most_per_source, next: 0, taken: BTreeMap::new() }
    }

    /// A place for a newcomer from `source`; `None` where all it could have are held.
    pub fn enter(&mut self, now: Instant, source: Source) -> Option<Entered> {
        let counts = self.counts();
        let instead_of = if counts.get(&source).is_some_and(|count| *count >= self.most_per_source) {
            Some(self.idlest_of(source)?)
        } else if self.taken.len() >= self.most {
            Some(self.idlest_of_the_busiest(&counts)?)
        } else {
            None
        };
        if let Some(other) = instead_of {
            self.leave(other);
        }
        let id = PlaceId(self.next);
        self.next += 1;
        self.taken.insert(id, Taken { source, seen: now, held: false });
        Some(Entered { id, instead_of })
    }

    /// The place is free again.
    pub fn leave(&mut self, id: PlaceId) {
        self.taken.remove(&id);
    }

    /// Whether somebody has it.
    pub fn is_taken(&self, id: PlaceId) -> bool {
        self.taken.contains_key(&id)
    }

    /// Whoever has it was answered.
    pub fn seen(&mut self, id: PlaceId, now: Instant) {
        if let Some(place) = self.taken.get_mut(&id) {
            place.seen = now;
        }
    }

    /// While `held`, nobody takes it.
    pub fn hold(&mut self, id: PlaceId, held: bool) {
        if let Some(place) = self.taken.get_mut(&id) {
            place.held = held;
        }
    }

    fn counts(&self) -> HashMap<Source, usize> {
        let mut counts = HashMap::new();
        for place in self.taken.values() {
            *counts.entry(place.source).or_default() += 1;
        }
        counts
    }

    fn idlest_of(&self, source: Source) -> Option<PlaceId> {
        let free = self.taken.iter().filter(|(_, place)| place.source == source && !place.held);
        free.min_by_key(|(_, place)| place.seen).map(|(id, _)| *id)
    }

    /// Of the sources with a place to give, the one with most places; of equals, the one that idles longest.
    fn idlest_of_the_busiest(&self, counts: &HashMap<Source, usize>) -> Option<PlaceId> {
        let free = self.taken.iter().filter(|(_, place)| !place.held);
        free.min_by_key(|(_, place)| (std::cmp::Reverse(counts[&place.source]), place.seen)).map(|(id, _)| *id)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Places, Source};

    fn source(last: u8) -> Source {
        Source::of([192, 168, 1, last].into())
    }

    #[test]
    fn whoever_floods_pushes_out_himself() {
        let start = Instant::now();
        let mut places = Places::new(8, 8);
        let owner = places.enter(start, source(1)).unwrap().id;
        for n in 0..10_000_u64 {
            assert!(places.enter(start + Duration::from_millis(n), source(2)).is_some());
        }
        assert!(places.is_taken(owner), "the one of the quiet source stays");
        assert_eq!(places.taken.len(), 8);
        assert!(places.enter(start + Duration::from_secs(60), source(1)).is_some(), "and gets another");
    }

    #[test]
    fn of_one_source_the_longest_idle_gives_way() {
        let start = Instant::now();
        let mut places = Places::new(8, 2);
        let [first, second] = [0, 1].map(|n| places.enter(start + Duration::from_secs(n), source(1)).unwrap().id);
        places.seen(first, start + Duration::from_secs(5));
        let third = places.enter(start + Duration::from_secs(6), source(1)).unwrap();
        assert_eq!(third.instead_of, Some(second));
        assert!(places.is_taken(first));
    }

    #[test]
    fn a_held_place_is_not_taken() {
        let start = Instant::now();
        let mut places = Places::new(8, 1);
        let stream = places.enter(start, source(1)).unwrap().id;
        places.hold(stream, true);
        assert_eq!(places.enter(start, source(1)), None);
        places.hold(stream, false);
        assert!(places.enter(start, source(1)).is_some());
    }
}
