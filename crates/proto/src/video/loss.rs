//! How much is lost: the client's report and the host's answer to it (spec sections 2.5 and 4.7).

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

/// The host's FEC percentage: up at once, down a point per report.
///
/// Reports cannot tell how much is missing from frames that were lost altogether: when nothing gets through they show
/// no loss to speak of. So a client that goes on asking for recovery raises the percentage as well.
#[derive(Clone, Copy, Debug)]
pub struct FecController {
    percent: u8,
    /// Whether a recovery was asked for since the last report, and in the interval before it.
    asked: bool,
    asked_before: bool,
}

impl FecController {
    /// Starts at Welcome's percentage.
    pub fn new(percent: u8) -> Self {
        Self { percent, asked: false, asked_before: false }
    }

    /// The percentage now.
    pub fn percent(self) -> u8 {
        self.percent
    }

    /// Takes a loss report in and returns the new percentage: 1.4 times the loss and one, 1 to 50; half as much again
    /// as before while recoveries are asked for in interval after interval.
    pub fn on_report(&mut self, ppm: u32) -> u8 {
        let target = (u64::from(ppm) * 14).div_ceil(100_000).saturating_add(1).clamp(1, MAX_PERCENT) as u8;
        let insisted = self.asked && self.asked_before;
        let floor =
            if insisted { self.percent.saturating_add(self.percent / 2 + 1) } else { self.percent.saturating_sub(1) };
        self.percent = target.max(floor.min(MAX_PERCENT as u8));
        (self.asked_before, self.asked) = (self.asked, false);
        self.percent
    }

    /// RfiRequest or RequestKeyframe came.
    pub fn on_recovery_request(&mut self) {
        self.asked = true;
    }
}

const MAX_PERCENT: u64 = 50;

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{FecController, LossCounters, LossReporter, REPORT_INTERVAL};

    #[test]
    fn fec_rises_at_once_and_falls_a_point_per_report() {
        let mut fec = FecController::new(10);
        assert_eq!(fec.on_report(50_000), 9, "1.4 · 5 + 1 = 8, a point at a time");
        assert_eq!(fec.on_report(50_000), 8);
        assert_eq!(fec.on_report(50_000), 8);
        assert_eq!(fec.on_report(100_000), 15);
        assert_eq!(fec.on_report(1_000_000), 50);
        assert_eq!((0..60).map(|_| fec.on_report(0)).last(), Some(1));
        assert_eq!(fec.on_report(u32::MAX), 50);
    }

    #[test]
    fn fec_rises_while_recoveries_are_asked_for_again_and_again() {
        let mut fec = FecController::new(10);
        fec.on_recovery_request();
        assert_eq!(fec.on_report(0), 9, "once is an accident");
        fec.on_recovery_request();
        fec.on_recovery_request();
        assert_eq!(fec.on_report(0), 14);
        let rising = std::array::from_fn(|_| {
            fec.on_recovery_request();
            fec.on_report(0)
        });
        assert_eq!(rising, [22, 34, 50, 50]);
        assert_eq!(fec.on_report(0), 49);
    }

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
