//! The software encoder, seen through FFmpeg's decoder.

use ffmpeg_next::{codec, color, decoder, frame, packet};
use punktfunk_proto::units::{Bitrate, HostTime, Mode};
use punktfunk_video::{
    encode::{self, Codec, EncodeError, Encoder, EncoderConfig, EncoderKind, FrameRequest, nal_units},
    frame::Pixels,
};
use yuv::{YuvPlanarImage, YuvRange, YuvStandardMatrix, yuv420_to_bgra};

const SPS: u8 = 7;
const PPS: u8 = 8;
const SEI: u8 = 6;
const IDR_SLICE: u8 = 5;

fn mode(width: u32, height: u32, hz: u32) -> Mode {
    Mode::new(width, height, hz).unwrap()
}

fn open(mode: Mode, bitrate: Bitrate) -> Box<dyn Encoder> {
    encode::open(EncoderKind::X264, EncoderConfig { mode, bitrate, codec: Codec::H264 }).unwrap()
}

/// Smooth colours that move: easy to encode, so the decoded picture is close to the source.
fn gradient(mode: Mode, number: usize) -> Pixels {
    paint(mode, |x, y| {
        [(x + 2 * number) as u8 / 2 + 40, (y + number) as u8 / 2 + 40, ((x + y) / 4 + number) as u8 / 2 + 60]
    })
}

/// Grain that moves: never cheap enough to fall below the bitrate.
fn grain(mode: Mode, number: usize) -> Pixels {
    paint(mode, |x, y| {
        let (column, row) = ((x + 5 * number) / 4, (y + 3 * number) / 4);
        let hash = (column.wrapping_mul(0x9e37_79b1) ^ row.wrapping_mul(0x85eb_ca6b)).wrapping_mul(0xc2b2_ae35);
        [(hash >> 8) as u8, (hash >> 16) as u8, (hash >> 24) as u8]
    })
}

fn paint(mode: Mode, colour: impl Fn(usize, usize) -> [u8; 3]) -> Pixels {
    let mut pixels = Pixels::default();
    pixels.resize(mode.width(), mode.height());
    let stride = pixels.stride;
    for (y, row) in pixels.bytes.chunks_exact_mut(stride).enumerate() {
        for (x, pixel) in row.chunks_exact_mut(4).enumerate() {
            pixel[..3].copy_from_slice(&colour(x, y));
        }
    }
    pixels
}

fn pts(number: usize) -> HostTime {
    HostTime::from_nanos(1_700_000_000_000_000_000 + number as u64 * 16_666_666)
}

/// Encodes one frame and owns what came of it: the bytes, and whether they say that they are an IDR.
fn encode(encoder: &mut dyn Encoder, pixels: &Pixels, request: FrameRequest, number: usize) -> (Vec<u8>, bool) {
    let unit = encoder.encode(pixels, request, pts(number)).unwrap().expect("one frame in, one unit out");
    assert_eq!(unit.pts, pts(number));
    (unit.bytes.to_vec(), unit.is_idr)
}

fn kinds(bytes: &[u8]) -> Vec<u8> {
    nal_units(bytes).map(|nal| nal.kind).collect()
}

struct Decoder(decoder::Video);

impl Decoder {
    fn new() -> Self {
        let codec = decoder::find(codec::Id::H264).unwrap();
        Self(codec::Context::new_with_codec(codec).decoder().video().unwrap())
    }

    /// Decodes one access unit, which has to yield its picture at once.
    fn decode(&mut self, bytes: &[u8]) -> frame::Video {
        self.0.send_packet(&packet::Packet::copy(bytes)).unwrap();
        let mut picture = frame::Video::empty();
        self.0.receive_frame(&mut picture).expect("a picture without delay");
        assert!(!picture.has_decode_errors());
        picture
    }
}

