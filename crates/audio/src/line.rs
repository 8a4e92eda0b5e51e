//! What the companion and the host say to each other: packets of a `SOCK_SEQPACKET` connection, each a closed set of bytes
//! of a known length.
//!
//! The companion runs as the application's user, so the host takes what it says for a stranger's word: a packet of another
//! length or kind is dropped and counted, samples are clamped, numbers are not believed. The companion never waits for
//! the host: what does not fit into the socket is dropped, which the numbers of the packets show.

use crate::{FRAME, Layout};

/// What a companion says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Said<'a> {
    /// The sockets of the sound server are there: an application may start.
    Listening,
    /// What is played is captured.
    Ready,
    /// There is no sound, or no more.
    Fault(SoundFault),
    /// 5 ms of sound.
    Sound(Sound<'a>),
}

/// 5 ms of sound as they came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sound<'a> {
    /// Counts packets from 0, those too that were dropped.
    pub number: u32,
    /// Interleaved little-endian `f32`.
    samples: &'a [u8],
}

/// Why there is no sound. The text is for the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SoundFault {
    /// A program is not installed.
    #[error("{} is not installed where sessions run", .0.program())]
    Missing(Part),
    /// A program has ended.
    #[error("{} has ended", .0.program())]
    Ended(Part),
    /// The server came up, but nothing could be captured in time.
    #[error("the session's sound server came up without its output")]
    NoOutput,
    /// The runtime directory does not take the sockets or the configuration.
    #[error("the session's runtime directory takes no sound server")]
    Directory,
    /// The companion itself ended without a word.
    #[error("what captures the session's sound has ended")]
    Companion,
    /// The companion said nothing in time.
    #[error("the session's sound server does not come up")]
    Silent,
    /// The display cannot start a companion.
    #[error("this display has no sound")]
    Display,
}

impl SoundFault {
    /// What to do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Missing(_) => {
                "install pipewire, pipewire-pulse and wireplumber for the user of the sessions, or set audio.enable to false"
            }
            Self::Display => "set display.backend to \"embedded\", or audio.enable to false",
            Self::Ended(_) | Self::NoOutput | Self::Directory | Self::Companion | Self::Silent => {
                "start a new session; if it is silent too, see what `journalctl -u 'punktfunk-session@*'` says"
            }
        }
    }
}

/// A program of the sound server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The server.
    PipeWire,
    /// What applications speak to that know PulseAudio.
    Pulse,
    /// Who connects applications to the output.
    WirePlumber,
}

impl Part {
    /// Every part, in the order they are started.
    pub const ALL: [Self; 3] = [Self::PipeWire, Self::Pulse, Self::WirePlumber];

    /// Its program.
    pub const fn program(self) -> &'static str {
        match self {
            Self::PipeWire => "pipewire",
            Self::Pulse => "pipewire-pulse",
            Self::WirePlumber => "wireplumber",
        }
    }
}

/// Bytes before the samples: the kind, three of nothing, the number.
const HEADER: usize = 8;
const LISTENING: u8 = b'l';
const READY: u8 = b'r';
const FAULT: u8 = b'f';
const SOUND: u8 = b's';

/// The length of a packet of sound.
pub const fn packet_bytes(layout: Layout) -> usize {
    HEADER + FRAME * layout.channels() * size_of::<f32>()
}

impl<'a> Said<'a> {
    /// Reads a packet of a companion that was started for `layout`. `None`: it is none.
    pub fn decode(packet: &'a [u8], layout: Layout) -> Option<Self> {
        match *packet {
            [LISTENING] => Some(Self::Listening),
            [READY] => Some(Self::Ready),
            [FAULT, code] => fault_of(code).map(Self::Fault),
            [SOUND, 0, 0, 0, a, b, c, d, ref samples @ ..] if packet.len() == packet_bytes(layout) => {
                Some(Self::Sound(Sound { number: u32::from_le_bytes([a, b, c, d]), samples }))
            }
            _ => None,
        }
    }

    /// The packet of what is not sound.
    ///
    /// # Panics
    /// For sound: [`SoundPacket`] makes those.
    pub fn encode(&self) -> Vec<u8> {
        match *self {
            Self::Listening => vec![LISTENING],
            Self::Ready => vec![READY],
            Self::Fault(fault) => vec![FAULT, code_of(fault)],
            Self::Sound(_) => unreachable!("sound is sent by `SoundPacket`"),
        }
    }
}

impl Sound<'_> {
    /// Replaces `pcm` by the samples, each a number from -1 to 1 whatever was said. Allocates at most once.
    pub fn read(&self, pcm: &mut Vec<f32>) {
        pcm.clear();
        let samples = self.samples.chunks_exact(size_of::<f32>());
        pcm.extend(samples.map(|bytes| {
            let sample = f32::from_le_bytes(bytes.try_into().expect("a chunk is four bytes"));
            // `clamp` keeps a NaN; no encoder may see one.
            if sample.is_nan() { 0.0 } else { sample.clamp(-1.0, 1.0) }
        }));
    }
}

/// A packet of sound that is being filled, for a companion.
#[derive(Debug)]
pub struct SoundPacket {
    bytes: Vec<u8>,
    filled: usize,
    number: u32,
}

impl SoundPacket {
    /// An empty one.
    pub fn new(layout: Layout) -> Self {
        let mut bytes = vec![0; packet_bytes(layout)];
        bytes[0] = SOUND;
        Self { bytes, filled: HEADER, number: 0 }
    }

    /// Takes little-endian `f32` samples, and calls `full` with every packet that becomes full.
    pub fn fill(&mut self, mut samples: &[u8], mut full: impl FnMut(&[u8])) {
        while !samples.is_empty() {
            let (taken, rest) = samples.split_at(samples.len().min(self.bytes.len() - self.filled));
            self.bytes[self.filled..self.filled + taken.len()].copy_from_slice(taken);
            self.filled += taken.len();
            samples = rest;
            if self.filled == self.bytes.len() {
                self.bytes[4..HEADER].copy_from_slice(&self.number.to_le_bytes());
                full(&self.bytes);
                self.number = self.number.wrapping_add(1);
                self.filled = HEADER;
            }
        }
    }
}

/// Every fault that a companion can say, with its byte.
const FAULTS: [(u8, SoundFault); 8] = [
    (1, SoundFault::Missing(Part::PipeWire)),
    (2, SoundFault::Missing(Part::Pulse)),
    (3, SoundFault::Missing(Part::WirePlumber)),
    (4, SoundFault::Ended(Part::PipeWire)),
    (5, SoundFault::Ended(Part::Pulse)),
    (6, SoundFault::Ended(Part::WirePlumber)),
    (7, SoundFault::NoOutput),
    (8, SoundFault::Directory),
];

fn fault_of(code: u8) -> Option<SoundFault> {
    FAULTS.iter().find(|(known, _)| *known == code).map(|(_, fault)| *fault)
}

fn code_of(fault: SoundFault) -> u8 {
    // What only the host can find is not said by a companion.
    FAULTS.iter().find(|(_, known)| *known == fault).map_or(0, |(code, _)| *code)
}
