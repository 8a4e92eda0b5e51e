//! Sessions, running and ended.

use punktfunk_proto::units::Fingerprint;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::text::optional_fingerprint;

/// A running session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Names it in stopping it.
    pub id: u64,
    /// The device's name.
    pub device: String,
    /// The SHA-256 of its certificate; absent for an anonymous client of an open host.
    #[serde(default, with = "optional_fingerprint")]
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{64}$")]
    pub fingerprint: Option<Fingerprint>,
    /// The address it connected from.
    pub peer: String,
    /// Size and rate: `1280x720@60`.
    pub mode: String,
    /// The codec in use.
    pub codec: String,
    /// The video rate in force, in kbit/s.
    pub bitrate_kbps: u32,
    /// Since it began, in seconds.
    pub age_seconds: u64,
    /// Frames the display painted so far.
    pub frames_captured: u64,
    /// Of those, frames that a newer one replaced before the encoder was ready.
    pub frames_dropped: u64,
    /// Frames sent so far; a still picture is sent again now and then, so these may be more than were captured.
    pub frames_sent: u64,
    /// Parity sent along, in percent of the video.
    pub fec_percent: u8,
}

/// A session that is over. Its counters are final, `age_seconds` is how long it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EndedSession {
    /// As it was at its end.
    #[serde(flatten)]
    pub session: Session,
    /// When it ended.
    pub ended_unix: u64,
    /// Why: `closed by the client (0x51)`.
    pub end: String,
}
