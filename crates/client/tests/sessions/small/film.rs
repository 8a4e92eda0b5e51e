//! A short film of access units, encoded once: an IDR every half second, so that whatever was lost heals by itself.

use std::sync::LazyLock;

use ffmpeg_next::{
    Dictionary, Rational,
    codec::{context::Context, encoder},
    format, frame, packet,
    util::log,
};
use punktfunk_proto::wire::Codec;

/// One access unit in Annex B form.
pub(super) struct Unit {
    pub(super) bytes: Vec<u8>,
    pub(super) is_idr: bool,
}

pub(super) const WIDTH: u32 = 320;
pub(super) const HEIGHT: u32 = 180;
pub(super) const FPS: u32 = 30;

/// Two seconds of it, to be shown over and over.
pub(super) fn film(codec: Codec) -> &'static [Unit] {
    static H264: LazyLock<Vec<Unit>> = LazyLock::new(|| encode("libx264", "x264-params", "annexb=1"));
    static HEVC: LazyLock<Vec<Unit>> =
        LazyLock::new(|| encode("libx265", "x265-params", "annexb=1:info=0:log-level=none:keyint=15:min-keyint=15"));
    match codec {
        Codec::H264 => &H264,
        Codec::Hevc => &HEVC,
        other => panic!("no film in {other:?}"),
    }
}

fn encode(name: &str, key: &str, params: &str) -> Vec<Unit> {
    log::set_level(log::Level::Fatal);
    let codec = encoder::find_by_name(name).unwrap();
    let mut video = Context::new_with_codec(codec).encoder().video().unwrap();
    video.set_width(WIDTH);
    video.set_height(HEIGHT);
    video.set_format(format::Pixel::YUV420P);
    video.set_time_base(Rational::new(1, FPS as i32));
    video.set_gop(FPS / 2);
    video.set_max_b_frames(0);
    let mut options = Dictionary::new();
    options.set("preset", "ultrafast");
    options.set("tune", "zerolatency");
    options.set(key, &format!("repeat-headers=1:bframes=0:scenecut=0:{params}"));
    let mut encoder = video.open_with(options).unwrap();
    let mut units = Vec::new();
    for number in 0..2 * FPS {
        encoder.send_frame(&picture(number)).unwrap();
        drain(&mut encoder, &mut units);
    }
    encoder.send_eof().unwrap();
    drain(&mut encoder, &mut units);
    assert!(units[0].is_idr && units.len() == 2 * FPS as usize);
    units
}

/// A texture that moves: too rich for one datagram.
fn picture(number: u32) -> frame::Video {
    let mut picture = frame::Video::new(format::Pixel::YUV420P, WIDTH, HEIGHT);
    let texel = |at: usize| (at * 7 + at / 13 + 5 * number as usize) % 199;
    picture.data_mut(0).iter_mut().enumerate().for_each(|(at, luma)| *luma = 20 + texel(at) as u8);
    picture.data_mut(1).fill(128);
    picture.data_mut(2).fill(128);
    picture.set_pts(Some(i64::from(number)));
    picture
}

fn drain(encoder: &mut encoder::video::Encoder, units: &mut Vec<Unit>) {
    let mut packet = packet::Packet::empty();
    while encoder.receive_packet(&mut packet).is_ok() {
        units.push(Unit { bytes: packet.data().unwrap().to_vec(), is_idr: packet.is_key() });
    }
}
