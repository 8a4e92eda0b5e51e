//! RGB pictures, for people and for PNG files.

use std::{io, path::Path};

use ffmpeg_next::{color, format::Pixel, frame};
use yuv::{YuvPlanarImage, YuvRange, YuvStandardMatrix};

use crate::disk;

/// Three bytes a pixel, rows without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RgbPicture {
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width * height * 3` bytes.
    pub bytes: Vec<u8>,
}

/// Why a picture could not be made or kept.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The stream is of another kind than 8 bit 4:2:0.
    #[error("pictures of the format {0} cannot be shown")]
    Format(String),
    /// The planes do not fit the size they claim.
    #[error("the decoder's picture is inconsistent: {0}")]
    Planes(String),
    /// The file could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: String,
        /// Why not.
        source: io::Error,
    },
}

impl RgbPicture {
    pub(super) fn from_frame(frame: &frame::Video) -> Result<Self, PictureError> {
        let range = match (frame.format(), frame.color_range()) {
            (Pixel::YUVJ420P, _) | (Pixel::YUV420P, color::Range::JPEG) => YuvRange::Full,
            (Pixel::YUV420P, _) => YuvRange::Limited,
            (other, _) => return Err(PictureError::Format(format!("{other:?}"))),
        };
        let matrix = match frame.color_space() {
            color::Space::SMPTE170M | color::Space::BT470BG => YuvStandardMatrix::Bt601,
            color::Space::BT2020NCL => YuvStandardMatrix::Bt2020,
            // What punktfunk/1 streams are unless they say otherwise (spec section 2.4).
            _ => YuvStandardMatrix::Bt709,
        };
        let (width, height) = (frame.width(), frame.height());
        let planes = YuvPlanarImage {
            y_plane: frame.data(0),
            y_stride: stride(frame, 0),
            u_plane: frame.data(1),
            u_stride: stride(frame, 1),
            v_plane: frame.data(2),
            v_stride: stride(frame, 2),
            width,
            height,
        };
        let mut bytes = vec![0; width as usize * height as usize * 3];
        yuv::yuv420_to_rgb(&planes, &mut bytes, width * 3, range, matrix)
            .map_err(|error| PictureError::Planes(error.to_string()))?;
        Ok(Self { width, height, bytes })
    }

    /// Red, green and blue of one pixel; `None` outside the picture.
    pub fn pixel(&self, x: u32, y: u32) -> Option<[u8; 3]> {
        if x >= self.width || y >= self.height {
            return None;
        }
        let at = (y as usize * self.width as usize + x as usize) * 3;
        self.bytes.get(at..at + 3)?.try_into().ok()
    }

    /// Writes a PNG; the file is there as a whole or not at all. Takes tens of milliseconds.
    ///
    /// # Errors
    /// The file could not be written.
    pub fn save_png(&self, path: &Path) -> Result<(), PictureError> {
        let failed = |source| PictureError::Write { path: path.display().to_string(), source };
        let png = self.to_png().map_err(|error| failed(io::Error::other(error)))?;
        disk::replace(path, &png, disk::Access::Umask).map_err(failed)
    }

    fn to_png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.bytes)?;
        writer.finish()?;
        Ok(out)
    }
}

fn stride(frame: &frame::Video, plane: usize) -> u32 {
    u32::try_from(frame.stride(plane)).unwrap_or(0)
}
