//! What is decided before a session starts: the client's wishes, met with what this host offers.

use std::{ffi::OsString, net::IpAddr, time::Duration};

use punktfunk_audio::Layout;
use punktfunk_gamestream::rtsp::{
    StreamRequest,
    announce::{AudioRequest, VideoCodec},
};
use punktfunk_proto::{
    session::{
        host_control::fits,
        media::{BLOCK_SHARDS, FEC_PERCENT_CEILING},
    },
    units::{Bitrate, Mode, ModeError},
    video::Streaming,
    wire::{
        AudioFormat, Chroma, Cipher, ClientCaps, Codec, CodecSet, Colour, FecScheme, Grants, Hello, HostCaps, Secret,
        VERSION, VideoCaps, Welcome,
    },
};
use punktfunk_video::display::Application;

use super::sound::{SoundForm, SoundPlan};
use crate::config::Config;

/// A session as it will run.
#[derive(Clone, Debug)]
pub struct SessionPlan {
    /// The display's size and rate.
    pub mode: Mode,
    /// The bitstream.
    pub codec: Codec,
    /// The video rate to begin with.
    pub bitrate: Bitrate,
    /// The rate for a client that leaves it to the host.
    pub default_bitrate: Bitrate,
    /// The most it may ask for.
    pub bitrate_ceiling: Bitrate,
    /// Parity to begin with, in percent.
    pub fec_percent: u8,
    /// Bytes of video per datagram.
    pub shard_payload: u16,
    /// Whether the client's processor would rather have ChaCha20 than AES.
    pub chacha: bool,
    /// Whether the client wants to know how long frames take in the host.
    pub host_timing: bool,
    /// How units may leave while they are being encoded, if the client understands that (spec section 4.6).
    pub streaming: Option<Streaming>,
    /// What runs on the display.
    pub application: Application,
    /// The client's channels, or those of a display that was kept for it.
    pub audio_channels: u8,
    /// How its sound is made; `None`: it is not.
    pub sound: Option<SoundPlan>,
}

/// Why a client's wishes cannot be met. The text is shown to its user (close code 0x68).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanRefusal {
    /// The mode is none a display can have.
    #[error("this display mode cannot be streamed: {0}")]
    Mode(#[from] ModeError),
    /// The mode is too large for the codec.
    #[error("{mode} is too large for {}, the codec this host and the client share; choose a smaller mode", codec_name(*codec))]
    TooLarge {
        /// What was asked for.
        mode: Mode,
        /// What would have carried it.
        codec: Codec,
    },
    /// No codec in common.
    #[error("this host encodes {offered} and the client decodes none of it; enable one of them in the client")]
    NoCodec {
        /// What the host offers, in words.
        offered: String,
    },
    /// Nothing to run.
    #[error("no application is configured on the host: set session.command")]
    NoApplication,
    /// A library entry that does not exist.
    #[error("the host has no application of this id in its library")]
    UnknownLaunch,
}

/// Shard sizes that keep a datagram within 1500 bytes on IPv4 and IPv6 (spec section 2.4).
const SHARD_IPV4: u16 = 1_408;
const SHARD_IPV6: u16 = 1_388;
/// The least a client may ask for (spec section 2.5).
const BITRATE_FLOOR: Bitrate = Bitrate::from_kbps(500);

