//! How a session does, second by second.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One second of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionSample {
    /// Which session.
    pub session: u64,
    /// When the second ended, in milliseconds since 1970.
    pub unix_ms: u64,
    /// Frames the display painted.
    pub frames_captured: u32,
    /// Of those, frames that a newer one replaced before the encoder was ready.
    pub frames_dropped: u32,
    /// Frames sent.
    pub frames_sent: u32,
    /// Video sent, without parity, in kbit/s.
    pub video_kbps: u32,
    /// The rate in force, in kbit/s.
    pub target_kbps: u32,
    /// Parity in percent of the video.
    pub fec_percent: u8,
    /// Loss as the client last reported it, in millionths.
    pub loss_ppm: u32,
    /// Round trip of the control connection, in microseconds.
    pub rtt_us: u32,
    /// From painted to taken by the encoder.
    pub capture: StageLatency,
    /// In the encoder.
    pub encode: StageLatency,
    /// From encoded to the last datagram handed to the kernel.
    pub send: StageLatency,
}

/// How long the frames of a second took in one stage, in microseconds; zero where there were none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StageLatency {
    /// Half of them at most.
    pub p50_us: u32,
    /// 95 of 100 at most.
    pub p95_us: u32,
    /// The slowest.
    pub max_us: u32,
}
