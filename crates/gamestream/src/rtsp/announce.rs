//! What a client finally wants: the body of ANNOUNCE (GameStream spec section 3.5).

use punktfunk_proto::units::{Bitrate, Mode, ModeError};

use super::describe::{ENCRYPT_AUDIO, ENCRYPT_CONTROL, ENCRYPT_VIDEO};

/// A session as the client wants it, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRequest {
    /// Size and rate of the picture.
    pub mode: Mode,
    /// The bitstream.
    pub codec: VideoCodec,
    /// The rate of the whole stream as its user set it, with parity, sound and the rest.
    pub bitrate: Bitrate,
    /// Bytes of a video shard without its first 16 (`packetSize`, "P" in the spec).
    pub packet_size: u16,
    /// Parity shards of a block at least.
    pub min_parity: u8,
    /// Whether video datagrams are encrypted.
    pub video_encrypted: bool,
    /// How colours are meant.
    pub colour: Colour,
    /// The sound.
    pub audio: AudioRequest,
}

/// A bitstream, as GameStream numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VideoCodec {
    /// 0.
    H264,
    /// 1.
    Hevc,
    /// 2.
    Av1,
}

/// How colours are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// 0 for BT.601, 1 for BT.709, 2 for BT.2020.
    pub space: u8,
    /// 0 to 255, or 16 to 235.
    pub full_range: bool,
}

/// The sound as the client wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioRequest {
    /// 2, 6 or 8.
    pub channels: u8,
    /// More streams at a higher rate.
    pub high_quality: bool,
    /// Milliseconds of sound in a packet: 5 or 10.
    pub packet_ms: u8,
    /// Whether packets are encrypted.
    pub encrypted: bool,
}

/// Why a wish cannot be met.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnnounceError {
    /// A line that is needed is missing or no number.
    #[error("the client did not say {0}")]
    Missing(&'static str),
    /// A number is out of bounds.
    #[error("the client's {name} of {value} cannot be")]
    Bounds {
        /// Of which attribute.
        name: &'static str,
        /// What it said.
        value: u32,
    },
    /// No display can have this mode.
    #[error("this display mode cannot be streamed: {0}")]
    Mode(#[from] ModeError),
    /// The client would send and take control messages without encryption that counts.
    #[error("the client has turned encryption of its input off; use a Moonlight of 2024 or later")]
    Unencrypted,
}

/// A shard of this many bytes and 48 more is below the MTU of every network that games are streamed over.
const PACKET_SIZES: std::ops::RangeInclusive<u32> = 128..=1_456;
/// The widest and highest any codec carries.
const MAX_SIDE: u32 = 8_192;
/// Frames a second.
const MAX_FPS: u32 = 480;
/// kbit/s.
const BITRATES: std::ops::RangeInclusive<u32> = 500..=1_000_000;

const WIDTH: &str = "x-nv-video[0].clientViewportWd";
const HEIGHT: &str = "x-nv-video[0].clientViewportHt";
const FPS: &str = "x-nv-video[0].maxFPS";
const PACKET_SIZE: &str = "x-nv-video[0].packetSize";
const CODEC: &str = "x-nv-vqos[0].bitStreamFormat";
const CHANNELS: &str = "x-nv-audio.surround.numChannels";
const PACKET_MS: &str = "x-nv-aqos.packetDuration";

impl StreamRequest {
    /// Reads the body of ANNOUNCE; `host` is the request's `Host` header, which says how good stereo may be.
    ///
    /// # Errors
    /// [`AnnounceError`] says what the client has to change.
    pub fn parse(body: &str, host: &str) -> Result<Self, AnnounceError> {
        let attributes = Attributes(body);
        if attributes.or("x-ss-general.encryptionEnabled", 0) & ENCRYPT_CONTROL == 0 {
            return Err(AnnounceError::Unencrypted);
        }
        let encryption = attributes.or("x-ss-general.encryptionEnabled", 0);
        let packet_size = bounded(PACKET_SIZE, attributes.needed(PACKET_SIZE)?, PACKET_SIZES)?;
        if packet_size % 16 != 0 {
            return Err(AnnounceError::Bounds { name: PACKET_SIZE, value: packet_size });
        }
        Ok(Self {
            mode: attributes.mode()?,
            codec: attributes.codec()?,
            bitrate: attributes.bitrate()?,
            packet_size: packet_size as u16,
            min_parity: attributes.or("x-nv-vqos[0].fec.minRequiredFecPackets", 0).min(MAX_MIN_PARITY) as u8,
            video_encrypted: encryption & ENCRYPT_VIDEO != 0,
            colour: attributes.colour(),
            audio: attributes.audio(encryption, host)?,
        })
    }

    /// The rate that is left for video: without parity of `fec_percent`, sound and what else is sent (spec section 3.5).
    pub fn video_bitrate(&self, fec_percent: u8) -> Bitrate {
        let whole = u64::from(self.bitrate.kbps());
        let video = whole * 100 / (100 + u64::from(fec_percent));
        let audio = self.audio.kbps().min(video / 5);
        let rest = video - audio;
        Bitrate::from_kbps((rest - RESERVE_KBPS.min(rest / 10)) as u32)
    }
}

/// More than any client asks for; a block has at most 255 shards.
const MAX_MIN_PARITY: u32 = 16;
/// Control, input and headers.
const RESERVE_KBPS: u64 = 500;

impl AudioRequest {
    /// What the sound takes, in kbit/s (spec section 6.4).
    const fn kbps(&self) -> u64 {
        match (self.channels, self.high_quality) {
            (6, false) => 256,
            (6, true) => 1_536,
            (8, false) => 450,
            (8, true) => 2_048,
            (_, false) => 96,
            (_, true) => 512,
        }
    }
}

/// The lines of the body.
struct Attributes<'a>(&'a str);

