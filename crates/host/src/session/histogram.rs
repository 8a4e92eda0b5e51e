//! How long frames take in a stage: a histogram that a media thread writes without lock and allocation, and that is
//! emptied once a second.

use std::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use punktfunk_api::model::StageLatency;

/// Counts durations in buckets that grow with them: eight to each power of two microseconds, so a percentile is at
/// most 12.5 % too high.
#[derive(Debug)]
pub struct StageHistogram {
    buckets: [AtomicU32; BUCKETS],
    slowest_us: AtomicU32,
}

/// Buckets to each power of two.
const STEPS: u32 = 8;
/// Up to 2^26 µs, more than a minute; whatever is longer counts as that.
const BUCKETS: usize = (STEPS * 24) as usize;

impl Default for StageHistogram {
    fn default() -> Self {
        Self { buckets: [const { AtomicU32::new(0) }; BUCKETS], slowest_us: AtomicU32::new(0) }
    }
}

impl StageHistogram {
    /// One frame took this long.
    pub fn count(&self, time: Duration) {
        let micros = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        self.buckets[bucket(micros)].fetch_add(1, Relaxed);
        self.slowest_us.fetch_max(micros, Relaxed);
    }

    /// What was counted since the last call.
    pub fn take(&self) -> StageLatency {
        let counts: [u32; BUCKETS] = std::array::from_fn(|index| self.buckets[index].swap(0, Relaxed));
        let max_us = self.slowest_us.swap(0, Relaxed);
        let total: u64 = counts.iter().copied().map(u64::from).sum();
        let percentile = |percent: u64| {
            let wanted = (total * percent).div_ceil(100).max(1);
            let mut seen = 0;
            let reached = counts.iter().position(|count| {
                seen += u64::from(*count);
                seen >= wanted
            });
            reached.map_or(0, |index| upper_us(index).min(max_us))
        };
        StageLatency { p50_us: percentile(50), p95_us: percentile(95), max_us }
    }
}

fn bucket(micros: u32) -> usize {
    if micros < STEPS {
        return micros as usize;
    }
    let octave = micros.ilog2() - STEPS.ilog2();
    let step = (micros >> octave) - STEPS;
    ((STEPS * (octave + 1) + step) as usize).min(BUCKETS - 1)
}

/// The longest time that counts in this bucket, in microseconds.
fn upper_us(bucket: usize) -> u32 {
    let bucket = bucket as u32;
    if bucket < STEPS {
        return bucket;
    }
    let (octave, step) = (bucket / STEPS - 1, bucket % STEPS);
    ((STEPS + step + 1) << octave) - 1
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use punktfunk_api::model::StageLatency;

    use super::{BUCKETS, StageHistogram, bucket, upper_us};

    #[test]
    fn every_time_lies_in_the_bucket_that_ends_above_it() {
        let times = (0..5_000).chain((0..26).map(|bit| (1 << bit) + 1));
        for micros in times {
            let index = bucket(micros);
            assert!(upper_us(index) >= micros && index < BUCKETS, "{micros}");
            assert!(index == 0 || upper_us(index - 1) < micros, "{micros}");
        }
        assert_eq!(bucket(u32::MAX), BUCKETS - 1);
    }

    #[test]
    fn percentiles_are_close_and_taking_them_empties_it() {
        let histogram = StageHistogram::default();
        for micros in 1..=1_000 {
            histogram.count(Duration::from_micros(micros));
        }
        let StageLatency { p50_us, p95_us, max_us } = histogram.take();
        assert!((500..=563).contains(&p50_us) && (950..=1_000).contains(&p95_us), "{p50_us} {p95_us}");
        assert_eq!(max_us, 1_000);
        assert_eq!(histogram.take(), StageLatency::default());
    }
}
