//! How much of a library's own speed is left after our layer: sealing and erasure code.

use std::{hint::black_box, time::Duration};

use aes_gcm::{Aes128Gcm, KeyInit as _, aead::AeadInOut as _};
use punktfunk_proto::{
    crypto::{Direction, MediaKeys, SEQ_BYTES, Sealer, TAG_BYTES},
    fec::{BlockShape, FecEncoder, FecScheme, recovery_count},
};
use reed_solomon_simd::ReedSolomonEncoder;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::{FEC_PERCENT, SHARD, processor_time};

/// Messages per round.
const MESSAGES: u32 = 4_000;

/// Runs all of `works` in turns and returns the lower quartile of each, in nanoseconds per call.
fn race<const N: usize>(rounds: usize, calls: u32, mut works: [Box<dyn FnMut() + '_>; N]) -> [f64; N] {
    let mut times: [Vec<Duration>; N] = std::array::from_fn(|_| Vec::new());
    for _ in 0..rounds {
        for (work, times) in works.iter_mut().zip(&mut times) {
            let start = processor_time();
            (0..calls).for_each(|_| work());
            times.push(processor_time() - start);
        }
    }
    times.map(|mut times| {
        times.sort();
        times[times.len() / 4].as_nanos() as f64 / f64::from(calls)
    })
}

/// Prints both comparisons.
pub(crate) fn compare(rounds: usize) {
    seal(rounds);
    encode(rounds);
}

fn seal(rounds: usize) {
    let mut sealer = Sealer::new(&MediaKeys::aes128_gcm([7; 16], [1; 4]), Direction::HostToClient);
    let mut datagram = vec![5; SEQ_BYTES + SHARD + TAG_BYTES];
    let ring = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[7; 16]).expect("sixteen bytes"));
    let aws = aws_lc_rs::aead::LessSafeKey::new(
        aws_lc_rs::aead::UnboundKey::new(&aws_lc_rs::aead::AES_128_GCM, &[7; 16]).expect("sixteen bytes"),
    );
    let plain = Aes128Gcm::new(&[7; 16].into());
    let (mut for_ring, mut for_aws, mut for_plain) = ([5; SHARD], [5; SHARD], [5; SHARD]);
    let [ours, ring, aws, plain] = race(
        rounds,
        MESSAGES,
        [
            Box::new(|| _ = sealer.seal(black_box(&mut datagram)).expect("it fits")),
            Box::new(|| {
                let nonce = Nonce::assume_unique_for_key([1; 12]);
                _ = black_box(ring.seal_in_place_separate_tag(nonce, Aad::from([2; 8]), black_box(&mut for_ring)));
            }),
            Box::new(|| {
                let nonce = aws_lc_rs::aead::Nonce::assume_unique_for_key([1; 12]);
                let aad = aws_lc_rs::aead::Aad::from([2; 8]);
                _ = black_box(aws.seal_in_place_separate_tag(nonce, aad, black_box(&mut for_aws)));
            }),
            Box::new(|| {
                let message = black_box(&mut for_plain[..]).into();
                _ = black_box(plain.encrypt_inout_detached(&[1; 12].into(), &[2; 8], message));
            }),
        ],
    );
    println!("\nSealing {SHARD} bytes with AES-128-GCM, nanoseconds");
    println!(
        "ours {ours:.0} | ring {ring:.0} | aws-lc-rs {aws:.0} | aes-gcm {plain:.0} | ours reaches {:.0} % of ring",
        100.0 * ring / ours
    );
}

fn encode(rounds: usize) {
    println!(
        "\nErasure code over {SHARD}-byte shards, nanoseconds per data shard, ours and reed-solomon-simd's encoder reused"
    );
    for data in [12, 47, 64, 80, 96, 128, 160, 187, 256, 320, 640, 745, 2_980] {
        let recovery = recovery_count(data, FEC_PERCENT);
        let shape = BlockShape { data, recovery, shard_bytes: SHARD };
        let block: Vec<u8> = (0..data * SHARD).map(|i| (i * 7) as u8).collect();
        let (mut encoder, mut parity) = (FecEncoder::new(FecScheme::Gf16), Vec::new());
        let mut engine = ReedSolomonEncoder::new(data, recovery, SHARD).expect("a shape the code has");
        let calls = (20_000 / data).max(1) as u32;
        let [ours, theirs] = race(
            rounds,
            calls,
            [
                Box::new(|| encoder.encode(shape, black_box(&block), &mut parity).expect("a shape the code has")),
                Box::new(|| {
                    black_box(&block).chunks_exact(SHARD).for_each(|shard| {
                        engine.add_original_shard(shard).expect("the right length");
                    });
                    let result = engine.encode().expect("all shards are there");
                    result.recovery_iter().for_each(|shard| _ = black_box(shard));
                }),
            ],
        );
        let [ours, theirs] = [ours, theirs].map(|time| time / data as f64);
        println!("{data:>5} + {recovery:<4} ours {ours:>5.0} | engine {theirs:>5.0} | {:.0} %", 100.0 * theirs / ours);
    }
}
