//! What no client can do without: opening a datagram and putting its shard into a frame. It has no state at all, so what
//! it costs more for large frames is the memory's doing.

use std::{hint::black_box, time::Duration};

use punktfunk_proto::crypto::TAG_BYTES;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::{CHUNK, FRAMES, SHARD, processor_time};

/// Of a datagram's plain text in front of its shard.
const HEADER: usize = 40;
const DATAGRAM: usize = HEADER + SHARD + TAG_BYTES;
/// Shards per round, at least.
const SHARDS: usize = 8_000;

/// Prints what that costs per shard for each size of frame.
pub(crate) fn print(rounds: usize) {
    println!("\nThe least a client can do, `ring` opening and one copy of the shard, nanoseconds per shard");
    for bytes in FRAMES {
        println!("{:>5} KiB {:>5.0}", bytes >> 10, open_and_copy(rounds, bytes));
    }
}

/// The lower quartile, in nanoseconds per shard. Two frames take turns: one is filled while a decoder has the other.
fn open_and_copy(rounds: usize, bytes: usize) -> f64 {
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[7; 16]).expect("sixteen bytes"));
    let nonce = || Nonce::assume_unique_for_key([3; 12]);
    let mut sealed = vec![5; HEADER + SHARD];
    key.seal_in_place_append_tag(nonce(), Aad::empty(), &mut sealed).expect("it fits");
    let batch = sealed.repeat(CHUNK);
    let mut received = batch.clone();
    let mut frames = [(); 2].map(|()| vec![0; bytes]);
    let shards = bytes / SHARD;
    // What the sender has in the same caches.
    let (source, mut encoded) = (vec![7; bytes], vec![0; bytes]);
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let (mut time, mut count) = (Duration::ZERO, 0);
            while count < SHARDS {
                for frame in &mut frames {
                    encoded.copy_from_slice(black_box(&source));
                    for (places, sent) in frame.chunks_mut(CHUNK * SHARD).zip(encoded.chunks(CHUNK * SHARD)) {
                        received.copy_from_slice(&batch);
                        received[..sent.len()].iter_mut().zip(black_box(sent)).for_each(|(to, from)| *to ^= from ^ 7);
                        let start = processor_time();
                        for (place, datagram) in places.chunks_exact_mut(SHARD).zip(received.chunks_mut(DATAGRAM)) {
                            let plain = key.open_in_place(nonce(), Aad::empty(), datagram).expect("sealed above");
                            place.copy_from_slice(&plain[HEADER..]);
                        }
                        time += processor_time() - start;
                    }
                    count += shards;
                    black_box(&frame);
                }
            }
            time.as_nanos() as f64 / count as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 4]
}
