//! Units in order. On a link that keeps order a gap is believed at once, as every client of this protocol does; on
//! one that has been seen to reorder, a unit that overtook its predecessor waits for it as long as lateness was seen
//! to last, at most [`MAX_PATIENCE`]. Otherwise reordering would look like loss: each late frame would cost a freeze
//! and a recovery frame.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::video::reassembler::{AssembledUnit, WINDOW, is_newer};

/// The longest wait for a frame that was overtaken.
pub const MAX_PATIENCE: Duration = Duration::from_millis(40);
/// How long reordering is remembered.
const MEMORY: Duration = Duration::from_secs(10);

/// Frames that did not come, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first one.
    pub first: u32,
    /// The last one.
    pub last: u32,
}

impl Gap {
    /// How many frames.
    pub fn frames(self) -> u32 {
        self.last.wrapping_sub(self.first).wrapping_add(1)
    }
}

/// Puts complete units in order.
pub struct Sequencer {
    /// The next index to hand on. Streams start at 0.
    next: u32,
    started: bool,
    /// In order, all at or after `next`.
    held: VecDeque<AssembledUnit>,
    /// Since when the first of `held` waits for a predecessor.
    waiting_since: Option<Instant>,
    /// The last gap that was believed, and since when its successor had waited.
    believed: Option<(Gap, Instant)>,
    patience: Duration,
    patient_until: Option<Instant>,
}

impl Default for Sequencer {
    fn default() -> Self {
        Self {
            next: 0,
            started: false,
            held: VecDeque::with_capacity(WINDOW as usize),
            waiting_since: None,
            believed: None,
            patience: Duration::ZERO,
            patient_until: None,
        }
    }
}

impl Sequencer {
    /// Takes a complete unit in. Gives it back if its turn has passed: its successors were decoded without it.
    pub fn push(&mut self, now: Instant, unit: AssembledUnit) -> Option<AssembledUnit> {
        let index = unit.frame_index();
        if is_newer(self.next, index) {
            self.learn_lateness(now, index);
            return Some(unit);
        }
        let at = self.held.iter().position(|held| is_newer(held.frame_index(), index)).unwrap_or(self.held.len());
        self.held.insert(at, unit);
        let first_waits = self.held[0].frame_index() != self.next;
        if self.waiting_since.is_some() && !first_waits {
            self.remember(now);
        }
        self.waiting_since = if first_waits { self.waiting_since.or(Some(now)) } else { None };
        None
    }

    /// The next unit whose turn it is, and the gap before it if one is believed with it.
    pub fn pop(&mut self, now: Instant) -> Option<(Option<Gap>, AssembledUnit)> {
        let index = self.held.front()?.frame_index();
        let gap = if index == self.next {
            None
        } else {
            if self.held.len() < WINDOW as usize / 2 && now < self.believed_at(now)? {
                return None;
            }
            Some(Gap { first: self.next, last: index.wrapping_sub(1) })
        };
        if let (Some(gap), Some(since)) = (gap, self.waiting_since) {
            self.believed = Some((gap, since));
        }
        let unit = self.held.pop_front()?;
        self.started = true;
        self.next = index.wrapping_add(1);
        let waiting = self.held.front().filter(|held| held.frame_index() != self.next);
        self.waiting_since = waiting.map(AssembledUnit::last_at);
        Some((gap, unit))
    }

    /// Notes that frames up to `last` will not come, where no later unit shows it. Returns the gap, if it is one.
    pub fn give_up(&mut self, last: u32) -> Option<Gap> {
        if is_newer(self.next, last) || !self.held.is_empty() {
            return None;
        }
        let gap = Gap { first: self.next, last };
        self.next = last.wrapping_add(1);
        Some(gap)
    }

    /// When [`Sequencer::pop`] will believe the gap that units wait behind.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.waiting_since.map(|since| since + self.longest_patience())
    }

    fn believed_at(&self, now: Instant) -> Option<Instant> {
        let expired = self.started && self.patient_until.is_some_and(|until| now >= until);
        let patience = if expired { Duration::ZERO } else { self.longest_patience() };
        self.waiting_since.map(|since| since + patience)
    }

    /// The first frame is worth waiting for: it is the only one that decodes on its own.
    fn longest_patience(&self) -> Duration {
        if self.started { self.patience } else { MAX_PATIENCE }
    }

    fn learn_lateness(&mut self, now: Instant, index: u32) {
        let Some((gap, since)) = self.believed else { return };
        if index.wrapping_sub(gap.first) < gap.frames() {
            let late = now.saturating_duration_since(since);
            self.patience = self.patience.max(late + late / 4).min(MAX_PATIENCE);
            self.remember(now);
        }
    }

    fn remember(&mut self, now: Instant) {
        if self.patient_until.is_some_and(|until| now >= until) {
            self.patience = Duration::ZERO;
        }
        self.patient_until = Some(now + MEMORY);
    }
}
