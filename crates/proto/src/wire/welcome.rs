//! Welcome, the host's answer to Hello, and Start, the client's to that (spec section 2.4).

use super::bytes::{Reader, Tail};
use super::kinds::{audio_bits, audio_channels, audio_rate};
use super::{
    AudioFormat, Chroma, Cipher, Codec, Colour, Compositor, FecScheme, GamepadKind, Grants, HostCaps, MAGIC_HANDSHAKE,
    MAX_SHARD_PAYLOAD, Secret, VERSION, WireError, WireMode,
};

/// What a host grants: the session's parameters and its media keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// Protocol version; clients do not check it.
    pub version: u32,
    /// The host's UDP port for media.
    pub media_port: u16,
    /// The mode in force.
    pub mode: WireMode,
    /// Which erasure code protects media.
    pub fec_scheme: FecScheme,
    /// Recovery shards per hundred data shards, at the start.
    pub fec_percent: u8,
    /// K: the most data shards in a block.
    pub max_block_shards: u16,
    /// Bytes of media per datagram, even.
    pub shard_payload: u16,
    /// Whether media is sealed.
    pub encrypted: bool,
    /// The AES-128-GCM session key.
    pub aes_key: Secret<16>,
    /// The nonce's salt, its direction bit not yet applied.
    pub salt: [u8; 4],
    /// Synthetic verification frames to come; 0 for a real stream.
    pub frames: u32,
    /// Compositor in use.
    pub compositor: Compositor,
    /// Gamepad emulated.
    pub gamepad: GamepadKind,
    /// Starting bitrate, in kbit/s; 0: not told.
    pub bitrate_kbps: u32,
    /// 8 or 10.
    pub bit_depth: u8,
    /// Colour description.
    pub colour: Colour,
    /// Chroma subsampling.
    pub chroma: Chroma,
    /// 2, 6 or 8.
    pub audio_channels: u8,
    /// Video codec chosen.
    pub codec: Codec,
    /// What the host offers.
    pub host_caps: HostCaps,
    /// Which cipher seals media.
    pub cipher: Cipher,
    /// TCP port of the management API; 0: none.
    pub mgmt_port: u16,
    /// What this device may do.
    pub grants: Grants,
    /// Seconds until access expires; 0: never.
    pub access_expires_s: u32,
    /// The audio to come.
    pub audio: AudioFormat,
}

impl Welcome {
    /// Reads a payload of the control stream.
    ///
    /// # Errors
    /// When the magic is another, the 53 mandatory bytes are not all there, or the FEC scheme, codec or cipher is
    /// unknown or its key cut short. [`Welcome::validate`] checks the numbers.
    pub fn decode(payload: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(MESSAGE, payload);
        if reader.array("magic")? != *MAGIC_HANDSHAKE {
            return Err(WireError::Magic { message: MESSAGE });
        }
        let mut welcome = Self::read_head(&mut reader)?;
        welcome.read_tail(Tail::new(reader.remaining()), payload.len())?;
        Ok(welcome)
    }

