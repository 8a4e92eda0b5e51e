//! What trust promises, without any of the machinery: a page of maps that a person can check by reading.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use punktfunk_proto::units::HostTime;

use crate::{
    access::{Grants, Offer},
    clock::Moment,
    pin::{InvitedBy, PinWindow},
};

/// Devices are numbers here.
pub(super) type Who = u8;

/// A device that the owner let in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Known {
    pub(super) offer: Offer,
    pub(super) since: HostTime,
    pub(super) revoked: bool,
}

impl Known {
    /// When its access ends, in whole seconds.
    pub(super) fn expires(&self) -> Option<u64> {
        self.offer.lifetime.map(|life| whole(self.since) + life.as_secs())
    }
}

/// A secret that the owner showed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) number: u64,
    pub(super) by: InvitedBy,
    pub(super) meant: Option<Who>,
    pub(super) offer: Offer,
    until: Instant,
    /// Who made the one guess that a PIN is good for.
    guessed: Option<Who>,
}

/// A guess that was answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guess {
    pub(super) who: Who,
    pub(super) window: u64,
    until: Instant,
}

pub(super) struct Reference {
    /// The reading of the clock that never goes back, when it was read, and the latest reading on the disk.
    clock: HostTime,
    read: Instant,
    stored: HostTime,
    pub(super) known: BTreeMap<Who, Known>,
    /// Removed, but the disk did not take it.
    pub(super) shut_out: BTreeSet<Who>,
    /// Who knocked, when, and whether from outside.
    pub(super) listed: BTreeMap<Who, (Instant, bool)>,
    pub(super) window: Option<Window>,
    opened: u64,
}

impl Reference {
    pub(super) fn new(now: Moment) -> Self {
        let (known, shut_out, listed) = Default::default();
        let stored = now.wall;
        Self { clock: now.wall, read: now.instant, stored, known, shut_out, listed, window: None, opened: 0 }
    }

    /// The host starts again: what was not on the disk is gone.
    pub(super) fn restart(&mut self, now: Moment) {
        self.clock = self.stored.max(now.wall);
        self.read = now.instant;
        self.shut_out.clear();
        self.listed.clear();
        self.window = None;
    }

    pub(super) fn time(&mut self, now: Moment) -> HostTime {
        self.clock = self.clock.plus(now.instant - self.read).max(now.wall);
        self.read = now.instant;
        self.listed.retain(|_, (since, _)| now.instant < *since + LISTED);
        self.clock
    }

    /// The disk took a write.
    pub(super) fn wrote(&mut self) {
        self.stored = self.stored.max(HostTime::from_nanos(whole(self.clock) * SECOND));
    }

    pub(super) fn arm(&mut self, now: Instant, by: InvitedBy, meant: Option<Who>, offer: Offer) {
        self.opened += 1;
        let life = match by {
            InvitedBy::Pin => PinWindow::LIFETIME,
            InvitedBy::Token => PinWindow::TOKEN_LIFETIME,
        };
        self.window = Some(Window { number: self.opened, by, meant, offer, until: now + life, guessed: None });
    }

    /// The window that `who` may try now.
    pub(super) fn open_to(&self, now: Instant, who: Who) -> Option<u64> {
        let window = self.window.filter(|window| now < window.until && window.guessed.is_none())?;
        window.meant.is_none_or(|meant| meant == who).then_some(window.number)
    }

    /// `who` tries a secret of the window `number`; `None` if that window hears nobody now.
    pub(super) fn guess(&mut self, now: Instant, who: Who, number: u64) -> Option<Guess> {
        self.open_to(now, who).filter(|open| *open == number)?;
        let window = self.window.as_mut()?;
        if window.by == InvitedBy::Pin {
            window.guessed = Some(who);
        }
        Some(Guess { who, window: number, until: now + PinWindow::PROOF_LIFETIME })
    }

    /// The guess was right: what a new device gets, if it still counts. No window pairs twice.
    pub(super) fn prove(&mut self, now: Instant, guess: Guess) -> Option<Offer> {
        let window = self.window.filter(|window| window.number == guess.window && now < guess.until)?;
        assert!(window.by == InvitedBy::Token || window.guessed == Some(guess.who), "a second guess at a PIN");
        self.window = None;
        Some(window.offer)
    }

    /// A device was paired and stored. One that was known keeps what it has.
    pub(super) fn paired(&mut self, who: Who, offer: Offer) {
        let since = self.clock;
        self.known.entry(who).or_insert(Known { offer, since, revoked: false }).revoked = false;
        self.shut_out.remove(&who);
        if self.allowed(who).is_some() {
            self.listed.remove(&who);
        }
    }

    /// The owner approved a knock and that was stored. One that was known gets its own rights again.
    pub(super) fn approved(&mut self, who: Who, offer: Offer) {
        let offer = self.known.get(&who).map_or(offer, |known| known.offer);
        self.known.insert(who, Known { offer, since: self.clock, revoked: false });
        self.listed.remove(&who);
    }

    /// Removal begins in memory, whatever the disk says.
    pub(super) fn cut(&mut self, who: Who) {
        self.shut_out.insert(who);
        self.listed.remove(&who);
        let concerns = |window: &Window| {
            window.meant == Some(who)
                || window.guessed == Some(who)
                || (window.by == InvitedBy::Token && window.meant.is_none())
        };
        self.window = self.window.filter(|window| !concerns(window));
    }

    /// What the owner allows `who`; `None` is nothing at all.
    pub(super) fn allowed(&self, who: Who) -> Option<Grants> {
        let known = self.known.get(&who).filter(|known| !known.revoked && !self.shut_out.contains(&who))?;
        let over = known.expires().is_some_and(|end| whole(self.clock) >= end);
        (!over).then_some(known.offer.grants)
    }

    /// Whether `who` was removed, so that nobody is asked about it.
    pub(super) fn is_removed(&self, who: Who) -> bool {
        self.shut_out.contains(&who) || self.known.get(&who).is_some_and(|known| known.revoked)
    }
}

fn whole(time: HostTime) -> u64 {
    time.nanos() / SECOND
}

const SECOND: u64 = 1_000_000_000;
/// How long a knock is listed (specification, section 3.4).
const LISTED: Duration = Duration::from_secs(600);
