//! What a session amounted to: for people as text, for programs as JSON.

use std::{fmt, path::PathBuf};

use punktfunk_proto::session::client_media::ClientMediaStats;
use serde::Serialize;

use super::{decode::Decoded, receive::Received, sound::SoundReport};
use crate::stats::StageTable;

/// A session that took place. Units are in the names.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The host's certificate.
    pub fingerprint: String,
    /// How it ended.
    pub ended: Ending,
    /// From the first picture to the end.
    pub seconds: f64,
    /// What the host streams: `h264`, `hevc`.
    pub codec: String,
    /// The rate the host said it streams at, last.
    pub bitrate_kbps: u32,
    /// What bitrate control did; absent where the rate was given.
    pub auto_bitrate: Option<BitrateReport>,
    /// The modes in force, the first one from Welcome.
    pub modes: Vec<ModeReport>,
    /// Frames, packets and bytes.
    pub counts: Counts,
    /// Received over the whole session, in Mbit/s of UDP payload.
    pub mbit_per_s: f64,
    /// Host clock minus client clock, if the host answered.
    pub clock: Option<ClockReport>,
    /// Latency by stage.
    pub latency: StageTable,
    /// Processor time of this process from the first picture to the end.
    pub cpu_seconds: f64,
    /// The same, in percent of one processor.
    pub cpu_percent: f64,
    /// The snapshots that were saved.
    pub snapshots: Vec<SnapshotReport>,
    /// The recording, with how many units it holds.
    pub recording: Option<(PathBuf, u64)>,
    /// The speed test's result.
    pub speed: Option<SpeedReport>,
    /// What was heard.
    pub sound: Option<SoundReport>,
    /// What was checked. The session is good if all of them are.
    pub checks: Vec<Check>,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Ending {
    /// As planned: the time was up, or the script said so.
    Plan,
    /// The user interrupted it.
    Interrupted,
    /// The host closed.
    Host {
        /// QUIC application error code (spec section 2.6).
        code: u32,
        /// The host's words.
        reason: String,
    },
    /// The connection was lost.
    Lost,
    /// No picture came within the time a host has for it.
    NoPicture,
    /// The host broke the protocol.
    HostMisbehaved {
        /// How.
        detail: String,
    },
    /// Something on this machine failed.
    Local {
        /// What.
        detail: String,
    },
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan => f.write_str("ended as planned"),
            Self::Interrupted => f.write_str("interrupted"),
            Self::Host { code, reason } => write!(f, "closed by the host (0x{code:02x}): {reason}"),
            Self::Lost => f.write_str("the connection was lost"),
            Self::NoPicture => f.write_str("no picture came"),
            Self::HostMisbehaved { detail } => write!(f, "the host broke the protocol: {detail}"),
            Self::Local { detail } => f.write_str(detail),
        }
    }
}

/// A mode that was in force.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModeReport {
    /// `WIDTHxHEIGHT@HZ`.
    pub mode: String,
    /// When it was agreed, counted from the first picture.
    pub at_ms: u64,
    /// From the agreement until the first picture of that size; absent if none came.
    pub picture_after_ms: Option<u64>,
}

/// The clocks compared (spec section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ClockReport {
    /// Host clock minus client clock.
    pub offset_ns: i64,
    /// Round trip of the best round.
    pub rtt_us: u64,
}

/// What bitrate control did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BitrateReport {
    /// How often it asked for another rate.
    pub changes: u32,
    /// The rate at the end.
    pub kbps: u32,
    /// How fast the path was at the end, as far as frames told; of IP packets.
    pub path_kbps: Option<u32>,
}

/// A saved snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SnapshotReport {
    /// The PNG file.
    pub path: PathBuf,
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// A speed test, seen from both ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SpeedReport {
    /// What the host says it handed to its kernel.
    pub sent_packets: u32,
    /// What its kernel did not take.
    pub send_dropped_packets: u32,
    /// How long its burst took.
    pub sent_ms: u32,
    /// What arrived.
    pub received_packets: u64,
    /// Filler that arrived, in Mbit/s of UDP payload between the first and the last packet.
    pub received_mbit_per_s: f64,
    /// Packets lost on the way, in percent of those handed to the host's kernel.
    pub lost_percent: f64,
}

/// Something that had to be so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What had to be so.
    pub name: String,
    /// Whether it was.
    pub ok: bool,
    /// What was found.
    pub found: String,
}