    fn read_head(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            version: reader.u32("version")?,
            media_port: reader.u16("media port")?,
            mode: WireMode::read(reader)?,
            fec_scheme: {
                let id = reader.u8("FEC scheme")?;
                FecScheme::from_id(id).ok_or_else(|| reader.value("FEC scheme", id))?
            },
            fec_percent: reader.u8("FEC percent")?,
            max_block_shards: reader.u16("shards per block")?,
            shard_payload: reader.u16("shard payload")?,
            encrypted: reader.flag("encryption")?,
            aes_key: reader.array("session key")?.into(),
            salt: reader.array("salt")?,
            frames: reader.u32("frames")?,
            ..Self::default()
        })
    }

    fn read_tail(&mut self, mut tail: Tail<'_>, len: usize) -> Result<(), WireError> {
        let unknown = |field, value: u8| WireError::Value { message: MESSAGE, field, value: value.into() };
        self.compositor = tail.u8().unwrap_or_default().into();
        self.gamepad = tail.u8().unwrap_or_default().into();
        self.bitrate_kbps = tail.u32().unwrap_or_default();
        self.bit_depth = tail.u8().unwrap_or(8);
        self.colour = tail.array::<4>().map(Colour::from).unwrap_or_default();
        self.chroma = tail.u8().unwrap_or_default().into();
        self.audio_channels = audio_channels(tail.u8());
        let codec = tail.u8().unwrap_or_default();
        self.codec = Codec::from_bit(codec).ok_or_else(|| unknown("codec", codec))?;
        self.host_caps = HostCaps::from_bits(tail.u8().unwrap_or_default());
        self.cipher = match tail.u8().unwrap_or_default() {
            0 => Cipher::Aes128Gcm,
            1 => Cipher::ChaCha20Poly1305(
                tail.array().ok_or(WireError::Truncated { message: MESSAGE, field: "ChaCha key", len })?.into(),
            ),
            other => return Err(unknown("cipher", other)),
        };
        self.mgmt_port = tail.u16().unwrap_or_default();
        self.grants = tail.u32().map_or(Grants::ALL, Grants::from_bits);
        self.access_expires_s = tail.u32().unwrap_or_default();
        self.audio.codec = tail.u8().unwrap_or_default().into();
        self.audio.rate_hz = audio_rate(tail.u32());
        self.audio.bits = audio_bits(tail.u8());
        self.audio.frame_us = tail.u16().unwrap_or_default();
        Ok(())
    }

    /// The payload: as v0.31, through `host_caps` always, then up to the last group of fields that is not at its
    /// default.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(LONGEST);
        self.put_head(&mut out);
        out.extend_from_slice(&[self.compositor as u8, self.gamepad as u8]);
        out.extend_from_slice(&self.bitrate_kbps.to_le_bytes());
        out.push(self.bit_depth);
        out.extend_from_slice(&<[u8; 4]>::from(self.colour));
        out.extend_from_slice(&[self.chroma as u8, self.audio_channels, self.codec as u8, self.host_caps.bits()]);
        let mut end = out.len();
        if self.put_cipher(&mut out) {
            end = out.len();
        }
        out.extend_from_slice(&self.mgmt_port.to_le_bytes());
        if self.mgmt_port != 0 {
            end = out.len();
        }
        out.extend_from_slice(&self.grants.bits().to_le_bytes());
        out.extend_from_slice(&self.access_expires_s.to_le_bytes());
        if (self.grants, self.access_expires_s) != (Grants::ALL, 0) {
            end = out.len();
        }
        self.put_audio(&mut out);
        if self.audio != AudioFormat::default() {
            end = out.len();
        }
        out.truncate(end);
        out
    }

    fn put_head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(MAGIC_HANDSHAKE);
        out.extend_from_slice(&self.version.to_le_bytes());
        out.extend_from_slice(&self.media_port.to_le_bytes());
        self.mode.put(out);
        out.extend_from_slice(&[self.fec_scheme.id(), self.fec_percent]);
        out.extend_from_slice(&self.max_block_shards.to_le_bytes());
        out.extend_from_slice(&self.shard_payload.to_le_bytes());
        out.push(self.encrypted.into());
        out.extend_from_slice(self.aes_key.expose());
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(&self.frames.to_le_bytes());
    }

    /// Appends the cipher; whether it is not the default one.
    fn put_cipher(&self, out: &mut Vec<u8>) -> bool {
        match &self.cipher {
            Cipher::Aes128Gcm => {
                out.push(0);
                false
            }
            Cipher::ChaCha20Poly1305(key) => {
                out.push(1);
                out.extend_from_slice(key.expose());
                true
            }
        }
    }

    fn put_audio(&self, out: &mut Vec<u8>) {
        out.push(self.audio.codec as u8);
        out.extend_from_slice(&self.audio.rate_hz.to_le_bytes());
        out.push(self.audio.bits);
        out.extend_from_slice(&self.audio.frame_us.to_le_bytes());
    }

    /// Checks what a client must not go on with (spec section 2.4).
    ///
    /// # Errors
    /// Names the first constraint that is broken. The host's fault.
    pub fn validate(&self) -> Result<(), WelcomeError> {
        let shard = self.shard_payload;
        if shard == 0 || !shard.is_multiple_of(2) || shard > MAX_SHARD_PAYLOAD {
            return Err(WelcomeError::ShardPayload(shard));
        }
        let data = u32::from(self.max_block_shards);
        let shards = data + (data * u32::from(self.fec_percent)).div_ceil(100);
        let most = self.fec_scheme.max_shards() as u32;
        if data == 0 || shards > most {
            return Err(WelcomeError::Block { data, shards, most });
        }
        if self.encrypted && self.key_is_zero() {
            return Err(WelcomeError::ZeroKey);
        }
        let blocks = self.max_frame_bytes().div_ceil(shard.into()).div_ceil(self.max_block_shards.into());
        if blocks > usize::from(u16::MAX) {
            return Err(WelcomeError::Blocks(blocks));
        }
        Ok(())
    }

    fn key_is_zero(&self) -> bool {
        match &self.cipher {
            Cipher::Aes128Gcm => self.aes_key.is_zero(),
            Cipher::ChaCha20Poly1305(key) => key.is_zero(),
        }
    }

    /// The largest access unit a client reassembles, in bytes: four frames' worth of the bitrate, within 8 to
    /// 64 MiB (spec section 2.4).
    pub fn max_frame_bytes(&self) -> usize {
        if self.bitrate_kbps == 0 || self.mode.hz == 0 {
            return LARGEST_FRAME;
        }
        let frame = u64::from(self.bitrate_kbps) * 125 / u64::from(self.mode.hz);
        usize::try_from(frame * 4).unwrap_or(LARGEST_FRAME).clamp(SMALLEST_MAX_FRAME, LARGEST_FRAME)
    }
}

