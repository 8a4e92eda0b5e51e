//! What became of a stream.

use std::{fmt, time::Duration};

use crate::units::Bitrate;

/// What became of a stream.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Frames submitted.
    pub sent: u32,
    /// Frames handed on by the client.
    pub delivered: u32,
    /// Capture times of the frames that were not, after the start.
    pub lost_at: Vec<Duration>,
    /// Frames that needed parity.
    pub restored: u32,
    /// Delivered, but not shown: decoded between a loss and its repair.
    pub hidden: u32,
    /// From each loss being noticed to the picture being good again.
    pub repairs: Vec<Duration>,
    /// When the last of them was done, after the start.
    pub last_repair: Duration,
    /// Whether the stream ended with a good picture.
    pub good_at_end: bool,
    /// What delivered frames took beyond the link's own latency, shortest first.
    pub added: Vec<Duration>,
    /// Parity and padding, as a share of the stream.
    pub overhead: f64,
    /// Datagrams that the link was given, and those it lost.
    pub datagrams: (u64, u64),
    /// Frames that came out other than they went in, and datagrams refused as forged or contradictory: never any.
    pub damaged: u32,
    /// The FEC percentage at the end of each second.
    pub fec_percents: Vec<u8>,
    /// The bitrates the client chose, and when after the start the host took them over.
    pub bitrates: Vec<(Duration, Bitrate)>,
    /// Bytes of IP packets that arrived in each tenth of a second.
    pub arrived: Vec<u64>,
    /// Bytes that the rival's packets carried to their end.
    pub rival_bytes: u64,
}

impl Outcome {
    /// Frames the client missed.
    pub fn lost(&self) -> u32 {
        self.lost_after(Duration::ZERO)
    }

    /// Those of them that were captured `start` or more after the start.
    pub fn lost_after(&self, start: Duration) -> u32 {
        self.lost_at.iter().filter(|at| **at >= start).count() as u32
    }

    /// The rate of IP packets that arrived between two times after the start.
    pub fn rate_between(&self, from: Duration, to: Duration) -> Bitrate {
        let tenths = |time: Duration| ((time.as_millis() / 100) as usize).min(self.arrived.len());
        let (from, to) = (tenths(from), tenths(to));
        let bytes: u64 = self.arrived[from..to.max(from)].iter().sum();
        Bitrate::from_kbps((bytes * 80 / (to - from).max(1) as u64 / 1_000) as u32)
    }

    /// The longest time that a picture was not good.
    pub fn longest_repair(&self) -> Duration {
        self.repairs.iter().copied().max().unwrap_or_default()
    }

    /// The latency that `percent` of the delivered frames stayed within, beyond the link's own.
    pub fn added_latency(&self, percent: usize) -> Duration {
        let last = self.added.len().saturating_sub(1);
        self.added.get((self.added.len() * percent / 100).min(last)).copied().unwrap_or_default()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, delivered, restored, hidden, .. } = self;
        write!(
            f,
            "{sent} frames sent, {delivered} delivered, {} lost, {restored} restored by parity, {hidden} not shown; \
             {} repairs, longest {:?}; overhead {:.1} %",
            self.lost(),
            self.repairs.len(),
            self.longest_repair(),
            self.overhead * 100.0,
        )
    }
}