impl SessionPlan {
    /// Meets `hello` from `peer` with the configuration.
    ///
    /// # Errors
    /// Says what the client has to change.
    pub fn decide(config: &Config, hello: &Hello, peer: IpAddr) -> Result<Self, PlanRefusal> {
        if hello.launch.is_some() {
            return Err(PlanRefusal::UnknownLaunch);
        }
        let codec = choose_codec(offered(config), hello)?;
        let mode = Mode::try_from(hello.mode)?;
        if !fits(codec, mode) {
            return Err(PlanRefusal::TooLarge { mode, codec });
        }
        let (default_bitrate, bitrate_ceiling) = (config.encoder.bitrate(), config.encoder.max_bitrate());
        let asked = match hello.bitrate_kbps {
            0 => default_bitrate,
            kbps => Bitrate::from_kbps(kbps).max(BITRATE_FLOOR),
        };
        Ok(Self {
            mode,
            codec,
            bitrate: asked.min(bitrate_ceiling),
            default_bitrate,
            bitrate_ceiling,
            fec_percent: config.fec.start_percent,
            shard_payload: if peer.to_canonical().is_ipv4() { SHARD_IPV4 } else { SHARD_IPV6 },
            chacha: hello.video_caps.contains(VideoCaps::CHACHA20),
            host_timing: hello.video_caps.contains(VideoCaps::HOST_TIMING),
            streaming: Streaming::for_client(hello.video_caps),
            application: application(config)?,
            audio_channels: hello.audio_channels,
            sound: sound(config, hello),
        })
    }

    /// Meets what a Moonlight client announced with the configuration.
    ///
    /// # Errors
    /// Says what the client has to change.
    pub fn for_moonlight(config: &Config, request: &StreamRequest) -> Result<Self, PlanRefusal> {
        let codec = match request.codec {
            VideoCodec::H264 => Codec::H264,
            VideoCodec::Hevc => Codec::Hevc,
            VideoCodec::Av1 => Codec::Av1,
        };
        if !offered(config).contains(codec.as_set()) {
            return Err(PlanRefusal::NoCodec { offered: in_words(offered(config)) });
        }
        if !fits(codec, request.mode) {
            return Err(PlanRefusal::TooLarge { mode: request.mode, codec });
        }
        let fec_percent = config.fec.start_percent;
        let bitrate_ceiling = config.encoder.max_bitrate();
        Ok(Self {
            mode: request.mode,
            codec,
            bitrate: request.video_bitrate(fec_percent).max(BITRATE_FLOOR).min(bitrate_ceiling),
            default_bitrate: config.encoder.bitrate(),
            bitrate_ceiling,
            fec_percent,
            shard_payload: request.packet_size,
            chacha: false,
            host_timing: false,
            streaming: None,
            application: application(config)?,
            audio_channels: request.audio.channels,
            sound: moonlight_sound(config, &request.audio),
        })
    }

    /// The Welcome that says so. `keys` are fresh random bytes, `remaining` is how long access lasts.
    pub fn welcome(&self, ports: HostPorts, keys: SessionKeys, grants: Grants, remaining: Option<Duration>) -> Welcome {
        Welcome {
            version: VERSION,
            media_port: ports.media,
            mode: self.mode.into(),
            fec_scheme: FecScheme::Gf16,
            fec_percent: self.fec_percent.max(FEC_PERCENT_CEILING),
            max_block_shards: BLOCK_SHARDS,
            shard_payload: self.shard_payload,
            encrypted: true,
            aes_key: Secret::from(keys.aes),
            salt: keys.salt,
            frames: 0,
            compositor: Default::default(),
            gamepad: Default::default(),
            bitrate_kbps: self.bitrate.kbps(),
            bit_depth: 8,
            colour: Colour::default(),
            chroma: Chroma::default(),
            audio_channels: self.audio_channels,
            codec: self.codec,
            host_caps: self
                .sound
                .filter(SoundPlan::is_redundant)
                .map_or(HostCaps::NONE, |_| HostCaps::AUDIO_REDUNDANCY),
            cipher: if self.chacha { Cipher::ChaCha20Poly1305(Secret::from(keys.chacha)) } else { Cipher::Aes128Gcm },
            mgmt_port: ports.console.unwrap_or(0),
            grants,
            access_expires_s: remaining.map_or(0, |left| u32::try_from(left.as_secs()).unwrap_or(u32::MAX).max(1)),
            audio: AudioFormat::default(),
        }
    }
}

/// The ports that a Welcome names.
#[derive(Clone, Copy, Debug)]
pub struct HostPorts {
    /// UDP, of the session's media.
    pub media: u16,
    /// TCP, of console and API while they are served.
    pub console: Option<u16>,
}

