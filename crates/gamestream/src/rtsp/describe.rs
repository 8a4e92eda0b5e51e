//! What a host tells of itself (GameStream spec section 3.4).

use std::fmt::Write as _;

/// What this host can do beyond H.264, stereo and keyboard and mouse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Events that clients send only to hosts that know them.
    pub events: Events,
    /// Codecs beside H.264, which every host has.
    pub codecs: Codecs,
    /// Whether lost frames can be left out of references. Without, clients ask for an IDR.
    pub invalidation: bool,
}

/// Bits of `x-ss-general.featureFlags`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// Pen and touch. Without, clients make mouse events of them.
    pub pen_and_touch: bool,
    /// Touchpads and motion sensors of gamepads.
    pub pad_sensors: bool,
}

/// Codecs that are named in DESCRIBE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Codecs {
    /// HEVC.
    pub hevc: bool,
    /// AV1.
    pub av1: bool,
}

/// Bit of control encryption in `x-ss-general.encryption…`.
pub const ENCRYPT_CONTROL: u32 = 1;
/// Bit of video encryption.
pub const ENCRYPT_VIDEO: u32 = 2;
/// Bit of audio encryption.
pub const ENCRYPT_AUDIO: u32 = 4;

/// Opus layouts: channels, streams, coupled streams, then the mapping; of each number of channels the normal quality first
/// (spec section 6.4).
const SURROUND: [&str; 6] = ["21101", "21101", "642012453", "660012345", "85301245673", "88001234567"];

impl Offer {
    /// The body of the answer to DESCRIBE.
    pub fn describe(&self) -> String {
        let Self { events, codecs, invalidation } = *self;
        let features = u32::from(events.pen_and_touch) | u32::from(events.pad_sensors) << 1;
        let supported = ENCRYPT_CONTROL | ENCRYPT_VIDEO | ENCRYPT_AUDIO;
        let mut body = String::new();
        let mut line = |text: std::fmt::Arguments<'_>| {
            let _ = write!(body, "{text}\r\n");
        };
        line(format_args!("a=x-ss-general.featureFlags:{features}"));
        line(format_args!("a=x-ss-general.encryptionSupported:{supported}"));
        line(format_args!("a=x-ss-general.encryptionRequested:{ENCRYPT_CONTROL}"));
        if invalidation {
            line(format_args!("a=x-nv-video[0].refPicInvalidation:1"));
        }
        if codecs.hevc {
            line(format_args!("sprop-parameter-sets=AAAAAU"));
        }
        if codecs.av1 {
            line(format_args!("a=rtpmap:98 AV1/90000"));
        }
        SURROUND.iter().for_each(|layout| line(format_args!("a=fmtp:97 surround-params={layout}")));
        body
    }
}
