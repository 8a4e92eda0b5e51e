use super::{DecodeError, Decoder, RgbPicture};
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use punktfunk_proto::{
    units::{Bitrate, HostTime, Mode},
    wire::Codec,
};
use punktfunk_video::{
    encode::{self, Encoder, EncoderConfig, FrameRequest, X264},
    frame::Pixels,
};
use std::{fs::File, io::BufReader};

/// A stream of the real encoder: one colour per frame, each unlike the last.
struct Stream {
    encoder: X264,
    pixels: Pixels,
    next: u8,
}

impl Stream {
    fn new(width: u32, height: u32) -> Self {
        let mode = Mode::new(width, height, 60).unwrap();
        let config = EncoderConfig { mode, bitrate: Bitrate::from_mbps(20), codec: encode::Codec::H264 };
        let mut pixels = Pixels::default();
        pixels.resize(width, height);
        Self { encoder: X264::open(config).unwrap(), pixels, next: 0 }
    }

    /// The next unit and the colour (red, green, blue) that it shows.
    fn unit(&mut self, request: FrameRequest) -> (Vec<u8>, [u8; 3]) {
        let colour = [40 + self.next % 160, 90, 200 - self.next % 100];
        self.next = self.next.wrapping_add(7);
        for pixel in self.pixels.bytes.chunks_exact_mut(4) {
            pixel.copy_from_slice(&[colour[2], colour[1], colour[0], 0]);
        }
        let unit = self.encoder.encode(&self.pixels, request, HostTime::from_nanos(1)).unwrap().unwrap();
        (unit.bytes.to_vec(), colour)
    }
}

fn shows(picture: &RgbPicture, colour: [u8; 3]) -> bool {
    let middle = picture.pixel(picture.width / 2, picture.height / 2).unwrap();
    middle.iter().zip(colour).all(|(found, wanted)| found.abs_diff(wanted) <= 6)
}

#[test]
fn every_unit_gives_its_own_picture_before_the_next_goes_in() {
    let (mut stream, mut decoder) = (Stream::new(320, 192), Decoder::open(Codec::H264).unwrap());
    for number in 0..60 {
        let (unit, colour) = stream.unit(FrameRequest::Delta);
        let picture = decoder.decode(&unit, number == 0).unwrap_or_else(|| panic!("unit {number} gave no picture"));
        assert!(shows(&picture.to_rgb().unwrap(), colour), "unit {number} shows another picture");
    }
    let counts = decoder.counts();
    assert_eq!((counts.units, counts.pictures, counts.damaged), (60, 60, 0));
}

#[test]
fn a_change_of_mode_in_the_stream_changes_the_picture() {
    let mut decoder = Decoder::open(Codec::H264).unwrap();
    for (width, height) in [(320, 192), (640, 360), (128, 64)] {
        let mut stream = Stream::new(width, height);
        for number in 0..3 {
            let (unit, colour) = stream.unit(FrameRequest::Delta);
            let picture = decoder.decode(&unit, number == 0).unwrap();
            assert_eq!((picture.width(), picture.height()), (width, height));
            assert!(shows(&picture.to_rgb().unwrap(), colour));
        }
    }
}

#[test]
fn an_empty_unit_is_damaged_and_not_the_end_of_the_stream() {
    let (mut stream, mut decoder) = (Stream::new(128, 64), Decoder::open(Codec::H264).unwrap());
    assert!(decoder.decode(&[], true).is_none());
    assert!(decoder.decode(&stream.unit(FrameRequest::Idr).0, true).is_some());
    assert_eq!(decoder.counts().damaged, 1);
}

#[test]
fn codecs_this_client_does_not_ask_for_are_refused_by_name() {
    Decoder::open(Codec::Hevc).unwrap();
    let Err(error) = Decoder::open(Codec::PyroWave) else { panic!("PyroWave is not decoded here") };
    assert!(matches!(error, DecodeError::Unsupported(Codec::PyroWave)));
}

#[test]
fn a_snapshot_holds_the_picture_and_leaves_nothing_else_behind() {
    let (mut stream, mut decoder) = (Stream::new(128, 64), Decoder::open(Codec::H264).unwrap());
    let (unit, colour) = stream.unit(FrameRequest::Idr);
    let rgb = decoder.decode(&unit, true).unwrap().to_rgb().unwrap();
    assert!(shows(&rgb, colour));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shot.png");
    rgb.save_png(&path).unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let mut reader = png::Decoder::new(BufReader::new(File::open(&path).unwrap())).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!((info.width, info.height), (128, 64));
    assert_eq!(bytes, rgb.bytes);
    assert!(rgb.save_png(&dir.path().join("absent/shot.png")).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_units_never_end_the_stream(
        damage in proptest::collection::vec((0_usize..8, any::<proptest::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<proptest::sample::Index>(), noise in proptest::collection::vec(any::<u8>(), 0..300)
    ) {
        let (mut stream, mut decoder) = (Stream::new(128, 64), Decoder::open(Codec::H264).unwrap());
        let mut units: Vec<Vec<u8>> = (0..8).map(|_| stream.unit(FrameRequest::Delta).0).collect();
        for (unit, at, byte) in damage {
            let at = at.index(units[unit].len());
            units[unit][at] ^= byte;
        }
        let shorter = cut.index(units[5].len());
        units[5].truncate(shorter);
        units.push(noise);
        for unit in &units {
            decoder.decode(unit, false);
        }
        // The stream recovers at the next IDR, which is what a client asks for.
        let (unit, colour) = stream.unit(FrameRequest::Idr);
        let picture = decoder.decode(&unit, true).map(|picture| picture.to_rgb().unwrap());
        prop_assert!(picture.is_some_and(|picture| shows(&picture, colour)));
    }
}
