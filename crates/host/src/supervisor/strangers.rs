//! Places for connections that are neither admitted nor refused yet: bounds what strangers can hold, without letting
//! those who say nothing keep others out.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use punktfunk_transport::source_of;
use tokio::sync::Notify;

/// The places.
pub(super) struct Strangers {
    most: usize,
    places: Mutex<Places>,
}

#[derive(Default)]
struct Places {
    last: u64,
    /// Oldest first.
    taken: BTreeMap<u64, Taken>,
}

struct Taken {
    source: IpAddr,
    manner: Manner,
    give_way: Arc<Notify>,
}

/// Whether a connection may have to give way to a newer one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// It has said nothing yet, and may.
    Silent,
    /// It has said what it wants: the PIN window and the approval queue bound those.
    Spoke,
}

/// One connection's place, free again when this is dropped.
pub(super) struct Place {
    strangers: Arc<Strangers>,
    number: u64,
    give_way: Arc<Notify>,
}

impl Strangers {
    /// `most` free places.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, places: Mutex::default() })
    }

    /// A place for a connection from `source`. Where all are taken, the oldest silent connection of the source that
    /// holds most silent ones gives way, which may be the same source. `None`: nobody is silent.
    pub(super) fn enter(self: &Arc<Self>, source: IpAddr) -> Option<Place> {
        let mut places = self.places();
        if places.taken.len() >= self.most {
            let gone = places.busiest_silent()?;
            if let Some(taken) = places.taken.remove(&gone) {
                taken.give_way.notify_one();
            }
        }
        places.last += 1;
        let (number, give_way) = (places.last, Arc::new(Notify::new()));
        let taken = Taken { source: source_of(source), manner: Manner::Silent, give_way: Arc::clone(&give_way) };
        places.taken.insert(number, taken);
        Some(Place { strangers: Arc::clone(self), number, give_way })
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn busiest_silent(&self) -> Option<u64> {
        let silent = || self.taken.iter().filter(|(_, taken)| taken.manner == Manner::Silent);
        let mut counts: HashMap<IpAddr, usize> = HashMap::new();
        silent().for_each(|(_, taken)| *counts.entry(taken.source).or_default() += 1);
        let most = counts.values().max()?;
        silent().find(|(_, taken)| counts.get(&taken.source) == Some(most)).map(|(number, _)| *number)
    }
}

impl Place {
    /// Waits until it has to give way.
    pub(super) async fn gives_way(&self) {
        self.give_way.notified().await;
    }

    /// The connection has said what it wants and keeps its place; `false` if it has had to give way already.
    pub(super) fn speak(&self) -> bool {
        let mut places = self.strangers.places();
        places.taken.get_mut(&self.number).map(|taken| taken.manner = Manner::Spoke).is_some()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.strangers.places().taken.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::{net::IpAddr, sync::Arc};

    use super::{Place, Strangers};

    fn ip(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn enter(strangers: &Arc<Strangers>, sources: &[u8]) -> Vec<Place> {
        sources.iter().map(|last| strangers.enter(ip(*last)).expect("a place")).collect()
    }

    fn have_place(places: &[Place]) -> Vec<bool> {
        places.iter().map(|place| place.strangers.places().taken.contains_key(&place.number)).collect()
    }

    #[test]
    fn where_all_places_are_taken_the_busiest_source_gives_way_with_its_oldest_silent_connection() {
        let strangers = Strangers::new(4);
        let held = enter(&strangers, &[1, 2, 2, 3]);
        let _newcomer = strangers.enter(ip(4)).expect("a place");
        assert_eq!(have_place(&held), [true, false, true, true]);
        assert!(!held[1].speak(), "who gave way cannot go on");
    }

    #[test]
    fn who_has_spoken_never_gives_way() {
        let strangers = Strangers::new(3);
        let held = enter(&strangers, &[1, 1, 1]);
        assert!(held[0].speak() && held[1].speak());
        let newcomer = strangers.enter(ip(1)).expect("the silent one's place");
        assert_eq!(have_place(&held), [true, true, false]);
        assert!(newcomer.speak());
        assert!(strangers.enter(ip(2)).is_none(), "nobody is silent");
    }

    #[test]
    fn a_place_is_free_again_once_its_connection_is_gone() {
        let strangers = Strangers::new(2);
        for _ in 0..10 {
            let held = enter(&strangers, &[1, 2]);
            assert!(held.iter().all(Place::speak));
            assert!(strangers.enter(ip(3)).is_none());
        }
        enter(&strangers, &[1, 2]);
    }

    #[tokio::test]
    async fn who_has_to_give_way_is_told() {
        let strangers = Strangers::new(1);
        let old = strangers.enter(ip(1)).expect("a place");
        let _new = strangers.enter(ip(2)).expect("a place");
        old.gives_way().await;
    }
}