/// Peak signal to noise ratio between a captured frame and a decoded one, over B, G and R, in dB.
fn psnr(source: &Pixels, decoded: &frame::Video) -> f64 {
    assert_eq!((source.width, source.height), (decoded.width(), decoded.height()));
    let image = YuvPlanarImage {
        y_plane: decoded.data(0),
        y_stride: decoded.stride(0) as u32,
        u_plane: decoded.data(1),
        u_stride: decoded.stride(1) as u32,
        v_plane: decoded.data(2),
        v_stride: decoded.stride(2) as u32,
        width: decoded.width(),
        height: decoded.height(),
    };
    let mut back = vec![0; source.bytes.len()];
    let (range, matrix) = (YuvRange::Limited, YuvStandardMatrix::Bt709);
    yuv420_to_bgra(&image, &mut back, source.stride as u32, range, matrix).unwrap();
    let squares: u64 = source
        .bytes
        .chunks_exact(4)
        .zip(back.chunks_exact(4))
        .flat_map(|(a, b)| (0..3).map(move |i| u64::from(a[i].abs_diff(b[i])).pow(2)))
        .sum();
    let mean = squares as f64 / (source.bytes.len() / 4 * 3) as f64;
    10.0 * (255.0_f64 * 255.0 / mean.max(1e-9)).log10()
}

#[test]
fn the_decoded_picture_is_the_captured_one() {
    let mode = mode(640, 360, 60);
    let (mut encoder, mut decoder) = (open(mode, Bitrate::from_mbps(8)), Decoder::new());
    for number in 0..30 {
        let source = gradient(mode, number);
        let (bytes, _) = encode(encoder.as_mut(), &source, FrameRequest::Delta, number);
        let quality = psnr(&source, &decoder.decode(&bytes));
        assert!(quality > 32.0, "frame {number}: {quality:.1} dB");
    }
}

#[test]
fn the_stream_says_that_it_is_bt709_limited_range() {
    let mode = mode(320, 240, 30);
    let (mut encoder, mut decoder) = (open(mode, Bitrate::from_mbps(2)), Decoder::new());
    let (bytes, _) = encode(encoder.as_mut(), &gradient(mode, 0), FrameRequest::Delta, 0);
    let picture = decoder.decode(&bytes);
    assert_eq!(picture.color_space(), color::Space::BT709);
    assert_eq!(picture.color_primaries(), color::Primaries::BT709);
    assert_eq!(picture.color_transfer_characteristic(), color::TransferCharacteristic::BT709);
    assert_eq!(picture.color_range(), color::Range::MPEG);
}

#[test]
fn an_idr_comes_exactly_where_it_was_asked_for_and_carries_its_parameter_sets() {
    let mode = mode(320, 240, 60);
    let mut encoder = open(mode, Bitrate::from_mbps(4));
    let asked = [0, 7, 8, 250, 599];
    for number in 0..600 {
        let request = if asked.contains(&number) { FrameRequest::Idr } else { FrameRequest::Delta };
        let (bytes, is_idr) = encode(encoder.as_mut(), &grain(mode, number), request, number);
        assert_eq!(is_idr, asked.contains(&number), "frame {number}");
        let kinds = kinds(&bytes);
        assert!(bytes.starts_with(&[0, 0, 0, 1]) || bytes.starts_with(&[0, 0, 1]), "frame {number}");
        assert_eq!(kinds.contains(&IDR_SLICE), is_idr, "frame {number}: {kinds:?}");
        assert!(!kinds.contains(&SEI), "frame {number}: {kinds:?}");
        match is_idr {
            true => assert_eq!(kinds[..2], [SPS, PPS], "frame {number}: {kinds:?}"),
            false => assert!(kinds.iter().all(|&kind| kind == 1), "frame {number}: {kinds:?}"),
        }
    }
}

#[test]
fn the_first_frame_is_an_idr_even_if_nobody_asked() {
    let mode = mode(320, 240, 60);
    let mut encoder = open(mode, Bitrate::from_mbps(4));
    assert!(encode(encoder.as_mut(), &grain(mode, 0), FrameRequest::Delta, 0).1);
}

#[test]
fn a_stream_joined_at_a_later_idr_decodes() {
    let mode = mode(320, 240, 60);
    let (mut encoder, mut decoder) = (open(mode, Bitrate::from_mbps(4)), Decoder::new());
    for number in 0..20 {
        let request = if number == 10 { FrameRequest::Idr } else { FrameRequest::Delta };
        let source = gradient(mode, number);
        let (bytes, _) = encode(encoder.as_mut(), &source, request, number);
        if number >= 10 {
            assert!(psnr(&source, &decoder.decode(&bytes)) > 30.0, "frame {number}");
        }
    }
}

