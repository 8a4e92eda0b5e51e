//! Sound in a file: WAV, 16 bits.

use std::{
    fs::File,
    io::{self, BufWriter, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use crate::{Layout, RATE};

/// A file that is being written.
#[derive(Debug)]
pub struct Wav {
    file: BufWriter<File>,
    layout: Layout,
    bytes: u32,
}

/// Bytes before the samples.
const HEADER: u32 = 44;
/// Bytes of a sample.
const SAMPLE: u16 = 2;

impl Wav {
    /// Makes the file, replacing one of that name.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn create(path: &Path, layout: Layout) -> io::Result<Self> {
        let mut wav = Self { file: BufWriter::new(File::create(path)?), layout, bytes: 0 };
        wav.write_header()?;
        Ok(wav)
    }

    /// Appends samples of all channels, interleaved. What is beyond the 4 GiB that the format can hold is left out.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn write(&mut self, pcm: &[f32]) -> io::Result<()> {
        let more = u32::try_from(pcm.len() * usize::from(SAMPLE)).unwrap_or(u32::MAX);
        let Some(bytes) = self.bytes.checked_add(more).filter(|bytes| *bytes <= u32::MAX - HEADER) else {
            return Ok(());
        };
        for sample in pcm {
            let scaled = (sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)) as i16;
            self.file.write_all(&scaled.to_le_bytes())?;
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Completes the file.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.write_header()?;
        self.file.flush()
    }

    fn write_header(&mut self) -> io::Result<()> {
        let channels = self.layout.channels() as u16;
        let file = &mut self.file;
        file.write_all(b"RIFF")?;
        file.write_all(&(HEADER - 8 + self.bytes).to_le_bytes())?;
        file.write_all(b"WAVEfmt ")?;
        file.write_all(&16_u32.to_le_bytes())?;
        // Plain samples.
        file.write_all(&1_u16.to_le_bytes())?;
        file.write_all(&channels.to_le_bytes())?;
        file.write_all(&RATE.to_le_bytes())?;
        file.write_all(&(RATE * u32::from(channels * SAMPLE)).to_le_bytes())?;
        file.write_all(&(channels * SAMPLE).to_le_bytes())?;
        file.write_all(&(8 * SAMPLE).to_le_bytes())?;
        file.write_all(b"data")?;
        file.write_all(&self.bytes.to_le_bytes())
    }
}

/// Reads what [`Wav`] wrote: the samples of all channels, interleaved.
///
/// # Errors
/// The file cannot be read, or is none of ours.
pub fn read(path: &Path) -> io::Result<(Layout, Vec<f32>)> {
    let bytes = std::fs::read(path)?;
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, "no recording of this program");
    let (header, data) = bytes.split_at_checked(HEADER as usize).ok_or_else(wrong)?;
    let channels = u8::try_from(u16::from_le_bytes([header[22], header[23]])).map_err(|_| wrong())?;
    let layout = Layout::of_channels(channels).filter(|_| header.starts_with(b"RIFF")).ok_or_else(wrong)?;
    let samples = data.chunks_exact(usize::from(SAMPLE));
    let pcm = samples.map(|bytes| f32::from(i16::from_le_bytes([bytes[0], bytes[1]])) / f32::from(i16::MAX)).collect();
    Ok((layout, pcm))
}

#[cfg(test)]
mod tests {
    use super::{Wav, read};
    use crate::Layout;

    #[test]
    fn a_recording_holds_what_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wav");
        let mut wav = Wav::create(&path, Layout::Surround51).unwrap();
        wav.write(&[0.0, 0.5, -0.5, 1.0, -1.0, 2.0]).unwrap();
        wav.finish().unwrap();
        let (layout, pcm) = read(&path).unwrap();
        assert_eq!(layout, Layout::Surround51);
        let wanted = [0.0, 0.5, -0.5, 1.0, -1.0, 1.0_f32];
        assert!(pcm.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-4), "{pcm:?}");
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 44 + 12);
    }
}