impl Attributes<'_> {
    /// `a=NAME:VALUE`; what is no number counts as missing.
    fn find(&self, name: &str) -> Option<u32> {
        let values = self.0.lines().filter_map(|line| line.strip_prefix("a=")?.strip_prefix(name)?.strip_prefix(':'));
        values.map(str::trim).next().and_then(|value| value.parse().ok())
    }

    fn or(&self, name: &str, default: u32) -> u32 {
        self.find(name).unwrap_or(default)
    }

    fn needed(&self, name: &'static str) -> Result<u32, AnnounceError> {
        self.find(name).ok_or(AnnounceError::Missing(name))
    }

    fn mode(&self) -> Result<Mode, AnnounceError> {
        let width = bounded(WIDTH, self.needed(WIDTH)?, 1..=MAX_SIDE)?;
        let height = bounded(HEIGHT, self.needed(HEIGHT)?, 1..=MAX_SIDE)?;
        let fps = bounded(FPS, self.needed(FPS)?, 1..=MAX_FPS)?;
        // Displays have whole rates here: 59.94 is 60.
        Ok(Mode::new(width, height, fps)?)
    }

    fn codec(&self) -> Result<VideoCodec, AnnounceError> {
        match self.or(CODEC, 0) {
            0 => Ok(VideoCodec::H264),
            1 => Ok(VideoCodec::Hevc),
            2 => Ok(VideoCodec::Av1),
            value => Err(AnnounceError::Bounds { name: CODEC, value }),
        }
    }

    fn bitrate(&self) -> Result<Bitrate, AnnounceError> {
        let name = "x-nv-vqos[0].bw.maximumBitrateKbps";
        let kbps = match self.or("x-ml-video.configuredBitrateKbps", 0) {
            0 => self.needed(name)?,
            configured => configured,
        };
        Ok(Bitrate::from_kbps(kbps.clamp(*BITRATES.start(), *BITRATES.end())))
    }

    fn colour(&self) -> Colour {
        let mode = self.or("x-nv-video[0].encoderCscMode", 0);
        Colour { space: (mode >> 1).min(u8::MAX.into()) as u8, full_range: mode & 1 != 0 }
    }

    fn audio(&self, encryption: u32, host: &str) -> Result<AudioRequest, AnnounceError> {
        let channels = match self.or(CHANNELS, 2) {
            channels @ (2 | 6 | 8) => channels as u8,
            value => return Err(AnnounceError::Bounds { name: CHANNELS, value }),
        };
        let high_quality = match channels {
            2 => host != LOW_BANDWIDTH_HOST,
            _ => self.or("x-nv-audio.surround.AudioQuality", 0) == 1,
        };
        let encrypted = encryption & ENCRYPT_AUDIO != 0 || self.or("x-nv-general.featureFlags", 135) & 0x20 != 0;
        let packet_ms = bounded(PACKET_MS, self.or(PACKET_MS, 5), 5..=10)? as u8;
        Ok(AudioRequest { channels, high_quality, packet_ms, encrypted })
    }
}

fn bounded(name: &'static str, value: u32, bounds: std::ops::RangeInclusive<u32>) -> Result<u32, AnnounceError> {
    if bounds.contains(&value) { Ok(value) } else { Err(AnnounceError::Bounds { name, value }) }
}

/// What a client calls the host while it wants to save bandwidth.
const LOW_BANDWIDTH_HOST: &str = "0.0.0.0";
