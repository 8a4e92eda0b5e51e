//! What frames tell about the path: how long they waited in its queue, and how fast it let them through.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{Arrival, Begun};
use crate::units::{Bitrate, HostTime};

/// The time frames spend waiting on the way, against the least seen lately. Clocks need not agree: only changes count.
#[derive(Debug, Default)]
pub(super) struct Queue {
    origin: Option<(Instant, HostTime)>,
    /// The least delay of each of the last spans, the current one in front, in microseconds.
    spans: VecDeque<i64>,
    span_ends: Option<Instant>,
    /// Delays of the last frames, the newest in front.
    recent: VecDeque<i64>,
}

/// The least delay is that of the last thirty seconds.
const SPANS: usize = 15;
const SPAN: Duration = Duration::from_secs(2);
/// An encoder that takes longer for one picture does not look like a queue: of so many frames the fastest counts.
const FASTEST_OF: usize = 3;
/// How far back [`Queue::is_falling`] looks.
const REMEMBERED: usize = 2 * FASTEST_OF;

impl Queue {
    /// Takes the first datagram of a frame in.
    pub(super) fn on_begun(&mut self, begun: Begun) {
        let (origin, first_pts) = *self.origin.get_or_insert((begun.at, begun.pts));
        let there = begun.at.saturating_duration_since(origin).as_micros() as i64;
        let captured = (begun.pts.nanos() as i64).wrapping_sub(first_pts.nanos() as i64) / 1_000;
        let delay = there - captured;
        if self.span_ends.is_none_or(|end| begun.at >= end) {
            self.span_ends = Some(begun.at + SPAN);
            self.spans.push_front(delay);
            self.spans.truncate(SPANS);
        }
        self.spans[0] = self.spans[0].min(delay);
        self.recent.push_front(delay);
        self.recent.truncate(REMEMBERED);
    }

    /// Forgets the last frames: the host stood still, or sent something else.
    pub(super) fn forget_recent(&mut self) {
        self.recent.clear();
    }

    /// How long frames wait now. `None` before there are enough of them.
    pub(super) fn now(&self) -> Option<Duration> {
        let base = self.spans.iter().copied().min()?;
        Self::fastest(self.recent.range(..FASTEST_OF.min(self.recent.len()))).map(|now| micros(now - base))
    }

    /// Whether they waited longer a moment ago.
    pub(super) fn is_falling(&self) -> bool {
        let half = FASTEST_OF.min(self.recent.len());
        let (now, before) = (Self::fastest(self.recent.range(..half)), Self::fastest(self.recent.range(half..)));
        before.is_some_and(|before| now.is_some_and(|now| now < before))
    }

    fn fastest<'a>(delays: impl ExactSizeIterator<Item = &'a i64>) -> Option<i64> {
        if delays.len() < FASTEST_OF { None } else { delays.copied().min() }
    }
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// The rate at which frames come through the narrowest place of the path. The datagrams of a frame leave together, so what
/// comes after the first of them comes at that rate, whatever the bitrate.
#[derive(Debug, Default)]
pub(super) struct Trains {
    /// When and how fast, the newest in front.
    samples: VecDeque<(Instant, u64)>,
}

/// Half of the frames may be disturbed: the median of so many counts.
const SAMPLES: usize = 9;
const ENOUGH: usize = 5;
/// Older samples tell nothing.
const FRESH: Duration = Duration::from_millis(1_500);
/// Frames of fewer bytes are no measure.
const MIN_BYTES: usize = 4 * 1_024;
/// A shorter time between first and last says only that the path is faster than can be measured.
const MIN_TIME: Duration = Duration::from_micros(300);

impl Trains {
    /// Takes a frame in.
    pub(super) fn on_unit(&mut self, arrival: &Arrival) {
        if arrival.frame_bytes < MIN_BYTES {
            return;
        }
        let took = arrival.last_at.saturating_duration_since(arrival.first_at);
        let bytes = if took < MIN_TIME { arrival.frame_bytes } else { arrival.spread_bytes };
        let bps = bytes as u128 * 8 * 1_000_000_000 / took.max(MIN_TIME).as_nanos();
        self.samples.push_front((arrival.last_at, bps as u64));
        self.samples.truncate(SAMPLES);
    }

    /// The rate of the narrowest place, as far as frames tell.
    pub(super) fn rate(&self, now: Instant) -> Option<Bitrate> {
        let fresh = self.samples.iter().filter(|(at, _)| now.saturating_duration_since(*at) < FRESH);
        let mut rates = [0; SAMPLES];
        let mut count = 0;
        for (to, (_, bps)) in rates.iter_mut().zip(fresh) {
            (*to, count) = (*bps, count + 1);
        }
        let rates = &mut rates[..count];
        rates.sort_unstable();
        (count >= ENOUGH).then(|| Bitrate::from_kbps((rates[count / 2] / 1_000).min(u64::from(u32::MAX)) as u32))
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.samples.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Arrival, Begun, Queue, Trains};
    use crate::units::{Bitrate, HostTime};

    const FRAME: Duration = Duration::from_micros(16_667);
    const MS: Duration = Duration::from_millis(1);

    fn frame(start: Instant, number: u32, waited: Duration, took: Duration) -> Arrival {
        let captured = FRAME * number;
        let first_at = start + captured + waited;
        Arrival {
            pts: HostTime::from_nanos(9_000_000_000 + captured.as_nanos() as u64),
            first_at,
            last_at: first_at + took,
            frame_bytes: 40_000,
            spread_bytes: 40_000,
            sent_bytes: 44_000,
        }
    }

    #[test]
    fn a_queue_shows_as_delay_beyond_the_least_and_one_slow_picture_does_not() {
        let (mut queue, start) = (Queue::default(), Instant::now());
        let begun = |number, waited| {
            let Arrival { pts, first_at, .. } = frame(start, number, waited, MS);
            Begun { pts, at: first_at }
        };
        (0..10).for_each(|number| queue.on_begun(begun(number, 5 * MS)));
        assert_eq!(queue.now(), Some(Duration::ZERO));
        queue.on_begun(begun(10, 40 * MS));
        assert_eq!(queue.now(), Some(Duration::ZERO));
        (11..14).for_each(|number| queue.on_begun(begun(number, 45 * MS)));
        assert_eq!(queue.now().map(|waited| waited.as_millis()), Some(40));
        assert!(!queue.is_falling());
        (14..17).for_each(|number| queue.on_begun(begun(number, 25 * MS)));
        assert!(queue.is_falling());
    }

    #[test]
    fn the_median_of_the_last_frames_is_the_rate_of_the_path() {
        let (mut trains, start) = (Trains::default(), Instant::now());
        let took = [16, 16, 1, 16, 40, 16, 16, 0, 16];
        for (number, took) in (0..).zip(took) {
            trains.on_unit(&frame(start, number, MS, MS * took));
        }
        assert_eq!(trains.rate(start + FRAME * 10), Some(Bitrate::from_mbps(20)));
        assert_eq!(trains.rate(start + Duration::from_secs(3)), None, "that was long ago");
    }
}
