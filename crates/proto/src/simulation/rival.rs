//! Somebody else on the same link: one flow that behaves as TCP with Reno's rules does.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::Link;

/// A download that never ends. It opens its window until a packet is lost, then halves it.
pub(super) struct Rival {
    latency: Duration,
    window: f64,
    threshold: f64,
    /// When each packet under way is answered for, and whether it was lost.
    flying: VecDeque<(Instant, bool)>,
    /// Losses before this were answered already.
    answered_until: Instant,
    delivered: u64,
}

const PACKET: usize = 1_472;

impl Rival {
    pub(super) fn new(now: Instant, latency: Duration) -> Self {
        Self { latency, window: 10.0, threshold: f64::MAX, flying: VecDeque::new(), answered_until: now, delivered: 0 }
    }

    /// Sends what the window allows.
    pub(super) fn act(&mut self, now: Instant, link: &mut Link) {
        while let Some((_, lost)) = self.flying.pop_front_if(|(at, _)| *at <= now) {
            self.hear(now, lost);
        }
        while (self.flying.len() as f64) < self.window {
            let passed = link.pass(now, PACKET);
            // A loss shows when the packets behind it arrive.
            let behind = self.flying.back().map_or(now, |(at, _)| (*at).max(now));
            let at = passed.map_or(behind, |passed| passed + self.latency * 2);
            self.flying.push_back((at.max(now + Duration::from_millis(1)), passed.is_none()));
        }
    }

    /// When it next hears something.
    pub(super) fn next(&self) -> Option<Instant> {
        self.flying.front().map(|(at, _)| *at)
    }

    /// Bytes that arrived.
    pub(super) fn delivered(&self) -> u64 {
        self.delivered
    }

    fn hear(&mut self, now: Instant, lost: bool) {
        if !lost {
            self.delivered += PACKET as u64;
            self.window += if self.window < self.threshold { 1.0 } else { 1.0 / self.window };
        } else if now >= self.answered_until {
            self.threshold = (self.window / 2.0).max(2.0);
            self.window = self.threshold;
            // One answer for everything that was under way.
            self.answered_until = self.flying.back().map_or(now, |(at, _)| *at);
        }
    }
}