#[test]
fn a_change_of_bitrate_is_followed_within_a_second_without_an_idr() {
    let mode = mode(640, 360, 60);
    let mut encoder = open(mode, Bitrate::from_mbps(6));
    let mut number = 0;
    for target in [6, 2, 12, 4].map(Bitrate::from_mbps) {
        assert_eq!(encoder.set_bitrate(target), target);
        let mut bits = 0;
        for _ in 0..60 {
            let (bytes, is_idr) = encode(encoder.as_mut(), &grain(mode, number), FrameRequest::Delta, number);
            assert_eq!(is_idr, number == 0);
            bits += bytes.len() as u64 * 8;
            number += 1;
        }
        let share = bits as f64 / target.bps() as f64;
        assert!((0.75..=1.25).contains(&share), "{target}: sent {share:.2} of it in its first second");
    }
}

#[test]
fn no_frame_is_much_larger_than_its_time_allows() {
    let mode = mode(640, 360, 60);
    let rate = Bitrate::from_mbps(10);
    let mut encoder = open(mode, rate);
    for number in 0..120 {
        let request = if number % 40 == 0 { FrameRequest::Idr } else { FrameRequest::Delta };
        let (bytes, _) = encode(encoder.as_mut(), &grain(mode, number), request, number);
        let frames = rate.time_for(bytes.len()).as_secs_f64() * 60.0;
        assert!(frames < 1.5, "frame {number} takes the time of {frames:.1} frames");
    }
}

#[test]
fn nonsense_rates_are_clamped_and_the_encoder_goes_on() {
    let mode = mode(320, 240, 1);
    let mut encoder = open(mode, Bitrate::default());
    assert_eq!(encoder.config().bitrate, encode::MIN_BITRATE);
    assert_eq!(encoder.set_bitrate(Bitrate::from_kbps(u32::MAX)), encode::MAX_BITRATE);
    for number in 0..3 {
        encode(encoder.as_mut(), &grain(mode, number), FrameRequest::Delta, number);
    }
}

#[test]
fn a_mode_too_large_for_the_codec_is_refused_by_name() {
    let config = EncoderConfig { mode: mode(4098, 64, 60), bitrate: Bitrate::from_mbps(1), codec: Codec::H264 };
    let Err(error) = encode::open(EncoderKind::X264, config) else { panic!("4098 is beyond H.264") };
    assert!(matches!(error, EncodeError::TooLarge { max_side: 4096, .. }));
    assert_eq!(
        error.to_string(),
        "H264 carries sides of up to 4096 pixels, and 4098x64@60 is larger; ask for a smaller mode"
    );
}

#[test]
fn the_smallest_and_the_largest_modes_open_and_encode() {
    for mode in [mode(64, 64, 1), mode(66, 130, 1000), mode(4096, 2304, 30)] {
        let (mut encoder, mut decoder) = (open(mode, Bitrate::from_mbps(10)), Decoder::new());
        let (bytes, is_idr) = encode(encoder.as_mut(), &gradient(mode, 0), FrameRequest::Idr, 0);
        assert!(is_idr);
        let picture = decoder.decode(&bytes);
        assert_eq!((picture.width(), picture.height()), (mode.width(), mode.height()));
    }
}

#[test]
fn a_frame_of_another_size_is_refused_and_the_encoder_goes_on() {
    let mode = mode(320, 240, 60);
    let mut encoder = open(mode, Bitrate::from_mbps(4));
    let mut truncated = gradient(mode, 0);
    truncated.bytes.truncate(1_000);
    for wrong in [gradient(self::mode(320, 200, 60), 0), truncated, Pixels::default()] {
        let refused = encoder.encode(&wrong, FrameRequest::Delta, pts(0)).map(drop);
        assert!(matches!(refused, Err(EncodeError::FrameSize { .. })), "{refused:?}");
    }
    assert!(encode(encoder.as_mut(), &gradient(mode, 0), FrameRequest::Delta, 0).1);
}

#[test]
fn the_probe_finds_the_software_encoder() {
    let candidates = encode::probe(Codec::H264);
    assert_eq!(encode::choose(&candidates), Ok(EncoderKind::X264));
}
