//! The weather a stream is sent through, and what it is promised.

use std::time::Duration;

use punktfunk_proto::{
    simulation::{Bottleneck, Loss, Outcome, Stream, Weather},
    units::Bitrate,
};

/// One case.
pub(crate) struct Case {
    /// What it is chosen by.
    pub(crate) name: &'static str,
    pub(crate) weather: Weather,
    /// Later weather, by the share of the stream it begins at.
    pub(crate) changes: Vec<(f64, Weather)>,
    /// Parity in percent, where it does not follow the losses.
    pub(crate) parity: Option<u8>,
    pub(crate) promise: Promise,
}

/// What a stream with adaptive parity is promised.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Nothing is: the case is there to be looked at.
    None,
    /// No frame is lost once a second has gone by.
    NoFrameLost,
    /// 99 of 100 frames arrive once a second has gone by.
    NinetyNineOfHundred,
    /// Each burst costs at most one frame, and the picture is good one round trip and one frame later.
    OneFrameABurst { every: Duration },
    /// No burst costs two frames.
    NoTwoInARow,
}

const MS: Duration = Duration::from_millis(1);
/// From one burst of 30 to the next.
const BURST_EVERY: Duration = Duration::from_secs(2);

/// With fifteen recovery shards a frame, which is this share of thirty, a burst of thirty that is shared by two frames leaves
/// at least one of them whole; with fewer no order of packets does. Frames of the default stream have thirty shards.
const HALF_A_BURST: u8 = 50;

impl Promise {
    /// Whether it was kept; `None` where nothing was promised.
    pub(crate) fn is_kept(self, stream: &Stream, weather: &Weather, outcome: &Outcome) -> Option<bool> {
        let lost = outcome.lost_after(Duration::from_secs(1));
        let sound = outcome.damaged == 0 && outcome.good_at_end;
        let kept = match self {
            Self::None => return (outcome.damaged > 0).then_some(false),
            Self::NoFrameLost => lost == 0,
            Self::NinetyNineOfHundred => lost * 100 <= outcome.sent,
            Self::NoTwoInARow => {
                let frame = Duration::from_secs(1) / stream.frames_per_second;
                outcome.lost_at.windows(2).all(|two| two[1] - two[0] > frame * 3 / 2)
            }
            Self::OneFrameABurst { every } => {
                let bursts = stream.length.as_nanos() / every.as_nanos();
                let in_time = weather.round_trip() + Duration::from_secs(1) / stream.frames_per_second;
                u128::from(outcome.lost()) <= bursts && outcome.longest_repair() <= in_time
            }
        };
        Some(kept && sound)
    }
}

/// All cases over a link with this latency, one way.
pub(crate) fn all(latency: Duration, bitrate: Bitrate) -> Vec<Case> {
    let fair = Weather { latency, ..Weather::default() };
    let case = |name, weather, promise| Case { name, weather, changes: Vec::new(), parity: None, promise };
    let random = |name, percent, promise| case(name, Weather { loss: Loss::Random(percent), ..fair }, promise);
    let lost = |name, loss, promise| case(name, Weather { loss, ..fair }, promise);
    let queue = 50 * MS;
    let narrow = |share: u64| Weather {
        bottleneck: Some(Bottleneck { rate: Bitrate::from_kbps(bitrate.kbps() / 100 * share as u32), queue }),
        ..fair
    };
    let step = |name, share, promise| Case {
        name,
        weather: narrow(500),
        changes: vec![(0.3, narrow(share)), (0.6, narrow(500))],
        parity: None,
        promise,
    };
    vec![
        case("fair", fair, Promise::NoFrameLost),
        random("random-0.5", 0.5, Promise::NoFrameLost),
        random("random-1", 1.0, Promise::NoFrameLost),
        random("random-2", 2.0, Promise::NoFrameLost),
        random("random-5", 5.0, Promise::NoFrameLost),
        random("random-10", 10.0, Promise::NinetyNineOfHundred),
        random("random-20", 20.0, Promise::NinetyNineOfHundred),
        lost("burst-3", Loss::Bursts { start: 1.0, length: 3 }, Promise::NinetyNineOfHundred),
        lost(
            "burst-30",
            Loss::Periodic { every: BURST_EVERY, length: 30 },
            Promise::OneFrameABurst { every: BURST_EVERY },
        ),
        lost("burst-30-anywhere", Loss::Bursts { start: 0.025, length: 30 }, Promise::None),
        Case {
            parity: Some(HALF_A_BURST),
            ..lost("burst-30-halved", Loss::Bursts { start: 0.025, length: 30 }, Promise::NoTwoInARow)
        },
        lost("periodic", Loss::Periodic { every: 100 * MS, length: 4 }, Promise::NinetyNineOfHundred),
        case("reorder", Weather { reorder: (5.0, 20 * MS), ..fair }, Promise::NinetyNineOfHundred),
        case("duplicate", Weather { duplicate: 5.0, ..fair }, Promise::NoFrameLost),
        case("jitter", Weather { jitter: 10 * MS, ..fair }, Promise::NoFrameLost),
        step("rate-step-200", 200, Promise::NoFrameLost),
        step("rate-step-75", 75, Promise::None),
        case(
            "everything",
            Weather { loss: Loss::Random(2.0), reorder: (5.0, 20 * MS), duplicate: 1.0, jitter: 5 * MS, ..fair },
            Promise::NinetyNineOfHundred,
        ),
    ]
}