impl Default for Welcome {
    /// What absent fields mean, and v0.31's numbers for the mandatory ones; mode, port and keys are zero.
    fn default() -> Self {
        Self {
            version: VERSION,
            media_port: 0,
            mode: WireMode { width: 0, height: 0, hz: 0 },
            fec_scheme: FecScheme::Gf16,
            fec_percent: 10,
            max_block_shards: 4_096,
            shard_payload: 1_408,
            encrypted: true,
            aes_key: [0; 16].into(),
            salt: [0; 4],
            frames: 0,
            compositor: Compositor::Auto,
            gamepad: GamepadKind::Auto,
            bitrate_kbps: 0,
            bit_depth: 8,
            colour: Colour::BT709,
            chroma: Chroma::Yuv420,
            audio_channels: 2,
            codec: Codec::Hevc,
            host_caps: HostCaps::NONE,
            cipher: Cipher::Aes128Gcm,
            mgmt_port: 0,
            grants: Grants::ALL,
            access_expires_s: 0,
            audio: AudioFormat::default(),
        }
    }
}

/// Why a client cannot go on with a Welcome. The host's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WelcomeError {
    /// A shard size that is zero, odd or beyond what clients receive.
    #[error("the host announced shards of {0} bytes; they must be even and at most {MAX_SHARD_PAYLOAD}")]
    ShardPayload(u16),
    /// A block without data, or with more shards than the erasure code has.
    #[error("the host announced blocks of {data} data shards, {shards} with recovery; the code allows {most}")]
    Block {
        /// Data shards per block.
        data: u32,
        /// Data and recovery shards per block.
        shards: u32,
        /// What the erasure code allows.
        most: u32,
    },
    /// Encryption is on but the key is all zero.
    #[error("the host turned encryption on with a key of zeros")]
    ZeroKey,
    /// A frame could need more blocks than a header can number.
    #[error("the host's shards and blocks are so small that a frame needs {0} blocks")]
    Blocks(usize),
}

/// Start: the client is ready for media on this port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The client's UDP port for media.
    pub media_port: u16,
}

