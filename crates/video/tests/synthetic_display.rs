//! The test picture as a display, and through the encoder.

use std::time::{Duration, Instant};

use ffmpeg_next::{codec, decoder, frame, packet};
use punktfunk_proto::{
    input::SeatEvent,
    units::{Bitrate, Mode},
};
use punktfunk_video::{
    display::{
        Application, Backend, Output,
        synthetic::{Synthetic, number_in},
    },
    encode::{self, Codec, EncoderConfig, EncoderKind, FrameRequest},
    frame::{CapturedFrame, Received},
};

fn open(mode: Mode) -> Output {
    let application = Application::default();
    Synthetic.open(mode, &application).unwrap()
}

fn mode(width: u32, height: u32, hz: u32) -> Mode {
    Mode::new(width, height, hz).unwrap()
}

fn next(output: &Output) -> CapturedFrame<'_> {
    match output.frames.recv(Duration::from_secs(5)) {
        Received::Frame(frame) => frame,
        Received::Idle => panic!("no frame within five seconds"),
        Received::Ended(reason) => panic!("ended: {reason}"),
    }
}

fn number(frame: &CapturedFrame<'_>) -> Option<u32> {
    let pixels = frame.pixels();
    number_in(pixels.width, pixels.height, |x, y| pixels.bytes[y * pixels.stride + x * 4])
}

#[test]
fn frames_come_at_the_rate_of_the_mode_and_carry_their_numbers() {
    let output = open(mode(640, 360, 100));
    let first = number(&next(&output)).unwrap();
    let start = Instant::now();
    let mut last = first;
    while start.elapsed() < Duration::from_secs(1) {
        let frame = next(&output);
        let number = number(&frame).expect("a number in every frame");
        assert_eq!(u64::from(number), frame.info().number);
        assert!(number > last, "{number} after {last}");
        last = number;
    }
    let rate = f64::from(last - first) / start.elapsed().as_secs_f64();
    assert!(rate < 105.0, "{rate:.0} frames a second were painted at 100 Hz");
    assert!(rate > 30.0, "{rate:.0} frames a second were painted at 100 Hz");
}

#[test]
fn a_change_of_mode_is_followed_and_told() {
    let output = open(mode(640, 360, 60));
    let wanted = mode(320, 480, 120);
    next(&output);
    output.controls.set_mode(wanted);
    let frame = loop {
        let frame = next(&output);
        if frame.info().mode == wanted {
            break frame;
        }
        assert_eq!((frame.pixels().width, frame.pixels().height), (640, 360));
    };
    assert_eq!((frame.pixels().width, frame.pixels().height), (320, 480));
    assert!(number(&frame).is_some());
}

#[test]
fn the_pointer_is_where_it_was_sent() {
    let output = open(mode(640, 360, 60));
    let magenta = |frame: &CapturedFrame<'_>, x: usize, y: usize| {
        let at = y * frame.pixels().stride + x * 4;
        frame.pixels().bytes[at..at + 3] == [255, 0, 255]
    };
    assert!(!magenta(&next(&output), 130, 290));
    output.controls.input(SeatEvent::PointerTo { x: 0.2, y: 0.8 });
    let deadline = Instant::now() + Duration::from_secs(5);
    while !magenta(&next(&output), 130, 290) {
        assert!(Instant::now() < deadline, "the pointer did not move");
    }
}

#[test]
fn dropping_the_controls_ends_the_frames() {
    let Output { frames, controls } = open(mode(320, 240, 60));
    drop(controls);
    let deadline = Instant::now() + Duration::from_secs(5);
    while Instant::now() < deadline {
        if let Received::Ended(reason) = frames.recv(Duration::from_secs(1)) {
            assert_eq!(reason, "the test picture was closed");
            return;
        }
    }
    panic!("the frames go on");
}

#[test]
fn the_number_survives_encoding_and_decoding() {
    let mode = mode(640, 360, 120);
    let output = open(mode);
    let config = EncoderConfig { mode, bitrate: Bitrate::from_mbps(2), codec: Codec::H264 };
    let mut encoder = encode::open(EncoderKind::X264, config).unwrap();
    let codec = decoder::find(codec::Id::H264).unwrap();
    let mut decoder = codec::Context::new_with_codec(codec).decoder().video().unwrap();
    for _ in 0..30 {
        let frame = next(&output);
        let pts = frame.info().captured_at;
        let unit = encoder.encode(frame.pixels(), FrameRequest::Delta, pts).unwrap().expect("one in, one out");
        decoder.send_packet(&packet::Packet::copy(unit.bytes)).unwrap();
        let mut picture = frame::Video::empty();
        decoder.receive_frame(&mut picture).unwrap();
        let (luma, stride) = (picture.data(0), picture.stride(0));
        assert_eq!(number_in(picture.width(), picture.height(), |x, y| luma[y * stride + x]), number(&frame));
    }
}
