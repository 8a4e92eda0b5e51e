//! Frames in, access units out.
//!
//! Runs on the session's encode thread, once per frame. Everything is allocated when the encoder opens; a frame
//! costs no allocation of ours (FFmpeg allocates the packet it hands out). Read [`Encoder`] first, then [`open`].

mod annexb;
mod convert;
mod picture;
mod probe;
mod x264;

use punktfunk_proto::units::{Bitrate, HostTime, Mode};

use crate::frame::Pixels;

pub use self::{
    annexb::{NalUnits, nal_units},
    picture::Picture,
    probe::{Candidate, EncoderKind, choose, probe},
    x264::X264,
};

/// What an encoder is made for. Another mode needs another encoder; another bitrate does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncoderConfig {
    /// Size of every frame, and the rate at which they come at most.
    pub mode: Mode,
    /// The rate to aim for, clamped to [`MIN_BITRATE`]..=[`MAX_BITRATE`].
    pub bitrate: Bitrate,
    /// The bitstream the client decodes.
    pub codec: Codec,
}

/// A bitstream format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// H.264, 8 bit, 4:2:0.
    H264,
}

impl Codec {
    /// The longest side it carries, in pixels (spec section 6.2).
    pub const fn max_side(self) -> u32 {
        match self {
            Self::H264 => 4_096,
        }
    }

    /// Whether it can carry this mode.
    ///
    /// # Errors
    /// [`EncodeError::TooLarge`] names the side that does not fit.
    pub fn check(self, mode: Mode) -> Result<(), EncodeError> {
        let side = mode.width().max(mode.height());
        if side > self.max_side() {
            return Err(EncodeError::TooLarge { codec: self, mode, max_side: self.max_side() });
        }
        Ok(())
    }
}

/// What the next access unit has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameRequest {
    /// Whatever is smallest: a picture that refers to earlier ones (the first of an encoder is an IDR all the same).
    Delta,
    /// An IDR: decodable without anything sent before.
    Idr,
}

/// One compressed picture, or a part of one.
#[derive(Clone, Copy, Debug)]
pub struct EncodedUnit<'a> {
    /// Annex-B byte stream: begins with a start code, and with the parameter sets if it is (the first part of) an IDR.
    pub bytes: &'a [u8],
    /// Decodable without anything before it.
    pub is_idr: bool,
    /// When its frame was captured.
    pub pts: HostTime,
}

/// Turns frames into access units, one in, one out, in order, without delay.
pub trait Encoder: Send {
    /// Its name in logs and in the console.
    fn name(&self) -> &'static str;

    /// What it was made for, with the bitrate as it is now.
    fn config(&self) -> EncoderConfig;

    /// Encodes one frame. `None` when the encoder chose to skip it; software encoders never do.
    ///
    /// # Errors
    /// [`EncodeError::FrameSize`] if the frame is not of the encoder's mode (nothing was encoded, the encoder goes
    /// on); [`EncodeError::Failed`] if the encoder broke and has to be made anew.
    fn encode(
        &mut self,
        frame: &Pixels,
        request: FrameRequest,
        pts: HostTime,
    ) -> Result<Option<EncodedUnit<'_>>, EncodeError>;

    /// Whether [`Encoder::encode_slices`] hands slices on while the encoder is still at work. libavcodec hands out whole
    /// units only, so none that is driven through it does.
    fn hands_on_slices(&self) -> bool {
        false
    }

    /// As [`Encoder::encode`], handing each slice on as soon as it is done: every part carries whole NAL units, and all of
    /// them together are the unit. Nothing is handed on when the encoder chose to skip the frame.
    ///
    /// # Errors
    /// As [`Encoder::encode`]; what was handed on before is of no use then.
    fn encode_slices(
        &mut self,
        frame: &Pixels,
        request: FrameRequest,
        pts: HostTime,
        hand_on: &mut dyn FnMut(EncodedUnit<'_>),
    ) -> Result<(), EncodeError> {
        self.encode(frame, request, pts)?.into_iter().for_each(hand_on);
        Ok(())
    }

    /// Aims for another rate from the next frame on, without an IDR. Returns the rate after clamping.
    fn set_bitrate(&mut self, bitrate: Bitrate) -> Bitrate;
}

/// The lowest rate an encoder is driven at.
pub const MIN_BITRATE: Bitrate = Bitrate::from_kbps(200);
/// The highest rate an encoder is driven at (libx264 reads larger numbers as bit/s).
pub const MAX_BITRATE: Bitrate = Bitrate::from_mbps(800);

/// Opens an encoder of `kind`.
///
/// # Errors
/// See [`EncodeError`].
pub fn open(kind: EncoderKind, config: EncoderConfig) -> Result<Box<dyn Encoder>, EncodeError> {
    match kind {
        EncoderKind::X264 => Ok(Box::new(X264::open(config)?)),
    }
}

/// Why there is no access unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// FFmpeg on this machine was built without the encoder.
    #[error("FFmpeg here was built without {encoder}: {remedy}")]
    NotCompiledIn {
        /// FFmpeg's name for it.
        encoder: &'static str,
        /// What to install.
        remedy: &'static str,
    },
    /// The codec cannot carry the mode. The client asked for too much.
    #[error("{codec:?} carries sides of up to {max_side} pixels, and {mode} is larger; ask for a smaller mode")]
    TooLarge {
        /// The codec.
        codec: Codec,
        /// The mode asked for.
        mode: Mode,
        /// Its limit.
        max_side: u32,
    },
    /// A frame that is not of the encoder's mode was handed in. A bug on our side.
    #[error("a frame of {width}x{height} was handed to an encoder for {mode}")]
    FrameSize {
        /// Pixels per row of the frame.
        width: u32,
        /// Rows of the frame.
        height: u32,
        /// The encoder's mode.
        mode: Mode,
    },
    /// FFmpeg failed.
    #[error("{encoder} failed to {step}: {cause}")]
    Failed {
        /// FFmpeg's name for the encoder.
        encoder: &'static str,
        /// What it was about to do.
        step: &'static str,
        /// FFmpeg's word.
        cause: String,
    },
}
