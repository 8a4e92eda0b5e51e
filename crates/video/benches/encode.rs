//! What a frame costs before it is on the wire: conversion alone, and conversion with encoding.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use punktfunk_proto::units::{Bitrate, HostTime, Mode};
use punktfunk_video::{
    encode::{Codec, EncoderConfig, EncoderKind, FrameRequest, Picture, open},
    frame::Pixels,
};

fn modes() -> [Mode; 2] {
    [(1280, 720), (1920, 1080)].map(|(width, height)| Mode::new(width, height, 60).expect("a mode"))
}

/// A picture with detail everywhere, shifted a little further with each number.
fn scrolled(mode: Mode, number: usize) -> Pixels {
    let mut pixels = Pixels::default();
    pixels.resize(mode.width(), mode.height());
    let stride = pixels.stride;
    for (y, row) in pixels.bytes.chunks_exact_mut(stride).enumerate() {
        for (x, pixel) in row.chunks_exact_mut(4).enumerate() {
            let (column, row) = ((x + 4 * number) / 16, (y + number) / 16);
            let hash = column.wrapping_mul(0x9e37_79b1) ^ row.wrapping_mul(0x85eb_ca6b);
            pixel.copy_from_slice(&[(hash >> 4) as u8, (hash >> 12) as u8, (x / 8) as u8, 0]);
        }
    }
    pixels
}

fn convert(c: &mut Criterion) {
    for mode in modes() {
        let mut picture = Picture::new(mode).expect("memory for one picture");
        let pixels = scrolled(mode, 0);
        c.bench_with_input(BenchmarkId::new("convert", mode), &pixels, |b, pixels| {
            b.iter(|| picture.fill(pixels).expect("the same size"));
        });
    }
}

fn encode(c: &mut Criterion) {
    for mode in modes() {
        let config = EncoderConfig { mode, bitrate: Bitrate::from_mbps(20), codec: Codec::H264 };
        let mut encoder = open(EncoderKind::X264, config).expect("libx264");
        let frames: Vec<Pixels> = (0..16).map(|number| scrolled(mode, number)).collect();
        let mut number = 0;
        c.bench_function(&format!("convert and encode/{mode}"), |b| {
            b.iter(|| {
                number += 1;
                let frame = &frames[number % frames.len()];
                encoder.encode(frame, FrameRequest::Delta, HostTime::from_nanos(number as u64)).expect("encodes");
            });
        });
    }
}

criterion_group!(benches, convert, encode);
criterion_main!(benches);
