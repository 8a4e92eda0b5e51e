//! Counters of one session, written by its threads and read by whoever asks.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use punktfunk_api::model::StageLatency;
use punktfunk_proto::units::{Bitrate, Mode};
use punktfunk_video::frame::FrameCounts;
use serde::{Deserialize, Serialize};

use super::histogram::StageHistogram;

/// The counters. They change nothing: no thread reads them to decide.
#[derive(Debug)]
pub struct SessionStats {
    painted: AtomicU64,
    dropped: AtomicU64,
    units: AtomicU64,
    unit_bytes: AtomicU64,
    encode_us: AtomicU64,
    datagrams: AtomicU64,
    datagrams_unsent: AtomicU64,
    fec_percent: AtomicU64,
    bitrate_kbps: AtomicU32,
    loss_ppm: AtomicU32,
    mode: Mutex<Mode>,
    capture: StageHistogram,
    encode: StageHistogram,
    send: StageHistogram,
    sound: AtomicU64,
    sound_refused: AtomicU64,
}

/// How long the frames took in each stage since the last reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// From painted to taken by the encoder.
    pub capture: StageLatency,
    /// In the encoder.
    pub encode: StageLatency,
    /// From encoded to the last datagram handed to the kernel.
    pub send: StageLatency,
}

/// One reading of a session's counters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatsReading {
    /// Frames the display painted.
    pub frames_captured: u64,
    /// Of those, frames replaced by a newer one before the encoder was ready.
    pub frames_dropped: u64,
    /// Access units handed to the sender.
    pub units_encoded: u64,
    /// Their bytes.
    pub bytes_encoded: u64,
    /// Time spent encoding, in microseconds.
    pub encode_us: u64,
    /// Datagrams the kernel took.
    pub datagrams_sent: u64,
    /// Datagrams the kernel had no room for.
    pub datagrams_unsent: u64,
    /// Parity now, in percent.
    pub fec_percent: u64,
    /// The video rate in force, in kbit/s.
    pub bitrate_kbps: u32,
    /// Loss as the client last reported it, in millionths.
    pub loss_ppm: u32,
    /// The mode in force, as `1280x720@60`.
    pub mode: String,
    /// Packets of sound handed to the connection.
    pub sound_packets: u64,
    /// Packets of the session's companion that were none.
    pub sound_refused: u64,
}

impl SessionStats {
    /// All zero, at `mode`.
    pub fn new(mode: Mode) -> Self {
        Self {
            painted: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            units: AtomicU64::new(0),
            unit_bytes: AtomicU64::new(0),
            encode_us: AtomicU64::new(0),
            datagrams: AtomicU64::new(0),
            datagrams_unsent: AtomicU64::new(0),
            fec_percent: AtomicU64::new(0),
            bitrate_kbps: AtomicU32::new(0),
            loss_ppm: AtomicU32::new(0),
            mode: Mutex::new(mode),
            capture: StageHistogram::default(),
            encode: StageHistogram::default(),
            send: StageHistogram::default(),
            sound: AtomicU64::new(0),
            sound_refused: AtomicU64::new(0),
        }
    }

    /// Frames of the display so far.
    pub fn count_frames(&self, counts: FrameCounts) {
        self.painted.store(counts.painted, Relaxed);
        self.dropped.store(counts.dropped, Relaxed);
    }

    /// One more access unit.
    pub fn count_unit(&self, bytes: usize, encode: Duration) {
        self.units.fetch_add(1, Relaxed);
        self.unit_bytes.fetch_add(bytes as u64, Relaxed);
        self.encode_us.fetch_add(encode.as_micros() as u64, Relaxed);
    }

    /// A frame waited this long for the encoder, which then took that long.
    pub fn time_encode(&self, waited: Duration, encode: Duration) {
        self.capture.count(waited);
        self.encode.count(encode);
    }

    /// A unit was sent within this time.
    pub fn time_send(&self, send: Duration) {
        self.send.count(send);
    }

    /// How long frames took since the last call.
    pub fn take_stages(&self) -> Stages {
        Stages { capture: self.capture.take(), encode: self.encode.take(), send: self.send.take() }
    }

    /// Packets of sound handed to the connection.
    pub fn count_sound(&self, packets: u64) {
        self.sound.fetch_add(packets, Relaxed);
    }

    /// Packets of the companion that were none.
    pub fn refuse_sound(&self, packets: u64) {
        self.sound_refused.fetch_add(packets, Relaxed);
    }

    /// The client lost this much.
    pub fn set_loss(&self, ppm: u32) {
        self.loss_ppm.store(ppm, Relaxed);
    }

    /// Datagrams handed to the kernel, and those it had no room for.
    pub fn count_datagrams(&self, sent: u64, unsent: u64) {
        self.datagrams.fetch_add(sent, Relaxed);
        self.datagrams_unsent.fetch_add(unsent, Relaxed);
    }

    /// Parity from now on.
    pub fn set_fec_percent(&self, percent: u8) {
        self.fec_percent.store(percent.into(), Relaxed);
    }

    /// The video rate from now on.
    pub fn set_bitrate(&self, bitrate: Bitrate) {
        self.bitrate_kbps.store(bitrate.kbps(), Relaxed);
    }

    /// The mode from now on.
    pub fn set_mode(&self, mode: Mode) {
        *self.mode() = mode;
    }

    /// Reads all of them.
    pub fn read(&self) -> StatsReading {
        StatsReading {
            frames_captured: self.painted.load(Relaxed),
            frames_dropped: self.dropped.load(Relaxed),
            units_encoded: self.units.load(Relaxed),
            bytes_encoded: self.unit_bytes.load(Relaxed),
            encode_us: self.encode_us.load(Relaxed),
            datagrams_sent: self.datagrams.load(Relaxed),
            datagrams_unsent: self.datagrams_unsent.load(Relaxed),
            fec_percent: self.fec_percent.load(Relaxed),
            bitrate_kbps: self.bitrate_kbps.load(Relaxed),
            loss_ppm: self.loss_ppm.load(Relaxed),
            mode: self.mode().to_string(),
            sound_packets: self.sound.load(Relaxed),
            sound_refused: self.sound_refused.load(Relaxed),
        }
    }

    fn mode(&self) -> MutexGuard<'_, Mode> {
        self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
