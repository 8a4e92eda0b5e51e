//! What is gathered while a session runs, and the report made of it.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use punktfunk_proto::{
    clock::ClockEstimate,
    session::client_media::FillerReceived,
    units::{Fingerprint, Mode},
    wire::{Codec, ProbeResult, Welcome, WireMode},
};

use super::{
    decode::Decoded,
    receive::Received,
    report::{Check, ClockReport, Counts, Ending, ModeReport, Report, SnapshotReport, SpeedReport},
    sound::SoundReport,
};

#[derive(Default)]
pub(super) struct Story {
    codec: Option<Codec>,
    pub(super) bitrate_kbps: u32,
    pub(super) clock: Option<ClockEstimate>,
    pub(super) speed: Option<SpeedReport>,
    pub(super) sound: Option<SoundReport>,
    modes: Vec<ModeInForce>,
    picture: Option<(u32, u32)>,
    modes_asked: Vec<Mode>,
    snapshots: Vec<SnapshotReport>,
    snapshots_asked: Vec<PathBuf>,
    checks: Vec<Check>,
}

struct ModeInForce {
    mode: WireMode,
    since: Instant,
    picture_after: Option<Duration>,
}

/// How long the pictures lasted, and what they cost.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) started: Instant,
    pub(super) ended: Instant,
    pub(super) cpu: Duration,
}

impl Story {
    pub(super) fn welcomed(&mut self, now: Instant, welcome: &Welcome) {
        self.codec = Some(welcome.codec);
        self.bitrate_kbps = welcome.bitrate_kbps;
        self.mode_in_force(now, welcome.mode);
    }

    /// The mode in force, where it is one a display can have.
    pub(super) fn mode(&self) -> Option<Mode> {
        self.modes.last().and_then(|last| Mode::try_from(last.mode).ok())
    }

    fn mode_in_force(&mut self, since: Instant, mode: WireMode) {
        // Another rate alone does not show in the picture's size.
        let seen = self.picture == Some((mode.width, mode.height));
        self.modes.push(ModeInForce { mode, since, picture_after: seen.then_some(Duration::ZERO) });
    }

    pub(super) fn mode_asked(&mut self, mode: Mode) {
        self.modes_asked.push(mode);
    }

    pub(super) fn reconfigured(&mut self, now: Instant, accepted: bool, mode: WireMode) {
        if accepted {
            self.mode_in_force(now, mode);
        }
        if !self.modes_asked.is_empty() {
            let wanted = self.modes_asked.remove(0);
            let ok = accepted && WireMode::from(wanted) == mode;
            let found = if accepted { format!("the host set {mode}") } else { format!("the host stays at {mode}") };
            self.check(format!("mode {wanted} is accepted"), ok, found);
        }
    }

    /// A picture of another size than the one before.
    pub(super) fn picture(&mut self, now: Instant, width: u32, height: u32) {
        self.picture = Some((width, height));
        if let Some(last) = self.modes.last_mut()
            && (last.mode.width, last.mode.height) == (width, height)
        {
            last.picture_after.get_or_insert(now.duration_since(last.since));
        }
    }

    pub(super) fn snapshot_asked(&mut self, path: PathBuf) {
        self.snapshots_asked.push(path);
    }

    pub(super) fn snapshot_saved(&mut self, snapshot: SnapshotReport) {
        self.snapshot_done(&snapshot.path);
        self.snapshots.push(snapshot);
    }

    pub(super) fn snapshot_failed(&mut self, path: &Path, reason: String) {
        self.snapshot_done(path);
        self.check(format!("snapshot {}", path.display()), false, reason);
    }

    fn snapshot_done(&mut self, path: &Path) {
        if let Some(index) = self.snapshots_asked.iter().position(|asked| asked == path) {
            self.snapshots_asked.remove(index);
        }
    }

    pub(super) fn check(&mut self, name: String, ok: bool, found: String) {
        self.checks.push(Check { name, ok, found });
    }

    /// What was asked for and never answered, and what every session has to show.
    pub(super) fn closing_checks(&mut self, counts: &Counts) {
        self.check("pictures are decoded".into(), counts.frames_decoded > 0, counts.frames_decoded.to_string());
        for mode in std::mem::take(&mut self.modes_asked) {
            self.check(format!("mode {mode} is accepted"), false, "the host did not answer".into());
        }
        for path in std::mem::take(&mut self.snapshots_asked) {
            self.check(format!("snapshot {}", path.display()), false, "it was not written".into());
        }
        let unseen = self.modes.iter().filter(|mode| mode.picture_after.is_none());
        let unseen: Vec<String> = unseen.map(|mode| mode.mode.to_string()).collect();
        let found = if unseen.is_empty() { "all".to_owned() } else { format!("none of {}", unseen.join(", ")) };
        self.check("every mode is seen in the picture".into(), unseen.is_empty(), found);
    }

    pub(super) fn into_report(
        self,
        fingerprint: Fingerprint,
        ended: Ending,
        span: Span,
        (received, decoded): (Received, Decoded),
    ) -> Report {
        let counts = Counts::new(&received, &decoded);
        let seconds = span.ended.duration_since(span.started).as_secs_f64();
        let per_second = |amount: f64| if seconds > 0.0 { amount / seconds } else { 0.0 };
        Report {
            fingerprint: fingerprint.to_string(),
            ended,
            seconds,
            codec: self.codec.map_or("", codec_name).to_owned(),
            bitrate_kbps: self.bitrate_kbps,
            auto_bitrate: received.bitrate,
            modes: self.modes.iter().map(|mode| mode.report(span.started)).collect(),
            counts,
            mbit_per_s: per_second(counts.datagram_bytes as f64 * 8e-6),
            clock: self.clock.map(|clock| ClockReport {
                offset_ns: clock.offset.nanos(),
                rtt_us: u64::try_from(clock.rtt.as_micros()).unwrap_or(u64::MAX),
            }),
            latency: decoded.latency,
            cpu_seconds: span.cpu.as_secs_f64(),
            cpu_percent: per_second(span.cpu.as_secs_f64() * 100.0),
            snapshots: self.snapshots,
            recording: decoded.recorded,
            speed: self.speed,
            sound: self.sound,
            checks: self.checks,
        }
    }
}

impl ModeInForce {
    fn report(&self, started: Instant) -> ModeReport {
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        ModeReport {
            mode: self.mode.to_string(),
            at_ms: ms(self.since.saturating_duration_since(started)),
            picture_after_ms: self.picture_after.map(ms),
        }
    }
}

/// A speed test, from what the host says it sent and what came.
pub(super) fn speed(result: &ProbeResult, filler: &FillerReceived) -> SpeedReport {
    let time = filler.first_at.zip(filler.last_at).map_or(Duration::ZERO, |(first, last)| last.duration_since(first));
    let megabits = filler.datagram_bytes as f64 * 8e-6;
    let sent = f64::from(result.wire_packets);
    let lost = (sent - filler.packets as f64).max(0.0);
    SpeedReport {
        sent_packets: result.wire_packets,
        send_dropped_packets: result.send_dropped,
        sent_ms: result.duration_ms,
        received_packets: filler.packets,
        received_mbit_per_s: if time.is_zero() { 0.0 } else { megabits / time.as_secs_f64() },
        lost_percent: if sent > 0.0 { lost / sent * 100.0 } else { 0.0 },
    }
}

fn codec_name(codec: Codec) -> &'static str {
    match codec {
        Codec::H264 => "h264",
        Codec::Hevc => "hevc",
        Codec::Av1 => "av1",
        Codec::PyroWave => "pyrowave",
    }
}
