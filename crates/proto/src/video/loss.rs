//! How much is lost: the client's report (spec sections 2.5 and 4.7). [`super::protection`] is the host's answer.

use std::time::{Duration, Instant};

/// Time between two loss reports.
pub const REPORT_INTERVAL: Duration = Duration::from_millis(750);

/// What a receiver counts, since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LossCounters {
    /// Distinct packets that arrived.
    pub received: u64,
    /// Data shards restored by parity.
    pub recovered: u64,
    /// Data shards that arrived after they had been restored: not lost, only late.
    pub late: u64,
    /// Frames of which some packets came, but too few.
    pub frames_dropped: u64,
}

impl LossCounters {
    /// What was counted since `earlier`.
    fn since(self, earlier: Self) -> Self {
        Self {
            received: self.received.saturating_sub(earlier.received),
            recovered: self.recovered.saturating_sub(earlier.recovered),
            late: self.late.saturating_sub(earlier.late),
            frames_dropped: self.frames_dropped.saturating_sub(earlier.frames_dropped),
        }
    }

    /// The loss in parts per million, as LossReport carries it.
    pub fn ppm(self) -> u32 {
        let lost = u128::from(self.recovered.saturating_sub(self.late));
        let all = u128::from(self.received) + lost;
        let ppm = (lost * u128::from(MILLION)).checked_div(all).unwrap_or(0);
        let penalty = if self.frames_dropped > 0 { DROPPED_FRAME_PPM } else { 0 };
        MILLION.min(ppm as u32 + penalty)
    }
}

const MILLION: u32 = 1_000_000;
const DROPPED_FRAME_PPM: u32 = 50_000;

/// The client's report timer.
#[derive(Debug, Default)]
pub struct LossReporter {
    due: Option<Instant>,
    reported: LossCounters,
}

impl LossReporter {
    /// The report to send, if one is due at `now`. The first call starts the timer.
    pub fn report(&mut self, now: Instant, counters: LossCounters) -> Option<u32> {
        let due = *self.due.get_or_insert(now + REPORT_INTERVAL);
        if now < due {
            return None;
        }
        self.due = Some(now + REPORT_INTERVAL);
        let ppm = counters.since(self.reported).ppm();
        self.reported = counters;
        Some(ppm)
    }

    /// When the next report is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{LossCounters, LossReporter, REPORT_INTERVAL};

    #[test]
    fn a_report_covers_only_its_own_interval() {
        let (mut reporter, start) = (LossReporter::default(), Instant::now());
        let mut counters = LossCounters { received: 990, recovered: 10, late: 0, frames_dropped: 1 };
        assert_eq!(reporter.report(start, counters), None);
        assert_eq!(reporter.report(start + REPORT_INTERVAL - Duration::from_nanos(1), counters), None);
        assert_eq!(reporter.report(start + REPORT_INTERVAL, counters), Some(60_000));
        counters.received += 100;
        assert_eq!(reporter.report(start + REPORT_INTERVAL * 2, counters), Some(0));
        assert_eq!(reporter.poll_timeout(), Some(start + REPORT_INTERVAL * 3));
    }
}
