//! Bytes become typed messages here, once, and nowhere else.
//!
//! Every layout is that of the wire specification, sections 1.3, 2, 3.2 and 5. Decoders take whatever the network
//! brings: they never panic, allocate at most a small multiple of what they were given, and either return a value
//! that is in range or a [`WireError`]. Encoders write what v0.31 peers read.

mod bits;
mod bytes;
mod close;
mod control;
pub mod datagram;
mod error;
mod framing;
mod hdr;
mod hello;
mod kinds;
mod messages;
mod mode;
mod secret;
pub mod txt;
mod welcome;

pub use crate::fec::FecScheme;
pub use bits::{ClientCaps, CodecSet, Grants, HostCaps, VideoCaps};
pub use close::{CLIPBOARD_FETCH_CANCELLED, CloseCode, UnknownCloseCode, cut_reason};
pub use control::ControlMessage;
pub use error::WireError;
pub use framing::{FrameReader, frame};
pub use hdr::{Chromaticity, HdrMetadata};
pub use hello::Hello;
pub use kinds::{AudioCodec, AudioFormat, Chroma, Cipher, Codec, Colour, Compositor, GamepadKind};
pub use messages::clipboard::{
    ClipFetch, ClipFetchHeader, ClipFetchStatus, ClipKind, ClipOffer, ClipReason, ClipState, FETCH_STREAM_HEADER,
};
pub use messages::cursor::CursorShape;
pub use messages::pairing::{PairChallenge, PairProof, PairRequest, SPAKE_MESSAGE_LEN};
pub use messages::report::{PhaseReport, ProbeResult};
pub use mode::WireMode;
pub use secret::Secret;
pub use welcome::{Start, Welcome, WelcomeError};

/// The protocol version both sides name in Hello and Welcome (spec section 2.2).
pub const VERSION: u32 = 2;

/// Largest shard a Welcome may announce, and what clients of the shared core offer, in bytes (spec section 2.4).
pub const MAX_SHARD_PAYLOAD: u16 = 9_152;

/// Longest device name on the wire, in bytes of UTF-8 (spec sections 2.3 and 3.2).
pub const MAX_NAME_LEN: usize = 64;

/// Longest launch id on the wire, in bytes of UTF-8 (spec section 2.3).
pub const MAX_LAUNCH_LEN: usize = 128;

/// What a first payload makes of its connection (spec section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A pairing ceremony: the payload is a PairRequest.
    Pairing,
    /// A streaming session: the payload is a Hello.
    Session,
}

impl Opening {
    /// Tells the two apart by the magic; `None` for anything else.
    pub fn of(payload: &[u8]) -> Option<Self> {
        match payload.first_chunk::<4>()? {
            MAGIC_HANDSHAKE => Some(Self::Session),
            MAGIC_CONTROL if payload.get(4) == Some(&control::kind::PAIR_REQUEST) => Some(Self::Pairing),
            _ => None,
        }
    }
}

/// Magic of the positional handshake messages.
const MAGIC_HANDSHAKE: &[u8; 4] = b"PKF1";
/// Magic of typed messages.
const MAGIC_CONTROL: &[u8; 4] = b"PKFc";
