//! How much parity a frame gets (spec section 2.5, LossReport): the host's answer to what its client reports.
//!
//! A share of parity that restores a large frame does not restore a small one: the fewer shards, the further a frame's
//! own losses stray from the average. So the controller estimates the loss of the path and gives each frame what its
//! blocks need to get through it.

use crate::{fec::recovery_count, video::layout::FrameLayout};

/// Decides the FEC percentage of each frame.
///
/// A report says which share of shards was restored, and by a flat penalty that frames were lost altogether, but not
/// how much of those was missing: when nothing gets through it shows no loss to speak of. So a request for recovery
/// raises the estimate as well, at once, and the more the more of them come. Where frames are dropped in spite of that,
/// the path is full: more parity only adds to it, and for a while the controller believes nothing but what was restored.
#[derive(Clone, Copy, Debug)]
pub struct FecController {
    /// What every frame gets.
    percent: u8,
    /// Estimated loss of the path.
    loss: f64,
    /// What the last reports said.
    recent: [f64; REMEMBERED],
    /// Requests for recovery, halved by every report.
    pressure: u32,
    /// Whether one came since the last report.
    asked: bool,
    /// Reports with dropped frames, one after the other.
    futile: u32,
    /// Reports for which requests and dropped frames count for nothing, and for how many they did the last time.
    deaf: u32,
    last_deaf: u32,
}

/// Reports whose worst is believed: three seconds.
const REMEMBERED: usize = 4;
/// What a report adds when a frame was dropped.
const DROPPED_FRAME_PENALTY: f64 = 0.05;
/// How many of a million blocks may be lost at the estimated loss.
const BLOCKS_LOST: f64 = 1e-6;
/// A loss that parity can still make up for.
const MAX_LOSS: f64 = 0.35;
/// The most that requests alone are taken to mean.
const MAX_SUSPECTED: f64 = 0.16;
/// Reports with dropped frames, one after the other, that show a full path.
const FUTILE_REPORTS: u32 = 4;
/// Reports for which a path is taken to be full, at first and at most: six seconds to a minute and a half.
const DEAF_REPORTS: (u32, u32) = (8, 128);
/// The most that reports alone make every frame get.
const MAX_PERCENT: f64 = 50.0;
/// The most a frame may get (spec section 4.4).
pub const MAX_FEC_PERCENT: u8 = 90;

impl FecController {
    /// Starts with what every frame gets.
    pub fn new(percent: u8) -> Self {
        Self {
            percent: percent.min(MAX_FEC_PERCENT),
            loss: 0.0,
            recent: [0.0; REMEMBERED],
            pressure: 0,
            asked: false,
            futile: 0,
            deaf: 0,
            last_deaf: 0,
        }
    }

    /// What every frame gets, however large.
    pub fn percent(&self) -> u8 {
        self.percent
    }

    /// The estimated loss of the path, in parts per million.
    pub fn loss_ppm(&self) -> u32 {
        (self.loss * 1e6) as u32
    }

    /// What a frame of this layout gets. Zero stays zero: parity is off.
    pub fn percent_for(&self, layout: FrameLayout) -> u8 {
        if self.percent == 0 {
            return 0;
        }
        let last = layout.data_shards(layout.blocks() - 1);
        let needs = [layout.data_shards(0), last].map(|data| percent_needed(data, self.loss));
        self.percent.max(needs[0]).max(needs[1])
    }

    /// Takes a loss report in. `parity` is what the frames of its interval carried, recovery shards per data shard.
    pub fn on_report(&mut self, ppm: u32, parity: f64) {
        let reported = f64::from(ppm.min(1_000_000)) / 1e6;
        let dropped = reported >= DROPPED_FRAME_PENALTY && (self.asked || self.pressure > 0);
        let restored = if dropped { reported - DROPPED_FRAME_PENALTY } else { reported };
        // Only data shards are counted as restored, but all that arrived as received.
        let measured = restored * (1.0 + parity) / (1.0 + restored * parity);
        self.recent.rotate_right(1);
        self.recent[0] = match dropped && self.deaf == 0 {
            // What was missing from the dropped frames is not in it.
            true => measured.max(0.01) * 1.25,
            false => measured,
        };
        let worst = self.recent.iter().copied().fold(0.0, f64::max);
        self.loss = worst.max(self.loss * 0.75).min(MAX_LOSS);
        self.pressure = if self.asked { self.pressure / 2 } else { 0 };
        self.asked = false;
        self.notice_futility(dropped, measured);
        let target = (140.0 * self.loss).ceil() + 1.0;
        self.percent = (target.min(MAX_PERCENT) as u8).max(self.percent.saturating_sub(1)).max(1);
    }