/// Fresh random bytes for one session (spec section 4.2). Never used twice.
pub struct SessionKeys {
    /// AES-128 key.
    pub aes: [u8; 16],
    /// ChaCha20 key.
    pub chacha: [u8; 32],
    /// Nonce salt.
    pub salt: [u8; 4],
}

impl SessionKeys {
    /// Draws them.
    pub fn draw(rng: &mut impl rand::CryptoRng) -> Self {
        let mut keys = Self { aes: [0; 16], chacha: [0; 32], salt: [0; 4] };
        rng.fill_bytes(&mut keys.aes);
        rng.fill_bytes(&mut keys.chacha);
        rng.fill_bytes(&mut keys.salt);
        keys
    }
}

fn offered(config: &Config) -> CodecSet {
    config.encoder.codecs.iter().fold(CodecSet::default(), |set, codec| set.with(Codec::from(*codec).as_set()))
}

/// The preferred codec if both have it, else the first both have of HEVC, AV1, H.264 (spec section 2.3).
fn choose_codec(offered: CodecSet, hello: &Hello) -> Result<Codec, PlanRefusal> {
    // A client that names none is from before the field and decodes HEVC only.
    let decodes = if hello.codecs.is_empty() { Codec::Hevc.as_set() } else { hello.codecs };
    let shared = offered.shared(decodes);
    let preferred = Codec::from_bit(hello.preferred_codec.bits()).filter(|codec| shared.contains(codec.as_set()));
    let ranked = [Codec::Hevc, Codec::Av1, Codec::H264].into_iter().find(|codec| shared.contains(codec.as_set()));
    preferred.or(ranked).ok_or_else(|| PlanRefusal::NoCodec { offered: in_words(offered) })
}

fn in_words(codecs: CodecSet) -> String {
    let known = [Codec::H264, Codec::Hevc, Codec::Av1, Codec::PyroWave].into_iter();
    known.filter(|codec| codecs.contains(codec.as_set())).map(codec_name).collect::<Vec<_>>().join(", ")
}

/// A codec as people write it.
pub const fn codec_name(codec: Codec) -> &'static str {
    match codec {
        Codec::H264 => "H.264",
        Codec::Hevc => "HEVC",
        Codec::Av1 => "AV1",
        Codec::PyroWave => "PyroWave",
    }
}

fn sound(config: &Config, hello: &Hello) -> Option<SoundPlan> {
    // Other numbers of channels do not get this far: they are read as 2 (spec section 2.3).
    let layout = Layout::of_channels(hello.audio_channels).unwrap_or_default();
    let is_redundant = hello.client_caps.contains(ClientCaps::AUDIO_REDUNDANCY);
    // The test picture plays nothing.
    let plays = config.display.backend.needs_application();
    (config.audio.enable && plays).then_some(SoundPlan { layout, form: SoundForm::Datagrams { is_redundant } })
}

/// Packets are of 5 ms here: a client that wants others, as some do on slow links, hears nothing.
fn moonlight_sound(config: &Config, wanted: &AudioRequest) -> Option<SoundPlan> {
    let layout = Layout::of_channels(wanted.channels)?;
    let plays = config.display.backend.needs_application() && wanted.packet_ms == 5;
    let form = SoundForm::Packets { high_quality: wanted.high_quality };
    (config.audio.enable && plays).then_some(SoundPlan { layout, form })
}

fn application(config: &Config) -> Result<Application, PlanRefusal> {
    let session = &config.session;
    if session.command.is_empty() && config.display.backend.needs_application() {
        return Err(PlanRefusal::NoApplication);
    }
    let environment = session.environment.0.iter().map(|(key, value)| (key.into(), value.into())).collect();
    Ok(Application {
        command: session.command.iter().map(OsString::from).collect(),
        environment,
        directory: session.directory.clone(),
        companions: Vec::new(),
    })
}
