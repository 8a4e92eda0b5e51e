//! An I420 picture in FFmpeg's memory, which the conversion writes and the encoder reads without a copy between.

use std::slice;

use ffmpeg_next::{color, ffi, format, frame, picture};
use punktfunk_proto::units::Mode;
use yuv::{BufferStoreMut, YuvPlanarImageMut};

use crate::frame::Pixels;

use super::convert;

/// A picture of one mode, BT.709 limited range, 4:2:0. Made once per encoder and written again for every frame.
pub struct Picture {
    frame: frame::Video,
    mode: Mode,
}

impl Picture {
    /// A picture of this size; `None` when there is no memory for it.
    pub fn new(mode: Mode) -> Option<Self> {
        let mut frame = frame::Video::new(format::Pixel::YUV420P, mode.width(), mode.height());
        if frame.planes() != 3 {
            return None; // No buffers: the allocation failed.
        }
        frame.set_color_space(color::Space::BT709);
        frame.set_color_range(color::Range::MPEG);
        frame.set_color_primaries(color::Primaries::BT709);
        frame.set_color_transfer_characteristic(color::TransferCharacteristic::BT709);
        Some(Self { frame, mode })
    }

    /// Its size.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Converts a captured frame into it.
    ///
    /// # Errors
    /// The frame is of another size, shorter than its rows say, or FFmpeg had no memory for a fresh buffer.
    pub fn fill(&mut self, pixels: &Pixels) -> Result<(), FillError> {
        if (pixels.width, pixels.height) != (self.mode.width(), self.mode.height()) {
            return Err(FillError::Size);
        }
        // SAFETY: the frame is valid for the life of `self`. If the encoder still refers to the buffers, FFmpeg
        // replaces them by fresh ones; an encoder without delay never does.
        if unsafe { ffi::av_frame_make_writable(self.frame.as_mut_ptr()) } < 0 {
            return Err(FillError::Memory);
        }
        convert::bgrx_to_i420(pixels, &mut self.planes()).map_err(|_| FillError::Size)
    }

    /// The picture as the encoder takes it.
    pub(super) fn frame(&mut self, number: i64, kind: picture::Type) -> &frame::Video {
        self.frame.set_pts(Some(number));
        self.frame.set_kind(kind);
        &self.frame
    }

    fn planes(&mut self) -> YuvPlanarImageMut<'_, u8> {
        let [y, u, v] = [0, 1, 2].map(|index| {
            let (stride, rows) = (self.frame.stride(index), self.frame.plane_height(index) as usize);
            // SAFETY: `Picture::new` made sure that the three planes exist, each of `stride * rows` bytes; they do
            // not overlap, and the borrow of `self` that is returned keeps anybody else away from them.
            let bytes = unsafe {
                let data = (*self.frame.as_mut_ptr()).data[index];
                slice::from_raw_parts_mut(data, stride * rows)
            };
            (BufferStoreMut::Borrowed(bytes), stride as u32)
        });
        YuvPlanarImageMut {
            y_plane: y.0,
            y_stride: y.1,
            u_plane: u.0,
            u_stride: u.1,
            v_plane: v.0,
            v_stride: v.1,
            width: self.mode.width(),
            height: self.mode.height(),
        }
    }
}

/// Why a picture was not filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// The frame's size is not the picture's, or it has fewer bytes than its rows need.
    #[error("the frame is not of the picture's size")]
    Size,
    /// No memory.
    #[error("out of memory")]
    Memory,
}
