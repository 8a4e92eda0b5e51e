//! A PNG and how much of a part of it has a colour.

use std::{fs::File, io::BufReader, path::Path};

use anyhow::{Context as _, Result, ensure};

/// Red, green, blue.
#[derive(Clone, Copy)]
pub(crate) struct Colour(pub(crate) [u8; 3]);

/// How far a channel may be off: video is lossy and its range limited.
const TOLERANCE: u8 = 40;

impl Colour {
    fn is_near(self, pixel: &[u8]) -> bool {
        self.0.iter().zip(pixel).all(|(want, is)| want.abs_diff(*is) <= TOLERANCE)
    }
}

/// A decoded picture.
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    channels: usize,
    bytes: Vec<u8>,
}

impl Picture {
    /// Reads an 8-bit RGB or RGBA PNG.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("the snapshot {} was not saved", path.display()))?;
        let mut reader = png::Decoder::new(BufReader::new(file)).read_info()?;
        let mut bytes = vec![0; reader.output_buffer_size().context("a picture too large")?];
        let info = reader.next_frame(&mut bytes)?;
        ensure!(info.bit_depth == png::BitDepth::Eight, "{} has another depth than 8 bit", path.display());
        let channels = info.color_type.samples();
        ensure!(channels >= 3, "{} has no colours", path.display());
        Ok(Self { width: info.width as usize, height: info.height as usize, channels, bytes })
    }

    /// The share (0 to 1) of the pixels in `[left, top, right, bottom]`, as fractions, that have about this colour.
    pub(crate) fn share(&self, [left, top, right, bottom]: [f64; 4], colour: Colour) -> f64 {
        let span = |from: f64, to: f64, of: usize| (from * of as f64) as usize..(to * of as f64) as usize;
        let (rows, columns) = (span(top, bottom, self.height), span(left, right, self.width));
        let (mut all, mut near) = (0_u32, 0_u32);
        for y in rows {
            for x in columns.clone() {
                let at = (y * self.width + x) * self.channels;
                all += 1;
                near += u32::from(self.bytes.get(at..at + 3).is_some_and(|pixel| colour.is_near(pixel)));
            }
        }
        if all == 0 { 0.0 } else { f64::from(near) / f64::from(all) }
    }
}
