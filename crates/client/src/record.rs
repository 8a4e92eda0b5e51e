//! Keeps the stream in a file, as it was received: nothing is encoded again.
//!
//! Runs on the decode thread. Recording begins with the first IDR, so that every player can start.

use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use ffmpeg_next::{
    Rational,
    codec::{self, context::Context, packet::Packet},
    decoder, format,
};
use punktfunk_proto::{units::HostTime, wire::Codec};

/// A file that is being recorded.
pub struct Recorder {
    path: PathBuf,
    sink: Sink,
    first: Option<HostTime>,
    last_ticks: i64,
    units: u64,
}

enum Sink {
    /// The bare Annex-B stream: no times.
    Elementary(BufWriter<File>),
    /// MPEG transport stream: carries Annex B and its times, and what is there of it always plays.
    Transport(Box<format::context::Output>),
}

/// Why there is no recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file's ending names no format.
    #[error("{} has an ending that names no recording: use .ts (with times), or .h264 or .hevc (the bare stream)", .0.display())]
    Ending(PathBuf),
    /// The ending names another codec than the stream has.
    #[error("{} is named after another codec than the stream's, {codec:?}", path.display())]
    OtherCodec {
        /// The file.
        path: PathBuf,
        /// What is streamed.
        codec: Codec,
    },
    /// The file system refused.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// FFmpeg refused.
    #[error("cannot write {}: {source}", path.display())]
    Muxer {
        /// The file.
        path: PathBuf,
        /// FFmpeg's reason.
        source: ffmpeg_next::Error,
    },
}

/// What a file's ending says about the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// `.h264`, `.264`, `.hevc`, `.h265`, `.265`: the bare stream of this codec.
    Elementary(Codec),
    /// `.ts`: MPEG transport stream.
    Transport,
}

impl Container {
    /// Reads the ending of `path`.
    ///
    /// # Errors
    /// [`RecordError::Ending`].
    pub fn of(path: &Path) -> Result<Self, RecordError> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        match ending.as_str() {
            "h264" | "264" => Ok(Self::Elementary(Codec::H264)),
            "hevc" | "h265" | "265" => Ok(Self::Elementary(Codec::Hevc)),
            "ts" => Ok(Self::Transport),
            _ => Err(RecordError::Ending(path.to_owned())),
        }
    }
}

/// Ticks per second in a transport stream.
const TICKS: i64 = 90_000;

impl Recorder {
    /// Makes the file, replacing one of that name.
    ///
    /// # Errors
    /// The ending fits no format or not the codec, or the file cannot be made.
    pub fn create(path: &Path, codec: Codec) -> Result<Self, RecordError> {
        let sink = match Container::of(path)? {
            Container::Elementary(named) if named != codec => {
                return Err(RecordError::OtherCodec { path: path.to_owned(), codec });
            }
            Container::Elementary(_) => {
                let file = File::create(path).map_err(|source| RecordError::Io { path: path.to_owned(), source })?;
                Sink::Elementary(BufWriter::new(file))
            }
            Container::Transport => {
                let muxer =
                    transport(path, codec).map_err(|source| RecordError::Muxer { path: path.to_owned(), source })?;
                Sink::Transport(Box::new(muxer))
            }
        };
        Ok(Self { path: path.to_owned(), sink, first: None, last_ticks: -1, units: 0 })
    }

    /// Appends one unit; those before the first IDR are left out.
    ///
    /// # Errors
    /// The file cannot be written; it holds what came before.
    pub fn write(&mut self, unit: &[u8], idr: bool, pts: HostTime) -> Result<(), RecordError> {
        if self.first.is_none() && !idr {
            return Ok(());
        }
        let elapsed = pts.since(*self.first.get_or_insert(pts));
        self.units += 1;
        match &mut self.sink {
            Sink::Elementary(file) => {
                file.write_all(unit).map_err(|source| RecordError::Io { path: self.path.clone(), source })
            }
            Sink::Transport(muxer) => {
                // The muxer refuses times that do not rise.
                self.last_ticks = ticks(elapsed).max(self.last_ticks + 1);
                let mut packet = Packet::copy(unit);
                packet.set_stream(0);
                packet.set_pts(Some(self.last_ticks));
                packet.set_dts(Some(self.last_ticks));
                if idr {
                    packet.set_flags(codec::packet::Flags::KEY);
                }
                packet.write(muxer).map(drop).map_err(|source| RecordError::Muxer { path: self.path.clone(), source })
            }
        }
    }

