//! libx264 through FFmpeg, set up for a stream that is decoded as it arrives.
//!
//! No B frames and no look-ahead, so each frame comes out before the next goes in; slices instead of frames on the
//! threads; no key frame but the ones asked for; and a rate buffer of one frame, so that no frame is much larger than
//! the rate allows for its time.

use std::{ffi::c_int, sync::Once, thread};

use ffmpeg_next::{
    Dictionary, Rational,
    codec::{context::Context, encoder},
    color,
    encoder::video,
    format, packet, picture,
    util::log,
};
use punktfunk_proto::units::{Bitrate, HostTime, Mode};

use crate::frame::Pixels;

use super::{
    EncodeError, EncodedUnit, Encoder, EncoderConfig, FrameRequest, MAX_BITRATE, MIN_BITRATE, Picture, annexb,
    picture::FillError,
};

/// The software encoder.
pub struct X264 {
    config: EncoderConfig,
    encoder: video::Encoder,
    picture: Picture,
    packet: packet::Packet,
    /// Counts frames: the encoder's time base is one frame.
    next: i64,
}

impl X264 {
    /// Opens an encoder for one mode.
    ///
    /// # Errors
    /// FFmpeg lacks libx264, the mode is too large for H.264, or libx264 refused.
    pub fn open(mut config: EncoderConfig) -> Result<Self, EncodeError> {
        config.codec.check(config.mode)?;
        config.bitrate = config.bitrate.clamp(MIN_BITRATE, MAX_BITRATE);
        quiet_ffmpeg();
        let codec = encoder::find_by_name(NAME).ok_or(EncodeError::NotCompiledIn { encoder: NAME, remedy: REMEDY })?;
        let context = Context::new_with_codec(codec);
        let mut video = context.encoder().video().map_err(failed("set up"))?;
        describe(&mut video, config.mode);
        aim(&mut video, config);
        let encoder = video.open_with(options()).map_err(failed("open"))?;
        let picture = Picture::new(config.mode).ok_or(OUT_OF_MEMORY).map_err(failed("open"))?;
        Ok(Self { config, encoder, picture, packet: packet::Packet::empty(), next: 0 })
    }

    fn fill(&mut self, frame: &Pixels) -> Result<(), EncodeError> {
        self.picture.fill(frame).map_err(|error| match error {
            FillError::Size => {
                EncodeError::FrameSize { width: frame.width, height: frame.height, mode: self.config.mode }
            }
            FillError::Memory => failed("copy a picture")(OUT_OF_MEMORY),
        })
    }
}

impl Encoder for X264 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config(&self) -> EncoderConfig {
        self.config
    }

    fn encode(
        &mut self,
        frame: &Pixels,
        request: FrameRequest,
        pts: HostTime,
    ) -> Result<Option<EncodedUnit<'_>>, EncodeError> {
        self.fill(frame)?;
        let kind = match request {
            FrameRequest::Delta => picture::Type::None,
            FrameRequest::Idr => picture::Type::I,
        };
        self.encoder.send_frame(self.picture.frame(self.next, kind)).map_err(failed("take a frame"))?;
        self.next += 1;
        match self.encoder.receive_packet(&mut self.packet) {
            Ok(()) => {}
            Err(ffmpeg_next::Error::Other { errno: ffmpeg_next::error::EAGAIN }) => return Ok(None),
            Err(error) => return Err(failed("encode")(error)),
        }
        let is_idr = self.packet.is_key();
        let bytes = self.packet.data_mut().unwrap_or_default();
        let len = if is_idr { annexb::strip_sei(bytes) } else { bytes.len() };
        Ok(Some(EncodedUnit { bytes: &bytes[..len], is_idr, pts }))
    }

    fn set_bitrate(&mut self, bitrate: Bitrate) -> Bitrate {
        self.config.bitrate = bitrate.clamp(MIN_BITRATE, MAX_BITRATE);
        // libx264 compares these with what it runs on before every frame and reconfigures itself.
        aim(&mut self.encoder, self.config);
        self.config.bitrate
    }
}

fn describe(video: &mut video::Video, mode: Mode) {
    video.set_width(mode.width());
    video.set_height(mode.height());
    video.set_format(format::Pixel::YUV420P);
    let rate = Rational::new(mode.refresh().millihertz() as i32, 1_000);
    video.set_frame_rate(Some(rate));
    video.set_time_base(rate.invert());
    video.set_max_b_frames(0);
    video.set_colorspace(color::Space::BT709);
    video.set_color_range(color::Range::MPEG);
    video.set_color_primaries(color::Primaries::BT709);
    video.set_color_transfer_characteristic(color::TransferCharacteristic::BT709);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    // SAFETY: the context is ours alone and not in use by any thread of FFmpeg's at this moment.
    unsafe { (*video.as_mut_ptr()).thread_count = cores.min(MAX_THREADS) as c_int };
}

/// Writes the rate into the encoder's context: average and ceiling are the same, over a buffer of one frame.
fn aim(encoder: &mut video::Video, config: EncoderConfig) {
    let bps = config.bitrate.bps() * HEADROOM_PERCENT / 100;
    encoder.set_bit_rate(bps as usize);
    encoder.set_max_bit_rate(bps as usize);
    let buffer = bps * BUFFER_PERCENT * 10 / u64::from(config.mode.refresh().millihertz());
    // SAFETY: the context is ours alone, and FFmpeg reads this field only inside calls that we make.
    unsafe { (*encoder.as_mut_ptr()).rc_buffer_size = c_int::try_from(buffer).unwrap_or(c_int::MAX) };
}

fn options() -> Dictionary<'static> {
    let mut options = Dictionary::new();
    options.set("preset", "ultrafast");
    options.set("tune", "zerolatency");
    options.set("forced-idr", "1");
    options.set("x264-params", "keyint=infinite:scenecut=0:repeat-headers=1:annexb=1:sliced-threads=1:bframes=0");
    options
}

fn quiet_ffmpeg() {
    static ONCE: Once = Once::new();
    // FFmpeg writes to standard error by itself; what matters comes back as an error code.
    ONCE.call_once(|| log::set_level(log::Level::Fatal));
}

fn failed(step: &'static str) -> impl Fn(ffmpeg_next::Error) -> EncodeError {
    move |error| EncodeError::Failed { encoder: NAME, step, cause: error.to_string() }
}

const NAME: &str = "libx264";
const REMEDY: &str = "install a full libavcodec (Debian and Ubuntu: `apt install libavcodec-extra` or `libavcodec59` \
                      with `libx264-164`; Fedora: `ffmpeg-libs` from RPM Fusion)";
const OUT_OF_MEMORY: ffmpeg_next::Error = ffmpeg_next::Error::Other { errno: ffmpeg_next::error::ENOMEM };

/// More slices than this cost more in compression than they win in time.
const MAX_THREADS: usize = 8;

/// The rate buffer in percent of one frame. From 110 on libx264 plans for several frames instead of one, and then
/// leaves a third of a buffer this small unused.
const BUFFER_PERCENT: u64 = 105;

/// What libx264 is told in percent of the rate wanted. With a buffer of one frame it spends three quarters to nine
/// tenths of what it is told on pictures that could take more, and no second can exceed it by more than one frame.
const HEADROOM_PERCENT: u64 = 115;
