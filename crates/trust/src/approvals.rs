//! Devices that knocked without being known, and the connections that wait for the owner's answer.

use std::{
    collections::VecDeque,
    fmt,
    net::IpAddr,
    time::{Duration, Instant},
};

use punktfunk_proto::units::Fingerprint;

use crate::{
    name::DeviceName,
    source::{Source, is_private},
};

/// What the owner approves or denies: one device, however often it knocks. Never used twice in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KnockId(u64);

impl KnockId {
    /// The id with this number, as the owner types it.
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for KnockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One held connection. Every id is ended once by a [`ParkedEnd`], unless [`ApprovalQueue::left`] says it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParkedId(u64);

/// How a held connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParkedEnd {
    /// The device is paired now: assess the connection again and go on with it.
    Admitted,
    /// The owner said no (close code 0x64).
    Denied,
    /// Nobody answered in time (close code 0x65).
    Unanswered,
    /// The same device knocked again (close code 0x66).
    Superseded,
}

/// What the owner sees of a device that knocked. Names can be equal; the fingerprint is the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knock {
    /// To approve or deny it by.
    pub id: KnockId,
    /// Who it is.
    pub fingerprint: Fingerprint,
    /// What it calls itself, scrubbed.
    pub name: DeviceName,
    /// Where it knocked from last.
    pub source: IpAddr,
    /// Since its last knock.
    pub age: Duration,
    /// Whether it is still there.
    pub presence: Presence,
    /// How it can be let in.
    pub path: ApprovalPath,
}

/// Whether the connection of a knock is still held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It waits and goes on when approved.
    Waiting,
    /// It is gone; approval counts for the next time.
    Left,
}

/// How a device that knocked can be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalPath {
    /// By approval.
    Click,
    /// It knocked from outside the private ranges: only by a PIN bound to its fingerprint.
    BoundPin,
}

/// Why a knock was not listed. The client is closed; nothing about it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KnockRefusal {
    /// [`ApprovalQueue::MAX`] connections wait already, or [`ApprovalQueue::MAX_FAR`] from outside.
    #[error("too many devices are waiting for approval: try again in some minutes, or pair with a PIN")]
    QueueFull,
    /// [`ApprovalQueue::MAX_PER_SOURCE`] connections from that source wait already.
    #[error("too many devices from this address are waiting for approval: try again in some minutes")]
    SourceFull,
    /// The device needs no approval, or none can be asked for: assess it again.
    #[error("this device is not waiting for approval")]
    NotAwaiting,
}

/// The queue. Bytes and sockets are the caller's; time is a parameter.
///
/// After each call poll [`ApprovalQueue::poll_end`] until `None`, then wait until [`ApprovalQueue::poll_timeout`].
#[derive(Debug, Default)]
pub struct ApprovalQueue {
    entries: Vec<Entry>,
    ends: VecDeque<(ParkedId, ParkedEnd)>,
    last_knock: u64,
    last_parked: u64,
    dropped: u64,
}

#[derive(Debug)]
struct Entry {
    id: KnockId,
    fingerprint: Fingerprint,
    name: DeviceName,
    source: IpAddr,
    knocked: Instant,
    parked: Option<ParkedId>,
}

impl ApprovalQueue {
    /// Devices listed at most.
    pub const MAX: usize = 32;
    /// Devices listed from one source at most.
    pub const MAX_PER_SOURCE: usize = 4;
    /// Devices listed at most that knocked from outside the private ranges: the internet cannot fill the queue, so it
    /// cannot keep the house out of it.
    pub const MAX_FAR: usize = 8;
    /// How long a device stays listed after its last knock.
    pub const LISTED: Duration = Duration::from_secs(600);
    /// How long a connection is held.
    pub const PARKED: Duration = Duration::from_secs(180);

    /// A device knocks, and its connection is held. An earlier one of the same device ends as superseded.
    ///
    /// # Errors
    /// All places are taken by connections that are still held; those are never evicted.
    pub fn knock(
        &mut self,
        now: Instant,
        fingerprint: Fingerprint,
        name: DeviceName,
        source: IpAddr,
    ) -> Result<ParkedId, KnockRefusal> {
        self.handle_timeout(now);
        if let Err(refusal) = self.make_room(fingerprint, source) {
            self.dropped += 1;
            return Err(refusal);
        }
        self.last_parked += 1;
        let parked = ParkedId(self.last_parked);
        let id = match self.entries.iter().position(|entry| entry.fingerprint == fingerprint) {
            Some(at) => {
                let earlier = self.entries.swap_remove(at);
                self.end(earlier.parked, ParkedEnd::Superseded);
                earlier.id
            }
            None => {
                self.last_knock += 1;
                KnockId(self.last_knock)
            }
        };
        self.entries.push(Entry { id, fingerprint, name, source, knocked: now, parked: Some(parked) });
        Ok(parked)
    }

