//! A simulated link and two media sessions over it, on one virtual clock. Everything random comes from one seed.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    time::{Duration, Instant},
};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

mod pair;

pub(crate) use pair::{Outcome, Pair, Stream};

/// How datagrams are lost.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Loss {
    /// Each with this probability, in percent.
    Random(f64),
    /// Runs of `length`, each starting at a datagram with this probability, in percent.
    Bursts { start: f64, length: u32 },
}

/// What a link does to datagrams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// One way, both ways.
    pub(crate) latency: Duration,
    pub(crate) loss: Loss,
    /// This share of datagrams, in percent, comes so much later than the others.
    pub(crate) reorder: (f64, Duration),
    /// This share of datagrams, in percent, comes twice.
    pub(crate) duplicate: f64,
}

/// Nothing happens, at once.
impl Default for Weather {
    fn default() -> Self {
        Self { latency: Duration::ZERO, loss: Loss::Random(0.0), reorder: (0.0, Duration::ZERO), duplicate: 0.0 }
    }
}

impl Weather {
    /// The longest a datagram and an answer to it can take together.
    pub(crate) fn round_trip(&self) -> Duration {
        self.latency * 2 + self.reorder.1
    }
}

/// One direction of a link: datagrams in at one time, out at others.
pub(crate) struct Link {
    weather: Weather,
    rng: StdRng,
    burst_left: u32,
    flying: BinaryHeap<Reverse<(Instant, u64, Vec<u8>)>>,
    spare: Vec<Vec<u8>>,
    sent: u64,
}

impl Link {
    pub(crate) fn new(weather: Weather, seed: u64) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        Self { weather, rng, burst_left: 0, flying: BinaryHeap::new(), spare: Vec::new(), sent: 0 }
    }

    /// From now on it is like this.
    pub(crate) fn change(&mut self, weather: Weather) {
        self.weather = weather;
    }

    pub(crate) fn send(&mut self, now: Instant, datagram: &[u8]) {
        if self.is_lost() {
            return;
        }
        let copies = 1 + u32::from(self.happens(self.weather.duplicate));
        for _ in 0..copies {
            let (share, delay) = self.weather.reorder;
            let extra = if self.happens(share) { delay } else { Duration::ZERO };
            let mut bytes = self.spare.pop().unwrap_or_default();
            bytes.clear();
            bytes.extend_from_slice(datagram);
            self.sent += 1;
            self.flying.push(Reverse((now + self.weather.latency + extra, self.sent, bytes)));
        }
    }

    /// The next datagram that has arrived. Hand it back with [`Link::reuse`].
    pub(crate) fn receive(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.next_arrival()? > now {
            return None;
        }
        self.flying.pop().map(|Reverse((_, _, datagram))| datagram)
    }

    pub(crate) fn reuse(&mut self, datagram: Vec<u8>) {
        self.spare.push(datagram);
    }

    pub(crate) fn next_arrival(&self) -> Option<Instant> {
        self.flying.peek().map(|Reverse((at, _, _))| *at)
    }

    fn is_lost(&mut self) -> bool {
        match self.weather.loss {
            Loss::Random(percent) => self.happens(percent),
            Loss::Bursts { start, length } => {
                if self.burst_left == 0 && self.happens(start) {
                    self.burst_left = length;
                }
                let lost = self.burst_left > 0;
                self.burst_left = self.burst_left.saturating_sub(1);
                lost
            }
        }
    }

    fn happens(&mut self, percent: f64) -> bool {
        self.rng.random::<f64>() * 100.0 < percent
    }
}
