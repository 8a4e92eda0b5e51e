//! How long a frame took from capture to picture, stage by stage.
//!
//! Three sources meet here by the frame's PTS: what the receiver and decoder saw (client clock), what the host
//! measured (host-timing datagrams, spec section 5.7) and the clock offset (spec section 8). Host timings may come
//! before or after their frame, or never. Runs once per frame; memory is fixed.

use std::{collections::VecDeque, fmt, time::Duration};

use punktfunk_proto::units::{ClientTime, ClockOffset, HostTime};
use serde::Serialize;

use super::Histogram;

/// One stage, in the order in which a frame passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Captured until the encoder took it (host).
    Queue,
    /// In the encoder (host).
    Encode,
    /// First packet until last packet sent (host).
    Pace,
    /// Captured until the last packet was sent: all of the host.
    Host,
    /// Last packet sent until the frame was whole here. Needs both clocks.
    Network,
    /// First packet received until the frame was whole.
    Reassembly,
    /// Captured until whole here. Needs both clocks.
    Arrival,
    /// The same without the time in the encoder: what moving the frame costs.
    Moved,
    /// Whole until the decoder took it.
    Wait,
    /// In the decoder.
    Decode,
    /// Captured until decoded. Needs both clocks.
    Total,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Self; 11] = [
        Self::Queue,
        Self::Encode,
        Self::Pace,
        Self::Host,
        Self::Network,
        Self::Reassembly,
        Self::Arrival,
        Self::Moved,
        Self::Wait,
        Self::Decode,
        Self::Total,
    ];

    /// What the table calls it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Queue => "  host queue",
            Self::Encode => "  host encode",
            Self::Pace => "  host pace",
            Self::Host => "capture to sent",
            Self::Network => "network",
            Self::Reassembly => "  reassembly",
            Self::Arrival => "capture to whole",
            Self::Moved => "  less encode",
            Self::Wait => "decoder queue",
            Self::Decode => "decode",
            Self::Total => "total",
        }
    }
}

/// When one frame passed the client's stages.
#[derive(Clone, Copy, Debug)]
pub struct FrameTimes {
    /// When the host captured it.
    pub pts: HostTime,
    /// Its first packet arrived.
    pub first_packet: ClientTime,
    /// It was whole.
    pub complete: ClientTime,
    /// The decoder took it.
    pub taken: ClientTime,
    /// It was decoded.
    pub decoded: ClientTime,
}

/// What the host measured of one frame.
#[derive(Clone, Copy, Debug)]
pub struct HostTimes {
    /// When it was captured: names the frame.
    pub pts: HostTime,
    /// Capture until the last packet was sent.
    pub total: Duration,
    /// Queue, encode and pace, if the host tells them apart.
    pub parts: Option<[Duration; 3]>,
}

/// Frames waiting for their host timing, and the other way round. Two seconds at 120 Hz.
const WAITING: usize = 256;

/// Collects the stages of every frame.
#[derive(Debug)]
pub struct StageLog {
    stages: [Histogram; Stage::ALL.len()],
    offset: Option<ClockOffset>,
    frames: VecDeque<(HostTime, ClientTime)>,
    timings: VecDeque<(HostTime, HostTimes)>,
}

impl Default for StageLog {
    fn default() -> Self {
        Self {
            stages: std::array::from_fn(|_| Histogram::default()),
            offset: None,
            frames: VecDeque::with_capacity(WAITING),
            timings: VecDeque::with_capacity(WAITING),
        }
    }
}

impl StageLog {
    /// Both clocks are compared. Until then stages that need both are left out.
    pub fn set_clock(&mut self, offset: ClockOffset) {
        self.offset = Some(offset);
    }

    /// A frame was decoded.
    pub fn frame(&mut self, times: FrameTimes) {
        self.record(Stage::Reassembly, times.complete.since(times.first_packet));
        self.record(Stage::Wait, times.taken.since(times.complete));
        self.record(Stage::Decode, times.decoded.since(times.taken));
        if let Some(offset) = self.offset {
            self.record(Stage::Total, offset.to_host(times.decoded).since(times.pts));
        }
        match take(&mut self.timings, times.pts) {
            Some(host) => self.network(host, times.complete),
            None => keep(&mut self.frames, times.pts, times.complete),
        }
    }

    /// The host told what it measured.
    pub fn host(&mut self, times: HostTimes) {
        self.record(Stage::Host, times.total);
        if let Some([queue, encode, pace]) = times.parts {
            self.record(Stage::Queue, queue);
            self.record(Stage::Encode, encode);
            self.record(Stage::Pace, pace);
        }
        match take(&mut self.frames, times.pts) {
            Some(complete) => self.network(times, complete),
            None => keep(&mut self.timings, times.pts, times),
        }
    }

    /// The table as it stands.
    pub fn table(&self) -> StageTable {
        let row = |stage: Stage| {
            let histogram = &self.stages[stage as usize];
            let micros = |duration: Duration| duration.as_micros() as u64;
            StageRow {
                stage,
                frames: histogram.count(),
                p50_us: micros(histogram.quantile(500)),
                p95_us: micros(histogram.quantile(950)),
                p99_us: micros(histogram.quantile(990)),
                max_us: micros(histogram.max()),
                percentiles_us: (0..=100).map(|percent| micros(histogram.quantile(percent * 10))).collect(),
            }
        };
        StageTable(Stage::ALL.into_iter().map(row).filter(|row| row.frames > 0).collect())
    }

