//! The enumerations of Hello and Welcome (spec sections 2.3 and 2.4).

use super::{CodecSet, Secret};

/// The compositor a client prefers or a host uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Compositor {
    /// The host's choice; also every number this version does not know.
    #[default]
    Auto = 0,
    /// KWin.
    KWin = 1,
    /// sway and other wlroots compositors.
    Wlroots = 2,
    /// Mutter.
    Mutter = 3,
    /// gamescope.
    Gamescope = 4,
}

impl From<u8> for Compositor {
    fn from(byte: u8) -> Self {
        match byte {
            1 => Self::KWin,
            2 => Self::Wlroots,
            3 => Self::Mutter,
            4 => Self::Gamescope,
            _ => Self::Auto,
        }
    }
}

/// The gamepad a client has or a host emulates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the products' own")]
pub enum GamepadKind {
    /// The host's choice; also every number this version does not know.
    #[default]
    Auto = 0,
    Xbox360 = 1,
    DualSense = 2,
    XboxOne = 3,
    DualShock4 = 4,
    SteamController = 5,
    SteamDeck = 6,
    DualSenseEdge = 7,
    SwitchPro = 8,
    SteamController2 = 9,
    SteamController2Puck = 10,
    XboxElite = 11,
}

impl From<u8> for GamepadKind {
    fn from(byte: u8) -> Self {
        match byte {
            1 => Self::Xbox360,
            2 => Self::DualSense,
            3 => Self::XboxOne,
            4 => Self::DualShock4,
            5 => Self::SteamController,
            6 => Self::SteamDeck,
            7 => Self::DualSenseEdge,
            8 => Self::SwitchPro,
            9 => Self::SteamController2,
            10 => Self::SteamController2Puck,
            11 => Self::XboxElite,
            _ => Self::Auto,
        }
    }
}

/// A video codec; its number is its bit in [`CodecSet`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Codec {
    /// H.264, Annex B.
    H264 = 0x01,
    /// HEVC, Annex B. What an absent field means.
    #[default]
    Hevc = 0x02,
    /// AV1, low-overhead OBU stream.
    Av1 = 0x04,
    /// PyroWave.
    PyroWave = 0x08,
}

impl Codec {
    /// The codec with this bit; 0 is [`Codec::Hevc`] as everywhere on the wire, `None` for anything else.
    pub const fn from_bit(bit: u8) -> Option<Self> {
        match bit {
            0x01 => Some(Self::H264),
            0x00 | 0x02 => Some(Self::Hevc),
            0x04 => Some(Self::Av1),
            0x08 => Some(Self::PyroWave),
            _ => None,
        }
    }

    /// The set of this codec alone.
    pub const fn as_set(self) -> CodecSet {
        CodecSet::from_bits(self as u8)
    }
}

/// The cipher that seals media, with the key only it has (spec section 2.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cipher {
    /// AES-128-GCM, keyed by [`Welcome::aes_key`](super::Welcome::aes_key).
    #[default]
    Aes128Gcm,
    /// ChaCha20-Poly1305 with this key.
    ChaCha20Poly1305(Secret<32>),
}

/// Colour description by CICP code points (ITU-T H.273).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// Colour primaries.
    pub primaries: u8,
    /// Transfer characteristics.
    pub transfer: u8,
    /// Matrix coefficients.
    pub matrix: u8,
    /// Whether samples use the full range.
    pub full_range: bool,
}

impl Colour {
    /// BT.709, limited range: SDR.
    pub const BT709: Self = Self { primaries: 1, transfer: 1, matrix: 1, full_range: false };
    /// BT.2020 with PQ, limited range: HDR10.
    pub const HDR10: Self = Self { primaries: 9, transfer: 16, matrix: 9, full_range: false };
}

impl Default for Colour {
    fn default() -> Self {
        Self::BT709
    }
}

impl From<[u8; 4]> for Colour {
    fn from([primaries, transfer, matrix, full_range]: [u8; 4]) -> Self {
        Self { primaries, transfer, matrix, full_range: full_range != 0 }
    }
}

impl From<Colour> for [u8; 4] {
    fn from(colour: Colour) -> Self {
        [colour.primaries, colour.transfer, colour.matrix, colour.full_range.into()]
    }
}

/// Chroma subsampling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Chroma {
    /// 4:2:0; also every number this version does not know.
    #[default]
    Yuv420 = 1,
    /// 4:4:4.
    Yuv444 = 3,
}

impl From<u8> for Chroma {
    fn from(byte: u8) -> Self {
        if byte == 3 { Self::Yuv444 } else { Self::Yuv420 }
    }
}

/// How audio is coded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AudioCodec {
    /// Opus in 5 ms frames; also every number this version does not know.
    #[default]
    Opus = 0,
    /// Reserved by the specification, never sent.
    Flac = 1,
    /// Interleaved little-endian samples.
    Pcm = 2,
}

impl From<u8> for AudioCodec {
    fn from(byte: u8) -> Self {
        match byte {
            1 => Self::Flac,
            2 => Self::Pcm,
            _ => Self::Opus,
        }
    }
}

/// The audio a host will send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioFormat {
    /// How it is coded.
    pub codec: AudioCodec,
    /// Samples per second and channel.
    pub rate_hz: u32,
    /// Bits per sample: 16 or 24.
    pub bits: u8,
    /// Microseconds per packet; 0 with Opus, which is always 5 ms.
    pub frame_us: u16,
}

impl Default for AudioFormat {
    fn default() -> Self {
        Self { codec: AudioCodec::Opus, rate_hz: DEFAULT_AUDIO_RATE, bits: DEFAULT_AUDIO_BITS, frame_us: 0 }
    }
}

/// Audio rate when absent or zero, in Hz.
pub(super) const DEFAULT_AUDIO_RATE: u32 = 48_000;
/// Audio sample size when absent or nonsense.
pub(super) const DEFAULT_AUDIO_BITS: u8 = 16;
/// Channels when absent or nonsense.
pub(super) const DEFAULT_AUDIO_CHANNELS: u8 = 2;

/// 2, 6 or 8 channels; anything else is 2.
pub(super) fn audio_channels(byte: Option<u8>) -> u8 {
    byte.filter(|channels| matches!(channels, 2 | 6 | 8)).unwrap_or(DEFAULT_AUDIO_CHANNELS)
}

/// A rate in Hz; 0 is 48,000.
pub(super) fn audio_rate(hz: Option<u32>) -> u32 {
    hz.filter(|hz| *hz != 0).unwrap_or(DEFAULT_AUDIO_RATE)
}

/// 16 or 24 bits; anything else is 16.
pub(super) fn audio_bits(byte: Option<u8>) -> u8 {
    byte.filter(|bits| matches!(bits, 16 | 24)).unwrap_or(DEFAULT_AUDIO_BITS)
}