    /// RfiRequest or RequestKeyframe came: parity was not enough. Once is an accident.
    pub fn on_recovery_request(&mut self) {
        self.asked = true;
        self.pressure = (self.pressure + 1).min(8);
        if self.pressure > 1 && self.deaf == 0 {
            let suspected = 0.01 * f64::from(1_u32 << (self.pressure - 2));
            self.loss = self.loss.max(suspected.min(MAX_SUSPECTED));
        }
    }

    /// Finds out whether more parity helps.
    fn notice_futility(&mut self, dropped: bool, measured: f64) {
        self.deaf = self.deaf.saturating_sub(1);
        self.futile = if dropped { self.futile + 1 } else { 0 };
        if self.deaf == 0 && self.futile >= FUTILE_REPORTS {
            self.last_deaf = (self.last_deaf * 2).clamp(DEAF_REPORTS.0, DEAF_REPORTS.1);
            self.deaf = self.last_deaf;
            (self.loss, self.recent) = (measured, [measured; REMEMBERED]);
            self.percent = 1;
        } else if self.deaf == 0 && !dropped {
            self.last_deaf /= 2;
        }
    }
}

/// The least percentage that a block of `data` shards needs at this loss.
fn percent_needed(data: usize, loss: f64) -> u8 {
    let enough = |percent: &u8| {
        let recovery = recovery_count(data, *percent);
        more_lost_than(recovery, data + recovery, loss) <= BLOCKS_LOST
    };
    // Enough at one percentage is enough at every higher one.
    let (mut low, mut high) = (0, MAX_FEC_PERCENT);
    while low < high {
        let middle = low.midpoint(high);
        (low, high) = if enough(&middle) { (low, middle) } else { (middle + 1, high) };
    }
    low
}

/// The probability that more than `most` of `sent` datagrams are lost, each with probability `loss`.
fn more_lost_than(most: usize, sent: usize, loss: f64) -> f64 {
    let (n, odds) = (sent as f64, loss / (1.0 - loss));
    if loss <= 0.0 || most >= sent {
        return 0.0;
    }
    let none = n * (1.0 - loss).ln();
    if none < -600.0 {
        return normal_tail(most as f64 + 0.5, n * loss, n * loss * (1.0 - loss));
    }
    let (mut exactly, mut at_most) = (none.exp(), 0.0);
    for lost in 0..=most {
        at_most += exactly;
        exactly *= (sent - lost) as f64 / (lost + 1) as f64 * odds;
    }
    if at_most < 1.0 - 1e-9 {
        return 1.0 - at_most;
    }
    // What is left of one is too coarse where it is small; there the terms beyond fall like a geometric series.
    let ratio = (sent - most - 1) as f64 / (most + 2) as f64 * odds;
    exactly / (1.0 - ratio.min(0.9))
}

/// The probability that a normal variable is above `x`, within a factor of two; for blocks too large for the exact sum.
fn normal_tail(x: f64, mean: f64, variance: f64) -> f64 {
    let z = (x - mean) / variance.sqrt();
    if z <= 0.0 { 1.0 } else { (-z * z / 2.0).exp() / (1.0 + z) }
}

#[cfg(test)]
mod tests {
    use super::{FecController, more_lost_than, normal_tail, percent_needed};
    use crate::video::layout::FrameLayout;

    fn frame(shards: usize) -> FrameLayout {
        FrameLayout::new(shards * 1_408, 1_408, 160)
    }

    #[test]
    fn the_tail_of_the_binomial_is_what_tables_say() {
        let close = |value: f64, expected: f64| assert!((value / expected - 1.0).abs() < 0.15, "{value} {expected}");
        close(more_lost_than(0, 10, 0.1), 0.651);
        close(more_lost_than(3, 33, 0.05), 0.0788);
        close(more_lost_than(9, 40, 0.05), 2.07e-5);
        assert_eq!(more_lost_than(3, 33, 0.0), 0.0);
        let exact = more_lost_than(330, 1_000, 0.3);
        assert!((0.5..2.0).contains(&(normal_tail(330.5, 300.0, 210.0) / exact)), "{exact}");
    }

