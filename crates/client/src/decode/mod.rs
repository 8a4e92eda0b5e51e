//! Access units in, pictures out: FFmpeg's software decoders, set up so that each unit's picture comes out before
//! the next unit goes in.
//!
//! Runs on the session's decode thread, once per frame. Decoders take whatever the network brought: a damaged unit
//! costs its picture and is counted, never the session.

mod picture;

use std::{sync::Once, thread};

use ffmpeg_next::{
    codec::{self, context::Context, packet::Packet, threading},
    decoder, frame,
    util::log,
};
use punktfunk_proto::wire::{Codec, CodecSet};

pub use picture::{PictureError, RgbPicture};

/// A decoder for one stream. Survives changes of mode: they come with an IDR.
pub struct Decoder {
    codec: Codec,
    decoder: decoder::Video,
    counts: DecoderCounts,
}

/// What went through a decoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecoderCounts {
    /// Units handed in.
    pub units: u64,
    /// Pictures that came out.
    pub pictures: u64,
    /// Units whose picture did not come out.
    pub damaged: u64,
}

/// Why there is no decoder, or none any more.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The host streams what this client does not decode.
    #[error("this client does not decode {0:?}; ask for another with --codec")]
    Unsupported(Codec),
    /// FFmpeg on this machine was built without the decoder.
    #[error("FFmpeg here was built without the {0} decoder; install the distribution's full libavcodec")]
    NotCompiledIn(&'static str),
    /// FFmpeg failed.
    #[error("cannot {doing}: {source}")]
    Failed {
        /// What was tried.
        doing: &'static str,
        /// FFmpeg's reason.
        source: ffmpeg_next::Error,
    },
}

/// What this client asks hosts for.
pub const DECODABLE: CodecSet = Codec::H264.as_set().with(Codec::Hevc.as_set());

/// More threads than this only compete with the host, when it is on the same machine.
const MAX_THREADS: usize = 4;

impl Decoder {
    /// Opens a decoder.
    ///
    /// # Errors
    /// The codec is none of [`DECODABLE`], or FFmpeg lacks it.
    pub fn open(codec: Codec) -> Result<Self, DecodeError> {
        quiet_ffmpeg();
        let decoder = open(codec)?;
        Ok(Self { codec, decoder, counts: DecoderCounts::default() })
    }

    /// Decodes one unit; `None` when its picture did not come out, which is a damaged unit, or one that refers to
    /// pictures that never came. `idr` is what the stream says of the unit.
    ///
    /// What was damaged before may have misled the decoder for good, into holding pictures back for instance. An
    /// IDR whose picture does not come out is therefore given to a new decoder.
    pub fn decode(&mut self, unit: &[u8], idr: bool) -> Option<Picture> {
        self.counts.units += 1;
        let mut picture = self.feed(unit);
        if picture.is_none()
            && idr
            && let Ok(fresh) = open(self.codec)
        {
            self.decoder = fresh;
            picture = self.feed(unit);
        }
        match picture {
            Some(_) => self.counts.pictures += 1,
            None => self.counts.damaged += 1,
        }
        picture
    }

    /// The unit's own picture, if it came out.
    fn feed(&mut self, unit: &[u8]) -> Option<Picture> {
        // FFmpeg reads an empty packet as the end of the stream.
        if unit.is_empty() {
            return None;
        }
        let mut packet = Packet::copy(unit);
        let stamp = i64::try_from(self.counts.units).ok();
        packet.set_pts(stamp);
        let taken = self.decoder.send_packet(&packet).is_ok();
        let mut own = None;
        let mut frame = frame::Video::empty();
        while self.decoder.receive_frame(&mut frame).is_ok() {
            if frame.pts() == stamp {
                own = Some(Picture(std::mem::replace(&mut frame, frame::Video::empty())));
            }
        }
        own.filter(|_| taken)
    }

    /// What went through so far.
    pub fn counts(&self) -> DecoderCounts {
        self.counts
    }
}

fn open(codec: Codec) -> Result<decoder::Video, DecodeError> {
    let (id, name) = match codec {
        Codec::H264 => (codec::Id::H264, "H.264"),
        Codec::Hevc => (codec::Id::HEVC, "HEVC"),
        Codec::Av1 | Codec::PyroWave => return Err(DecodeError::Unsupported(codec)),
    };
    let found = decoder::find(id).ok_or(DecodeError::NotCompiledIn(name))?;
    let mut context = Context::new_with_codec(found);
    context.set_flags(codec::Flags::LOW_DELAY);
    // Frame threads would hold back one picture each; slice threads hold back none.
    let count = thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    context.set_threading(threading::Config { kind: threading::Type::Slice, count, ..Default::default() });
    context.decoder().video().map_err(|source| DecodeError::Failed { doing: "open the decoder", source })
}

/// A decoded picture, in one of the decoder's buffers: dropping it gives the buffer back.
pub struct Picture(frame::Video);

impl Picture {
    /// Pixels per row.
    pub fn width(&self) -> u32 {
        self.0.width()
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.0.height()
    }

    /// The picture as RGB.
    ///
    /// # Errors
    /// The decoder's format is none of the 8 bit 4:2:0 ones.
    pub fn to_rgb(&self) -> Result<RgbPicture, PictureError> {
        RgbPicture::from_frame(&self.0)
    }
}

/// FFmpeg prints every damaged unit to stderr unless told otherwise; they are counted here instead.
fn quiet_ffmpeg() {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| log::set_level(log::Level::Quiet));
}

#[cfg(test)]
mod tests;