    /// Both sides of a frame are known.
    fn network(&mut self, host: HostTimes, complete: ClientTime) {
        let Some(offset) = self.offset else { return };
        let complete = offset.to_host(complete);
        self.record(Stage::Network, complete.since(host.pts.plus(host.total)));
        self.record(Stage::Arrival, complete.since(host.pts));
        if let Some([_, encode, _]) = host.parts {
            self.record(Stage::Moved, complete.since(host.pts).saturating_sub(encode));
        }
    }

    fn record(&mut self, stage: Stage, duration: Duration) {
        self.stages[stage as usize].record(duration);
    }
}

fn take<T>(waiting: &mut VecDeque<(HostTime, T)>, pts: HostTime) -> Option<T> {
    let index = waiting.iter().position(|(known, _)| *known == pts)?;
    waiting.remove(index).map(|(_, value)| value)
}

fn keep<T>(waiting: &mut VecDeque<(HostTime, T)>, pts: HostTime, value: T) {
    if waiting.len() == WAITING {
        waiting.pop_front();
    }
    waiting.push_back((pts, value));
}

/// One row of the table, in microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StageRow {
    /// Which stage.
    pub stage: Stage,
    /// How many frames were measured.
    pub frames: u64,
    /// Median.
    pub p50_us: u64,
    /// 95 of 100 frames took no longer.
    pub p95_us: u64,
    /// 99 of 100 frames took no longer.
    pub p99_us: u64,
    /// The slowest.
    pub max_us: u64,
    /// What 0, 1, 2 … 100 of 100 frames took no longer than, for plots.
    pub percentiles_us: Vec<u64>,
}

/// The stages that were measured, in order. Prints as a table in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct StageTable(pub Vec<StageRow>);

impl fmt::Display for StageTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<17}{:>8}{:>9}{:>9}{:>9}{:>9}", "latency (ms)", "frames", "p50", "p95", "p99", "max")?;
        for row in &self.0 {
            write!(f, "{:<17}{:>8}", row.stage.label(), row.frames)?;
            for micros in [row.p50_us, row.p95_us, row.p99_us, row.max_us] {
                write!(f, "{:>6}.{:02}", micros / 1_000, micros % 1_000 / 10)?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{FrameTimes, HostTimes, Stage, StageLog};
    use punktfunk_proto::units::{ClockOffset, HostTime, Timestamp};
    use std::time::Duration;

    const MS: u64 = 1_000_000;

    /// A frame captured at `pts` ms on a host clock that is 500 ms ahead of ours.
    fn frame(pts: u64) -> FrameTimes {
        let client = |ms: u64| Timestamp::from_nanos((pts - 500 + ms) * MS);
        FrameTimes {
            pts: host_time(pts),
            first_packet: client(7),
            complete: client(9),
            taken: client(10),
            decoded: client(14),
        }
    }

    fn timing(pts: u64) -> HostTimes {
        let ms = Duration::from_millis;
        HostTimes { pts: host_time(pts), total: ms(6), parts: Some([ms(1), ms(3), ms(2)]) }
    }

    fn host_time(ms: u64) -> HostTime {
        Timestamp::from_nanos(ms * MS)
    }

    fn medians(log: &StageLog) -> Vec<(Stage, u64)> {
        log.table().0.iter().map(|row| (row.stage, row.p50_us / 1_000)).collect()
    }

    #[test]
    fn host_timings_before_and_after_their_frame_give_the_same_stages() {
        let mut log = StageLog::default();
        log.set_clock(ClockOffset::from_nanos(500 * MS as i64));
        log.host(timing(1_000));
        log.frame(frame(1_000));
        log.frame(frame(1_016));
        log.host(timing(1_016));
        let expected = [
            (Stage::Queue, 1),
            (Stage::Encode, 3),
            (Stage::Pace, 2),
            (Stage::Host, 6),
            (Stage::Network, 3),
            (Stage::Reassembly, 2),
            (Stage::Arrival, 9),
            (Stage::Moved, 6),
            (Stage::Wait, 1),
            (Stage::Decode, 4),
            (Stage::Total, 14),
        ];
        assert_eq!(medians(&log), expected);
        assert!(log.table().0.iter().all(|row| row.frames == 2));
    }

    #[test]
    fn without_compared_clocks_nothing_is_said_about_the_way_between_them() {
        let mut log = StageLog::default();
        log.frame(frame(1_000));
        log.host(timing(1_000));
        let stages: Vec<Stage> = log.table().0.iter().map(|row| row.stage).collect();
        assert!(!stages.contains(&Stage::Network) && !stages.contains(&Stage::Total));
        assert!(stages.contains(&Stage::Host) && stages.contains(&Stage::Decode));
    }

    #[test]
    fn timings_that_never_meet_their_frame_do_not_pile_up() {
        let mut log = StageLog::default();
        for pts in 0..10_000 {
            log.host(timing(pts));
            log.frame(frame(1_000_000 + pts));
        }
        assert!(log.frames.len() <= super::WAITING && log.timings.len() <= super::WAITING);
    }

    #[test]
    fn the_table_is_in_milliseconds() {
        let mut log = StageLog::default();
        log.frame(frame(1_000));
        insta::assert_snapshot!(log.table().to_string(), @r"
        latency (ms)       frames      p50      p95      p99      max
          reassembly            1     2.00     2.00     2.00     2.00
        decoder queue           1     1.00     1.00     1.00     1.00
        decode                  1     4.00     4.00     4.00     4.00
        ");
    }
}
