//! What a link does to datagrams.

use std::time::Duration;

use crate::units::Bitrate;

/// How datagrams are lost.
#[derive(Clone, Copy, Debug)]
pub enum Loss {
    /// Each with this probability, in percent.
    Random(f64),
    /// Runs of `length`, each starting at a datagram with this probability, in percent.
    Bursts {
        /// In percent.
        start: f64,
        /// Datagrams.
        length: u32,
    },
    /// A run of `length` datagrams each time `every` has gone by. It ends early where the sender falls silent for 2 ms:
    /// what loses datagrams in a row is a moment of trouble, and it does not wait for the next frame.
    Periodic {
        /// From the beginning of one run to that of the next.
        every: Duration,
        /// Datagrams.
        length: u32,
    },
}

/// The narrowest place of a path: a rate, and a queue before it that drops what does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bottleneck {
    /// Of IP packets.
    pub rate: Bitrate,
    /// The longest that a datagram waits.
    pub queue: Duration,
}

/// What a link does to datagrams.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// One way, both ways.
    pub latency: Duration,
    /// Up to so much more for each datagram, which keep their order.
    pub jitter: Duration,
    /// How datagrams are lost.
    pub loss: Loss,
    /// This share of datagrams, in percent, comes so much later than the others.
    pub reorder: (f64, Duration),
    /// This share of datagrams, in percent, comes twice.
    pub duplicate: f64,
    /// The rate of the path; `None` for one that is never full.
    pub bottleneck: Option<Bottleneck>,
}

/// Nothing happens, at once.
impl Default for Weather {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            loss: Loss::Random(0.0),
            reorder: (0.0, Duration::ZERO),
            duplicate: 0.0,
            bottleneck: None,
        }
    }
}

impl Weather {
    /// The longest a datagram and an answer to it can take together.
    pub fn round_trip(&self) -> Duration {
        let queue = self.bottleneck.map_or(Duration::ZERO, |bottleneck| bottleneck.queue);
        self.latency * 2 + self.reorder.1 + self.jitter + queue
    }
}
