//! Hello, the client's first message (spec section 2.3).

use super::bytes::{Reader, Tail, put_text};
use super::kinds::{
    DEFAULT_AUDIO_BITS, DEFAULT_AUDIO_CHANNELS, DEFAULT_AUDIO_RATE, audio_bits, audio_channels, audio_rate,
};
use super::{
    ClientCaps, CodecSet, Compositor, GamepadKind, HdrMetadata, MAGIC_HANDSHAKE, MAX_LAUNCH_LEN, MAX_NAME_LEN, VERSION,
    VideoCaps, WireError, WireMode,
};

/// What a client asks for. Trailing fields that are absent hold the specification's defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Protocol version; the host compares it with [`VERSION`].
    pub version: u32,
    /// The mode wanted, unchecked.
    pub mode: WireMode,
    /// Compositor preferred.
    pub compositor: Compositor,
    /// Gamepad preferred.
    pub gamepad: GamepadKind,
    /// Bitrate wanted, in kbit/s; 0 leaves it to the host and lets the client adapt.
    pub bitrate_kbps: u32,
    /// The device's name, at most [`MAX_NAME_LEN`] bytes. Unscrubbed: control characters and all.
    pub name: Option<String>,
    /// Library entry to start, at most [`MAX_LAUNCH_LEN`] bytes. To be looked up, never run.
    pub launch: Option<String>,
    /// What video is understood.
    pub video_caps: VideoCaps,
    /// 2, 6 or 8.
    pub audio_channels: u8,
    /// Codecs the client decodes; empty means HEVC only.
    pub codecs: CodecSet,
    /// One codec preferred, or none. The raw bits: a peer may have set several.
    pub preferred_codec: CodecSet,
    /// The client's display, when it is an HDR one.
    pub hdr: Option<HdrMetadata>,
    /// What else the client can do.
    pub client_caps: ClientCaps,
    /// Largest shard the client receives, in bytes; 0: never change it mid-session.
    pub max_shard_payload: u16,
    /// Audio rate wanted, in Hz.
    pub audio_rate_hz: u32,
    /// Audio sample size wanted: 16 or 24.
    pub audio_bits: u8,
}

impl Hello {
    /// A Hello that asks for `mode` and leaves everything else at its default.
    pub fn new(mode: WireMode) -> Self {
        Self {
            version: VERSION,
            mode,
            compositor: Compositor::Auto,
            gamepad: GamepadKind::Auto,
            bitrate_kbps: 0,
            name: None,
            launch: None,
            video_caps: VideoCaps::NONE,
            audio_channels: DEFAULT_AUDIO_CHANNELS,
            codecs: CodecSet::NONE,
            preferred_codec: CodecSet::NONE,
            hdr: None,
            client_caps: ClientCaps::NONE,
            max_shard_payload: 0,
            audio_rate_hz: DEFAULT_AUDIO_RATE,
            audio_bits: DEFAULT_AUDIO_BITS,
        }
    }

    /// Reads a payload of the control stream.
    ///
    /// # Errors
    /// When the magic is another, or the 20 mandatory bytes are not all there.
    pub fn decode(payload: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(MESSAGE, payload);
        if reader.array("magic")? != *MAGIC_HANDSHAKE {
            return Err(WireError::Magic { message: MESSAGE });
        }
        let version = reader.u32("version")?;
        let mut hello = Self { version, ..Self::new(WireMode::read(&mut reader)?) };
        hello.read_tail(Tail::new(reader.remaining()));
        Ok(hello)
    }

    fn read_tail(&mut self, mut tail: Tail<'_>) {
        self.compositor = tail.u8().unwrap_or_default().into();
        self.gamepad = tail.u8().unwrap_or_default().into();
        self.bitrate_kbps = tail.u32().unwrap_or_default();
        self.name = tail.text(MAX_NAME_LEN);
        self.launch = tail.text(MAX_LAUNCH_LEN);
        self.video_caps = VideoCaps::from_bits(tail.u8().unwrap_or_default());
        self.audio_channels = audio_channels(tail.u8());
        self.codecs = CodecSet::from_bits(tail.u8().unwrap_or_default());
        self.preferred_codec = CodecSet::from_bits(tail.u8().unwrap_or_default());
        // The block carries no marker: 28 bytes left are the block, fewer are the fields after it.
        if tail.len() >= HdrMetadata::LEN {
            self.hdr = tail
                .array::<{ HdrMetadata::LEN }>()
                .and_then(|block| HdrMetadata::read(&mut Reader::new(MESSAGE, &block)).ok());
        }
        self.client_caps = ClientCaps::from_bits(tail.u8().unwrap_or_default());
        self.max_shard_payload = tail.u16().unwrap_or_default();
        self.audio_rate_hz = audio_rate(tail.u32());
        self.audio_bits = audio_bits(tail.u8());
    }

    /// The payload: up to the last field that is not at its default, and at least through the bitrate.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        out.extend_from_slice(MAGIC_HANDSHAKE);
        out.extend_from_slice(&self.version.to_le_bytes());
        self.mode.put(&mut out);
        out.extend_from_slice(&[self.compositor as u8, self.gamepad as u8]);
        out.extend_from_slice(&self.bitrate_kbps.to_le_bytes());
        let mut end = out.len();
        for field in self.tail() {
            let at_default = field.put(&mut out);
            if !at_default {
                end = out.len();
            }
        }
        out.truncate(end);
        out
    }

    /// The optional fields in wire order.
    fn tail(&self) -> [TailField<'_>; 11] {
        [
            TailField::Text(self.name.as_deref(), MAX_NAME_LEN as u8),
            TailField::Text(self.launch.as_deref(), MAX_LAUNCH_LEN as u8),
            TailField::Byte(self.video_caps.bits(), 0),
            TailField::Byte(self.audio_channels, DEFAULT_AUDIO_CHANNELS),
            TailField::Byte(self.codecs.bits(), 0),
            TailField::Byte(self.preferred_codec.bits(), 0),
            TailField::Hdr(self.hdr.as_ref()),
            TailField::Byte(self.client_caps.bits(), 0),
            TailField::Short(self.max_shard_payload),
            TailField::Rate(self.audio_rate_hz),
            TailField::Byte(self.audio_bits, DEFAULT_AUDIO_BITS),
        ]
    }
}

/// One optional field and what it is when absent.
enum TailField<'a> {
    Text(Option<&'a str>, u8),
    Byte(u8, u8),
    Hdr(Option<&'a HdrMetadata>),
    Short(u16),
    Rate(u32),
}

impl TailField<'_> {
    /// Appends the field; whether it holds its default.
    fn put(&self, out: &mut Vec<u8>) -> bool {
        match *self {
            Self::Text(text, max) => {
                put_text(out, text.unwrap_or_default(), max);
                text.is_none_or(str::is_empty)
            }
            Self::Byte(byte, default) => {
                out.push(byte);
                byte == default
            }
            Self::Hdr(block) => {
                if let Some(block) = block {
                    block.put(out);
                }
                block.is_none()
            }
            Self::Short(value) => {
                out.extend_from_slice(&value.to_le_bytes());
                value == 0
            }
            Self::Rate(hz) => {
                out.extend_from_slice(&hz.to_le_bytes());
                hz == DEFAULT_AUDIO_RATE
            }
        }
    }
}

const MESSAGE: &str = "Hello";