    /// Completes the file. Returns how many units it holds.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(self) -> Result<u64, RecordError> {
        let path = self.path;
        match self.sink {
            Sink::Elementary(file) => file
                .into_inner()
                .map_err(io::IntoInnerError::into_error)
                .and_then(|file| file.sync_all())
                .map_err(|source| RecordError::Io { path, source })?,
            Sink::Transport(mut muxer) => {
                muxer.write_trailer().map_err(|source| RecordError::Muxer { path, source })?;
            }
        }
        Ok(self.units)
    }
}

fn transport(path: &Path, codec: Codec) -> Result<format::context::Output, ffmpeg_next::Error> {
    let id = match codec {
        Codec::H264 => codec::Id::H264,
        Codec::Hevc => codec::Id::HEVC,
        Codec::Av1 | Codec::PyroWave => return Err(ffmpeg_next::Error::MuxerNotFound),
    };
    let found = decoder::find(id).ok_or(ffmpeg_next::Error::DecoderNotFound)?;
    let mut muxer = format::output_as(path, "mpegts")?;
    muxer.add_stream_with(&Context::new_with_codec(found))?.set_time_base(Rational(1, TICKS as i32));
    muxer.write_header()?;
    Ok(muxer)
}

fn ticks(elapsed: Duration) -> i64 {
    let ticks = elapsed.as_nanos() * TICKS as u128 / 1_000_000_000;
    i64::try_from(ticks).unwrap_or(i64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::{RecordError, Recorder};
    use ffmpeg_next::format;
    use punktfunk_proto::{
        units::{Bitrate, HostTime, Mode},
        wire::Codec,
    };
    use punktfunk_video::{
        encode::{self, Encoder as _, EncoderConfig, FrameRequest, X264},
        frame::Pixels,
    };
    use std::path::Path;

    /// Records ten frames at 50 Hz, of which the first two come before the IDR.
    fn record(path: &Path) -> u64 {
        let mode = Mode::new(128, 64, 50).unwrap();
        let config = EncoderConfig { mode, bitrate: Bitrate::from_mbps(5), codec: encode::Codec::H264 };
        let mut encoder = X264::open(config).unwrap();
        let mut pixels = Pixels::default();
        pixels.resize(128, 64);
        let mut recorder = Recorder::create(path, Codec::H264).unwrap();
        for number in 0..10_u64 {
            let request = if number == 2 { FrameRequest::Idr } else { FrameRequest::Delta };
            pixels.bytes.fill(number as u8 * 20);
            let pts = HostTime::from_nanos(1_000_000_000 + number * 20_000_000);
            let unit = encoder.encode(&pixels, request, pts).unwrap().unwrap();
            recorder.write(unit.bytes, number == 2, pts).unwrap();
        }
        recorder.finish().unwrap()
    }

    #[test]
    fn recordings_start_at_the_first_idr_and_play() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.h264", "a.ts"] {
            let path = dir.path().join(name);
            assert_eq!(record(&path), 8);
            let mut input = format::input(&path).unwrap();
            let stream = input.streams().next().unwrap();
            let parameters = stream.parameters();
            assert_eq!(parameters.id(), ffmpeg_next::codec::Id::H264);
            assert_eq!(input.packets().count(), 8, "{name}");
        }
    }

    #[test]
    fn a_transport_stream_keeps_the_times_of_the_frames() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.ts");
        record(&path);
        let mut input = format::input(&path).unwrap();
        let times: Vec<i64> = input.packets().filter_map(|(_, packet)| packet.pts()).collect();
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 1_800), "{times:?}");
    }

    #[test]
    fn endings_that_lie_or_say_nothing_are_refused_before_anything_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let create = |name: &str, codec| Recorder::create(&dir.path().join(name), codec).err().unwrap();
        assert!(matches!(create("a.mp4", Codec::H264), RecordError::Ending(_)));
        assert!(matches!(create("a", Codec::H264), RecordError::Ending(_)));
        assert!(matches!(create("a.hevc", Codec::H264), RecordError::OtherCodec { .. }));
        assert!(matches!(create("absent/a.h264", Codec::H264), RecordError::Io { .. }));
        assert!(matches!(create("absent/a.ts", Codec::H264), RecordError::Muxer { .. }));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
