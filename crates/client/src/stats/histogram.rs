//! Durations in buckets: fixed memory, at most 1.6 % off.

use std::time::Duration;

/// Each power of two is cut into this many buckets.
const PER_OCTAVE: u64 = 64;
const OCTAVE_BITS: u32 = PER_OCTAVE.trailing_zeros();
/// Values up to `u32::MAX` µs, 71 minutes; what is longer counts as that.
const BUCKETS: usize = ((32 - OCTAVE_BITS as usize) + 1) * PER_OCTAVE as usize;

/// A distribution of durations. Allocates once, when made.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Box<[u64]>,
    count: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS].into_boxed_slice(), count: 0, max: 0 }
    }
}

impl Histogram {
    /// Counts one duration, in whole microseconds.
    pub fn record(&mut self, value: Duration) {
        let micros = value.as_micros().min(u128::from(u32::MAX)) as u64;
        self.counts[bucket(micros)] += 1;
        self.count += 1;
        self.max = self.max.max(micros);
    }

    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        Duration::from_micros(self.max)
    }

    /// The duration that `per_mille` of a thousand did not exceed: 500 is the median. Zero when nothing was counted.
    pub fn quantile(&self, per_mille: u64) -> Duration {
        let rank = (self.count * per_mille.min(1_000)).div_ceil(1_000).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_micros(upper_edge(index).min(self.max));
            }
        }
        self.max()
    }
}

fn bucket(micros: u64) -> usize {
    let shift = (u64::BITS - micros.leading_zeros()).saturating_sub(OCTAVE_BITS + 1);
    // Below the first octave the shift is 0 and the value is its own bucket.
    (u64::from(shift) * PER_OCTAVE + (micros >> shift)) as usize
}

fn upper_edge(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let shift = (bucket / PER_OCTAVE).saturating_sub(1);
    ((bucket - shift * PER_OCTAVE + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, Histogram, bucket, upper_edge};
    use proptest::prelude::{prop_assert, proptest};
    use std::time::Duration;

    #[test]
    fn every_value_falls_into_its_bucket_and_the_last_bucket_is_the_last() {
        assert_eq!(bucket(u64::from(u32::MAX)), BUCKETS - 1);
        for index in 0..BUCKETS {
            assert_eq!(bucket(upper_edge(index)), index);
            assert!(index == 0 || bucket(upper_edge(index - 1) + 1) == index);
        }
    }

    #[test]
    fn nothing_counted_is_zero() {
        let empty = Histogram::default();
        assert_eq!((empty.quantile(500), empty.max(), empty.count()), (Duration::ZERO, Duration::ZERO, 0));
    }

    #[test]
    fn an_absurd_duration_counts_as_the_longest() {
        let mut histogram = Histogram::default();
        histogram.record(Duration::MAX);
        assert_eq!(histogram.quantile(500), Duration::from_micros(u64::from(u32::MAX)));
    }

    proptest! {
        #[test]
        fn quantiles_are_within_two_percent_of_the_sorted_values(
            mut values in proptest::collection::vec(0_u64..10_000_000, 1..500), per_mille in 0_u64..=1_000
        ) {
            let mut histogram = Histogram::default();
            values.iter().for_each(|value| histogram.record(Duration::from_micros(*value)));
            values.sort_unstable();
            let rank = (values.len() as u64 * per_mille).div_ceil(1_000).max(1) as usize;
            let exact = values[rank - 1];
            let found = histogram.quantile(per_mille).as_micros() as u64;
            prop_assert!(found >= exact && found <= exact + exact / 50 + 1, "{found} for {exact}");
        }
    }
}