/// Frames, packets and bytes of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Frames that arrived whole.
    pub frames_received: u64,
    /// Frames that never did.
    pub frames_lost: u64,
    /// Frames that became whole after their successors were shown.
    pub frames_late: u64,
    /// Frames not decoded because the decoder was behind.
    pub frames_skipped: u64,
    /// Pictures decoded.
    pub frames_decoded: u64,
    /// Frames without a picture: damaged, or referring to lost ones.
    pub frames_damaged: u64,
    /// Pictures held back between a loss and its repair.
    pub frames_hidden: u64,
    /// Bytes of all frames.
    pub frame_bytes: u64,
    /// Datagrams on the media socket.
    pub datagrams: u64,
    /// Their bytes.
    pub datagram_bytes: u64,
    /// Data packets restored by parity.
    pub packets_recovered: u64,
    /// Datagrams refused: forged, replayed or malformed.
    pub datagrams_refused: u64,
    /// Keyframes asked for.
    pub keyframe_requests: u64,
    /// Repairs without a keyframe asked for.
    pub reference_requests: u64,
    /// Loss reports sent.
    pub loss_reports: u64,
}

impl Counts {
    pub(super) fn new(received: &Received, decoded: &Decoded) -> Self {
        let stats = &received.stats;
        Self {
            frames_received: stats.units,
            frames_lost: stats.frames_lost,
            frames_late: stats.late_units,
            frames_skipped: received.skipped,
            frames_decoded: decoded.counts.pictures,
            frames_damaged: decoded.counts.damaged,
            frames_hidden: decoded.hidden,
            frame_bytes: decoded.unit_bytes,
            datagrams: stats.datagrams,
            datagram_bytes: stats.datagram_bytes,
            packets_recovered: stats.loss.recovered,
            datagrams_refused: refused(stats),
            keyframe_requests: received.keyframe_requests,
            reference_requests: received.reference_requests,
            loss_reports: received.loss_reports,
        }
    }
}

fn refused(stats: &ClientMediaStats) -> u64 {
    let by = &stats.refused;
    by.too_short + by.replayed + by.not_authentic + by.header + by.geometry + by.disagreement + by.memory
}

impl Report {
    /// Whether everything that was checked was so.
    pub fn is_good(&self) -> bool {
        self.checks.iter().all(|check| check.ok)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        let modes: Vec<&str> = self.modes.iter().map(|mode| mode.mode.as_str()).collect();
        writeln!(
            f,
            "stream    {} {}, {:.1} s, {:.2} Mbit/s",
            self.codec,
            modes.join(" then "),
            self.seconds,
            self.mbit_per_s
        )?;
        writeln!(
            f,
            "frames    received {}, decoded {}, damaged {}, lost {}, late {}, skipped {}, hidden {}",
            counts.frames_received,
            counts.frames_decoded,
            counts.frames_damaged,
            counts.frames_lost,
            counts.frames_late,
            counts.frames_skipped,
            counts.frames_hidden
        )?;
        writeln!(
            f,
            "packets   received {}, recovered {}, refused {}",
            counts.datagrams, counts.packets_recovered, counts.datagrams_refused
        )?;
        if let Some(sound) = &self.sound {
            write!(f, "sound     {} channels, {:.1} s", sound.channels, sound.seconds)?;
            sound.level_dbfs.map_or(Ok(()), |level| write!(f, " at {level:.1} dBFS"))?;
            writeln!(
                f,
                ", packets received {}, recovered {}, lost {}, late {}; playback: {}",
                sound.packets, sound.recovered, sound.lost, sound.late, sound.playback
            )?;
        }
        writeln!(f, "requests  keyframes {}, references {}", counts.keyframe_requests, counts.reference_requests)?;
        if let Some(BitrateReport { changes, kbps, path_kbps }) = self.auto_bitrate {
            write!(f, "bitrate   {kbps} kbit/s at the end after {changes} changes")?;
            path_kbps.map_or(Ok(()), |path| write!(f, ", on a path of {path} kbit/s"))?;
            writeln!(f)?;
        }
        writeln!(f, "CPU       {:.2} s, {:.0} % of one core", self.cpu_seconds, self.cpu_percent)?;
        if let Some(clock) = self.clock {
            writeln!(f, "clock     offset {} µs, round trip {} µs", clock.offset_ns / 1_000, clock.rtt_us)?;
        }
        if let Some(speed) = self.speed {
            writeln!(
                f,
                "speed     {:.1} Mbit/s received, {:.2} % lost",
                speed.received_mbit_per_s, speed.lost_percent
            )?;
        }
        self.snapshots
            .iter()
            .try_for_each(|shot| writeln!(f, "snapshot  {} ({}x{})", shot.path.display(), shot.width, shot.height))?;
        if let Some((path, units)) = &self.recording {
            writeln!(f, "recorded  {} ({units} frames)", path.display())?;
        }
        write!(f, "\n{}", self.latency)?;
        self.checks
            .iter()
            .filter(|check| !check.ok)
            .try_for_each(|check| writeln!(f, "\nfailed    {}: {}", check.name, check.found))
    }
}