    /// A held connection went away by itself. Its device stays listed.
    pub fn left(&mut self, parked: ParkedId) {
        for entry in &mut self.entries {
            entry.parked = entry.parked.filter(|held| *held != parked);
        }
        self.ends.retain(|(ended, _)| *ended != parked);
    }

    /// The device listed as `id`.
    pub fn find(&self, now: Instant, id: KnockId) -> Option<Knock> {
        self.list(now).find(|knock| knock.id == id)
    }

    /// The devices listed at `now`.
    pub fn list(&self, now: Instant) -> impl Iterator<Item = Knock> + '_ {
        self.entries.iter().filter(move |entry| entry.is_listed(now)).map(move |entry| entry.show(now))
    }

    /// Takes the device off the list; a connection held for it ends as `end`. Says whether it was listed.
    pub fn answer(&mut self, now: Instant, fingerprint: Fingerprint, end: ParkedEnd) -> bool {
        self.handle_timeout(now);
        let Some(at) = self.entries.iter().position(|entry| entry.fingerprint == fingerprint) else { return false };
        let entry = self.entries.swap_remove(at);
        self.end(entry.parked, end);
        true
    }

    /// How many knocks found no place or lost theirs to a newer one, for the owner to be told.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// [`ApprovalQueue::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        for entry in &mut self.entries {
            if now >= entry.knocked + Self::PARKED
                && let Some(parked) = entry.parked.take()
            {
                self.ends.push_back((parked, ParkedEnd::Unanswered));
            }
        }
        self.entries.retain(|entry| entry.is_listed(now));
    }

    /// The next held connection that ended.
    pub fn poll_end(&mut self) -> Option<(ParkedId, ParkedEnd)> {
        self.ends.pop_front()
    }

    /// When [`ApprovalQueue::handle_timeout`] is next due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.entries.iter().map(Entry::due).min()
    }

    /// Makes a place for `fingerprint`, its own or that of the least recently active device that left.
    fn make_room(&mut self, fingerprint: Fingerprint, address: IpAddr) -> Result<(), KnockRefusal> {
        let source = Source::of(address);
        let is_far = |entry: &Entry| !is_private(entry.source) && entry.fingerprint != fingerprint;
        let own_place = self.entries.iter().any(|entry| entry.fingerprint == fingerprint);
        let from_source = |entry: &Entry| Source::of(entry.source) == source && entry.fingerprint != fingerprint;
        if self.entries.iter().filter(|entry| from_source(entry)).count() >= Self::MAX_PER_SOURCE {
            self.evict(from_source).ok_or(KnockRefusal::SourceFull)?;
        }
        if !is_private(address) && self.entries.iter().filter(|entry| is_far(entry)).count() >= Self::MAX_FAR {
            self.evict(is_far).ok_or(KnockRefusal::QueueFull)?;
        }
        if self.entries.len() >= Self::MAX && !own_place {
            self.evict(|_| true).ok_or(KnockRefusal::QueueFull)?;
        }
        Ok(())
    }

    /// Drops the least recently active device among those `eligible` that left; `None` if there is none.
    fn evict(&mut self, eligible: impl Fn(&Entry) -> bool) -> Option<()> {
        let left = self.entries.iter().enumerate().filter(|(_, entry)| entry.parked.is_none() && eligible(entry));
        let (oldest, _) = left.min_by_key(|(_, entry)| entry.knocked)?;
        self.entries.swap_remove(oldest);
        self.dropped += 1;
        Some(())
    }

    fn end(&mut self, parked: Option<ParkedId>, end: ParkedEnd) {
        self.ends.extend(parked.map(|parked| (parked, end)));
    }
}

impl Entry {
    fn is_listed(&self, now: Instant) -> bool {
        now < self.knocked + ApprovalQueue::LISTED
    }

    fn due(&self) -> Instant {
        self.knocked + if self.parked.is_some() { ApprovalQueue::PARKED } else { ApprovalQueue::LISTED }
    }

    fn show(&self, now: Instant) -> Knock {
        Knock {
            id: self.id,
            fingerprint: self.fingerprint,
            name: self.name.clone(),
            source: self.source,
            age: now.saturating_duration_since(self.knocked),
            presence: if self.parked.is_some() { Presence::Waiting } else { Presence::Left },
            path: if is_private(self.source) { ApprovalPath::Click } else { ApprovalPath::BoundPin },
        }
    }
}

#[cfg(test)]
mod tests;
