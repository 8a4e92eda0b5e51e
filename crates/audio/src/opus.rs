//! Opus, 5 ms a packet, for both protocols.
//!
//! Encoder and decoder allocate when they are made and not again; one call is one packet. Stereo of the native protocol
//! is an ordinary Opus packet, which is what a multistream of one stream comes to.

use ::opus::{Application, Bitrate, MSDecoder, MSEncoder};

use crate::{FRAME, Layout, RATE};

/// How an encoder compresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The native protocol (spec section 5.1): constrained VBR of this many kbit/s.
    Native {
        /// The rate.
        kbps: u32,
    },
    /// GameStream (gamestream spec section 6.4): every packet of a stream is equally long, as its parity needs it.
    GameStream {
        /// Every channel for itself, at a multiple of the rate.
        high_quality: bool,
    },
}

impl Mode {
    /// Streams of `layout`, and how many of them carry two channels.
    pub const fn streams(self, layout: Layout) -> (u8, u8) {
        match (layout, self) {
            (Layout::Stereo, _) => (1, 1),
            (Layout::Surround51, Self::GameStream { high_quality: true }) => (6, 0),
            (Layout::Surround51, _) => (4, 2),
            (Layout::Surround71, Self::GameStream { high_quality: true }) => (8, 0),
            (Layout::Surround71, _) => (5, 3),
        }
    }

    /// The rate in kbit/s.
    pub const fn kbps(self, layout: Layout) -> u32 {
        match (self, layout) {
            (Self::Native { kbps }, _) => kbps,
            (Self::GameStream { high_quality: false }, Layout::Stereo) => 96,
            (Self::GameStream { high_quality: false }, Layout::Surround51) => 256,
            (Self::GameStream { high_quality: false }, Layout::Surround71) => 450,
            (Self::GameStream { high_quality: true }, Layout::Stereo) => 512,
            (Self::GameStream { high_quality: true }, Layout::Surround51) => 1_536,
            (Self::GameStream { high_quality: true }, Layout::Surround71) => 2_048,
        }
    }
}

/// The longest packet in bytes: with everything around it, it fits a datagram.
pub const MAX_PACKET: usize = 1_300;

/// Why sound was not encoded or decoded.
#[derive(Debug, thiserror::Error)]
pub enum OpusError {
    /// The samples are not one frame of the layout. A bug of the caller.
    #[error("{found} samples are no frame of {wanted}")]
    Length {
        /// How many were given.
        found: usize,
        /// How many a frame has, all channels together.
        wanted: usize,
    },
    /// The library refused; from a decoder: the packet is damaged.
    #[error("Opus: {0}")]
    Library(#[from] ::opus::Error),
}

/// Compresses.
#[derive(Debug)]
pub struct Encoder {
    library: MSEncoder,
    layout: Layout,
}

impl Encoder {
    /// One for `layout`, whose channels are mapped as they come.
    ///
    /// # Errors
    /// The library is out of memory, or refuses the rate.
    pub fn new(layout: Layout, mode: Mode) -> Result<Self, OpusError> {
        let (streams, coupled) = mode.streams(layout);
        let mut library = MSEncoder::new(RATE, streams, coupled, identity(layout), Application::LowDelay)?;
        library.set_bitrate(bits(mode.kbps(layout)))?;
        let is_constant = matches!(mode, Mode::GameStream { .. });
        library.set_vbr(!is_constant)?;
        library.set_vbr_constraint(true)?;
        Ok(Self { library, layout })
    }

    /// Compresses one frame: [`FRAME`] samples of each channel, interleaved, from -1 to 1. `out` is replaced by the packet;
    /// it allocates at most once, [`MAX_PACKET`].
    ///
    /// # Errors
    /// The samples are no frame.
    pub fn encode(&mut self, pcm: &[f32], out: &mut Vec<u8>) -> Result<(), OpusError> {
        let wanted = FRAME * self.layout.channels();
        if pcm.len() != wanted {
            return Err(OpusError::Length { found: pcm.len(), wanted });
        }
        out.resize(MAX_PACKET, 0);
        let length = self.library.encode_float(pcm, out)?;
        out.truncate(length);
        Ok(())
    }

    /// Compresses to this many kbit/s from the next frame on.
    ///
    /// # Errors
    /// The library refuses the rate; the one before stays.
    pub fn set_kbps(&mut self, kbps: u32) -> Result<(), OpusError> {
        Ok(self.library.set_bitrate(bits(kbps))?)
    }
}

/// Decompresses what [`Mode::Native`] and GameStream's normal quality compress.
#[derive(Debug)]
pub struct Decoder {
    library: MSDecoder,
    layout: Layout,
}

impl Decoder {
    /// One for `layout`.
    ///
    /// # Errors
    /// The library is out of memory.
    pub fn new(layout: Layout) -> Result<Self, OpusError> {
        let (streams, coupled) = Mode::Native { kbps: 0 }.streams(layout);
        Ok(Self { library: MSDecoder::new(RATE, streams, coupled, identity(layout))?, layout })
    }

    /// Decodes one packet into `pcm`, interleaved; without one it makes up 5 ms that continue what came before. `pcm` is
    /// replaced; it allocates at most once.
    ///
    /// # Errors
    /// The packet is damaged.
    pub fn decode(&mut self, packet: Option<&[u8]>, pcm: &mut Vec<f32>) -> Result<(), OpusError> {
        pcm.resize(FRAME * self.layout.channels(), 0.0);
        // The library takes an empty packet for a lost one.
        let frames = self.library.decode_float(packet.unwrap_or_default(), pcm, false)?;
        pcm.truncate(frames * self.layout.channels());
        Ok(())
    }
}

/// Channel n of the input is channel n of the streams.
fn identity(layout: Layout) -> &'static [u8] {
    &[0, 1, 2, 3, 4, 5, 6, 7][..layout.channels()]
}

fn bits(kbps: u32) -> Bitrate {
    Bitrate::Bits(i32::try_from(kbps.saturating_mul(1_000)).unwrap_or(i32::MAX))
}