    #[test]
    fn a_small_frame_needs_a_larger_share_than_a_large_one() {
        let needs = [30, 75, 160, 4_096].map(|data| percent_needed(data, 0.05));
        assert!(needs.is_sorted_by(|small, large| small > large), "{needs:?}");
        assert!((30..=45).contains(&needs[0]) && (5..10).contains(&needs[3]), "{needs:?}");
        assert_eq!(percent_needed(30, 0.0), 0);
        assert_eq!(percent_needed(1, 0.3), 90, "no share is enough; the most there is");
    }

    #[test]
    fn a_frame_with_a_short_last_block_gets_what_that_block_needs() {
        let mut fec = FecController::new(10);
        fec.on_report(20_000, 0.1);
        assert!(fec.percent_for(frame(163)) > fec.percent_for(frame(160)));
    }

    #[test]
    fn without_losses_parity_falls_a_point_per_report_to_one_percent() {
        let mut fec = FecController::new(10);
        let falling: [u8; 10] = std::array::from_fn(|_| {
            fec.on_report(0, 0.1);
            fec.percent_for(frame(30))
        });
        assert_eq!(falling, [9, 8, 7, 6, 5, 4, 3, 2, 1, 1]);
    }

    #[test]
    fn a_reported_loss_is_answered_at_once_and_remembered_for_three_seconds() {
        let mut fec = FecController::new(10);
        fec.on_report(30_000, 0.1);
        let answer = fec.percent_for(frame(30));
        assert!(answer >= 20, "{answer}");
        for _ in 0..3 {
            fec.on_report(0, 0.3);
            assert_eq!(fec.percent_for(frame(30)), answer);
        }
        fec.on_report(0, 0.3);
        assert!(fec.percent_for(frame(30)) < answer);
    }

    #[test]
    fn the_share_of_parity_is_taken_out_of_what_a_report_says() {
        let mut fec = FecController::new(10);
        // At 5 % loss a client counts 1.5 of 30 data shards as restored, and 39 × 0.95 that came.
        fec.on_report(38_900, 0.3);
        assert!((48_000..52_000).contains(&fec.loss_ppm()), "{}", fec.loss_ppm());
    }

    #[test]
    fn one_dropped_frame_is_an_accident_and_one_after_the_other_is_not() {
        let mut fec = FecController::new(10);
        fec.on_recovery_request();
        assert_eq!(fec.percent_for(frame(30)), 10);
        let rising: [u8; 4] = std::array::from_fn(|_| {
            fec.on_recovery_request();
            fec.percent_for(frame(30))
        });
        assert!(rising.is_sorted_by(|before, after| before < after) && rising[3] >= 40, "{rising:?}");
    }

    #[test]
    fn parity_that_does_not_help_is_taken_back() {
        let mut fec = FecController::new(10);
        for _ in 0..4 {
            (0..4).for_each(|_| fec.on_recovery_request());
            assert!(fec.percent_for(frame(30)) >= 30);
            fec.on_report(50_000, 0.5);
        }
        let given_up: [u8; 6] = std::array::from_fn(|_| {
            fec.on_recovery_request();
            fec.on_report(50_000, 0.1);
            fec.percent_for(frame(30))
        });
        assert!(given_up.iter().all(|percent| *percent <= 10), "{given_up:?}");
        (0..8).for_each(|_| fec.on_report(0, 0.1));
        (0..3).for_each(|_| fec.on_recovery_request());
        assert!(fec.percent_for(frame(30)) >= 20, "later it is tried again");
    }

    #[test]
    fn parity_that_is_off_stays_off_without_reports() {
        let mut fec = FecController::new(0);
        (0..5).for_each(|_| fec.on_recovery_request());
        assert_eq!(fec.percent_for(frame(30)), 0);
    }

    #[test]
    fn any_report_is_survived() {
        let mut fec = FecController::new(90);
        for ppm in [u32::MAX, 1_000_000, 0, 999_999] {
            fec.on_report(ppm, 0.9);
            assert!((1..=90).contains(&fec.percent_for(frame(163))));
        }
    }
}