impl Start {
    /// Reads a payload of the control stream. Bytes behind the port are ignored.
    ///
    /// # Errors
    /// When the magic is another or the port is cut.
    pub fn decode(payload: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new("Start", payload);
        if reader.array("magic")? != *MAGIC_HANDSHAKE {
            return Err(WireError::Magic { message: "Start" });
        }
        Ok(Self { media_port: reader.u16("media port")? })
    }

    /// The payload.
    pub fn encode(self) -> Vec<u8> {
        let mut out = MAGIC_HANDSHAKE.to_vec();
        out.extend_from_slice(&self.media_port.to_le_bytes());
        out
    }
}

const MESSAGE: &str = "Welcome";
/// The longest Welcome there is, in bytes: ChaCha with every trailing field.
const LONGEST: usize = 119;
/// Bounds of [`Welcome::max_frame_bytes`].
const SMALLEST_MAX_FRAME: usize = 8 << 20;
const LARGEST_FRAME: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::{Welcome, WelcomeError};
    use crate::wire::{Cipher, FecScheme, WireMode};

    fn usual() -> Welcome {
        Welcome {
            mode: WireMode { width: 1_280, height: 720, hz: 60 },
            bitrate_kbps: 20_000,
            aes_key: [7; 16].into(),
            ..Welcome::default()
        }
    }

    #[test]
    fn what_clients_do_not_go_on_with_is_named() {
        assert_eq!(usual().validate(), Ok(()));
        for shard_payload in [0, 1_407, 9_154] {
            let refused = Welcome { shard_payload, ..usual() }.validate();
            assert_eq!(refused, Err(WelcomeError::ShardPayload(shard_payload)));
        }
        let refused = Welcome { max_block_shards: 0, ..usual() }.validate();
        assert!(matches!(refused, Err(WelcomeError::Block { data: 0, .. })));
        let gf8 = |max_block_shards| Welcome { fec_scheme: FecScheme::Gf8, max_block_shards, ..usual() }.validate();
        assert_eq!(gf8(231), Ok(()));
        assert_eq!(gf8(232), Err(WelcomeError::Block { data: 232, shards: 256, most: 255 }));
        assert!(Welcome { max_block_shards: u16::MAX, ..usual() }.validate().is_err());
        let refused = Welcome { shard_payload: 2, max_block_shards: 1, ..usual() }.validate();
        assert_eq!(refused, Err(WelcomeError::Blocks(4 << 20)));
    }

    #[test]
    fn a_key_of_zeros_is_refused_for_the_cipher_in_use() {
        assert_eq!(Welcome { aes_key: [0; 16].into(), ..usual() }.validate(), Err(WelcomeError::ZeroKey));
        assert_eq!(Welcome { aes_key: [0; 16].into(), encrypted: false, ..usual() }.validate(), Ok(()));
        let cipher = Cipher::ChaCha20Poly1305([0; 32].into());
        assert_eq!(Welcome { cipher, ..usual() }.validate(), Err(WelcomeError::ZeroKey));
    }

    #[test]
    fn a_frame_is_bounded_by_the_bitrate() {
        let max = |bitrate_kbps, hz| {
            Welcome { bitrate_kbps, mode: WireMode { hz, ..usual().mode }, ..usual() }.max_frame_bytes()
        };
        assert_eq!(max(0, 60), 64 << 20);
        assert_eq!(max(20_000, 60), 8 << 20);
        assert_eq!(max(2_000_000, 60), 16_666_664);
        assert_eq!(max(u32::MAX, 1), 64 << 20);
        assert_eq!(max(20_000, 0), 64 << 20);
    }

    #[test]
    fn keys_are_not_printed() {
        let welcome = Welcome { cipher: Cipher::ChaCha20Poly1305([0xC9; 32].into()), ..usual() };
        let printed = format!("{welcome:?}");
        assert!(printed.contains("Secret(16 bytes)") && printed.contains("Secret(32 bytes)"));
        assert!(!printed.contains("7, 7") && !printed.contains("201, 201"));
    }
}
