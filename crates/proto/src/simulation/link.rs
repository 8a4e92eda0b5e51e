//! One direction of a link: datagrams in at one time, out at others.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    time::{Duration, Instant},
};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::{Bottleneck, Loss, Weather};

/// One direction of a link. Everything random comes from one seed.
pub struct Link {
    weather: Weather,
    rng: StdRng,
    burst_left: u32,
    next_burst: Option<Instant>,
    last_sent: Option<Instant>,
    /// Until when the bottleneck is busy.
    busy_until: Option<Instant>,
    /// When the last datagram in order arrives.
    last_arrival: Option<Instant>,
    flying: BinaryHeap<Reverse<(Instant, u64, Vec<u8>)>>,
    spare: Vec<Vec<u8>>,
    order: u64,
    sent: u64,
    lost: u64,
}

/// A sender that is silent for so long has ended its flight.
const SILENCE: Duration = Duration::from_millis(2);
/// Bytes of IPv4 and UDP before every datagram.
const HEADERS: usize = 28;

impl Link {
    /// A link with nothing on it.
    pub fn new(weather: Weather, seed: u64) -> Self {
        Self {
            weather,
            rng: StdRng::seed_from_u64(seed),
            burst_left: 0,
            next_burst: None,
            last_sent: None,
            busy_until: None,
            last_arrival: None,
            flying: BinaryHeap::new(),
            spare: Vec::new(),
            order: 0,
            sent: 0,
            lost: 0,
        }
    }

    /// From now on it is like this.
    pub fn change(&mut self, weather: Weather) {
        self.weather = weather;
    }

    /// Puts a datagram on the link.
    pub fn send(&mut self, now: Instant, datagram: &[u8]) {
        self.sent += 1;
        let passed = if self.is_lost(now) { None } else { self.pass_bottleneck(now, datagram.len()) };
        self.last_sent = Some(now);
        let Some(passed) = passed else {
            self.lost += 1;
            return;
        };
        let copies = 1 + u32::from(self.happens(self.weather.duplicate));
        for _ in 0..copies {
            let mut bytes = self.spare.pop().unwrap_or_default();
            bytes.clear();
            bytes.extend_from_slice(datagram);
            self.order += 1;
            let arrival = self.arrival(passed);
            self.flying.push(Reverse((arrival, self.order, bytes)));
        }
    }

    /// The next datagram that has arrived. Hand it back with [`Link::reuse`].
    pub fn receive(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.next_arrival()? > now {
            return None;
        }
        self.flying.pop().map(|Reverse((_, _, datagram))| datagram)
    }

    /// Takes the memory of a datagram back.
    pub fn reuse(&mut self, datagram: Vec<u8>) {
        self.spare.push(datagram);
    }

    /// When the next datagram arrives.
    pub fn next_arrival(&self) -> Option<Instant> {
        self.flying.peek().map(|Reverse((at, _, _))| *at)
    }

    /// Datagrams put on the link, and those it lost.
    pub fn counts(&self) -> (u64, u64) {
        (self.sent, self.lost)
    }

    /// Lets something of somebody else's through the bottleneck: when it has left it, or `None` when its queue is full.
    pub(super) fn pass(&mut self, now: Instant, bytes: usize) -> Option<Instant> {
        self.pass_bottleneck(now, bytes)
    }

    /// When a datagram has left the bottleneck; `None` when its queue is full.
    fn pass_bottleneck(&mut self, now: Instant, bytes: usize) -> Option<Instant> {
        let Some(Bottleneck { rate, queue }) = self.weather.bottleneck else { return Some(now) };
        let start = self.busy_until.map_or(now, |busy| busy.max(now));
        if start - now > queue {
            return None;
        }
        let end = start + rate.time_for(bytes + HEADERS);
        self.busy_until = Some(end);
        Some(end)
    }

    fn arrival(&mut self, passed: Instant) -> Instant {
        let (share, delay) = self.weather.reorder;
        let overtaken = self.happens(share);
        let jitter = self.weather.jitter.mul_f64(self.rng.random());
        let at = passed + self.weather.latency + jitter;
        if overtaken {
            return at + delay;
        }
        let at = self.last_arrival.filter(|_| !self.weather.jitter.is_zero()).map_or(at, |last| last.max(at));
        self.last_arrival = Some(at);
        at
    }

    fn is_lost(&mut self, now: Instant) -> bool {
        match self.weather.loss {
            Loss::Random(percent) => return self.happens(percent),
            Loss::Bursts { start, length } => {
                if self.burst_left == 0 && self.happens(start) {
                    self.burst_left = length;
                }
            }
            Loss::Periodic { every, length } => {
                let due = *self.next_burst.get_or_insert(now + every);
                if self.last_sent.is_some_and(|last| now - last >= SILENCE) {
                    self.burst_left = 0;
                }
                if now >= due {
                    // Not always at the head of a flight, and not across its end.
                    if !self.happens(10.0) {
                        return false;
                    }
                    self.burst_left = length;
                    self.next_burst = Some(now + every);
                }
            }
        }
        let lost = self.burst_left > 0;
        self.burst_left = self.burst_left.saturating_sub(1);
        lost
    }

    fn happens(&mut self, percent: f64) -> bool {
        self.rng.random::<f64>() * 100.0 < percent
    }
}
