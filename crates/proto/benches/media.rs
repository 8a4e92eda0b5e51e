//! The media plane, stage by stage and whole. `cargo bench -p punktfunk-proto`; add `-- --quick` for sizes only.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use aes_gcm::{Aes128Gcm, KeyInit as _, aead::AeadInOut as _};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use punktfunk_proto::{
    crypto::{Direction, MediaKeys, Opener, SEQ_BYTES, Sealer, TAG_BYTES},
    fec::{BlockShape, FecDecoder, FecEncoder, FecScheme, recovery_count},
    session::{
        client_media::ClientMedia,
        host_media::{AccessUnit, HostMedia},
        media::MediaParams,
    },
    units::HostTime,
    video::{
        UnitKind,
        packetizer::{Packetizer, PacketizerConfig, UnitInfo},
        reassembler::{Reassembler, ReassemblerConfig},
    },
};

const SHARD: usize = 1_408;
/// Header and shard.
const PACKET: usize = 1_448;
const DATAGRAM: usize = SEQ_BYTES + PACKET + TAG_BYTES;
const BLOCK_SHARDS: usize = 4_096;
const FRAMES: [usize; 3] = [40 << 10, 64 << 10, 1 << 20];

fn aes() -> MediaKeys {
    MediaKeys::aes128_gcm([7; 16], [1; 4])
}

fn chacha() -> MediaKeys {
    MediaKeys::chacha20_poly1305([7; 32], [1; 4])
}

fn params(fec_percent: u8) -> MediaParams {
    MediaParams {
        fec_scheme: FecScheme::Gf16,
        fec_percent,
        max_block_shards: BLOCK_SHARDS as u16,
        shard_payload: SHARD as u16,
        keys: Some(aes()),
        max_frame_bytes: 8 << 20,
    }
}

fn seal(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("seal");
    group.throughput(Throughput::Bytes(PACKET as u64));
    for (name, keys) in [("aes-128-gcm", aes()), ("chacha20-poly1305", chacha())] {
        let mut sealer = Sealer::new(&keys, Direction::HostToClient);
        let mut datagram = vec![5; DATAGRAM];
        group.bench_function(name, |bencher| bencher.iter(|| sealer.seal(black_box(&mut datagram)).unwrap()));
    }
    // The plain twin, for comparison: the RustCrypto implementation doing the same.
    let (cipher, mut datagram) = (Aes128Gcm::new(&[7; 16].into()), vec![5; PACKET]);
    group.bench_function("aes-128-gcm, crate aes-gcm", |bencher| {
        bencher.iter(|| cipher.encrypt_inout_detached(&[1; 12].into(), &[2; 8], (&mut datagram[..]).into()).unwrap());
    });
    group.finish();
}

fn open(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("open");
    group.throughput(Throughput::Bytes(PACKET as u64));
    for (name, keys) in [("aes-128-gcm", aes()), ("chacha20-poly1305", chacha())] {
        let mut sealer = Sealer::new(&keys, Direction::HostToClient);
        let mut opener = Opener::new(&keys, Direction::HostToClient);
        let mut sealed = || {
            let mut datagram = vec![5; DATAGRAM];
            sealer.seal(&mut datagram).unwrap();
            datagram
        };
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                &mut sealed,
                |datagram| opener.open(datagram).unwrap().len(),
                BatchSize::SmallInput,
            );
        });
    }
    let cipher = Aes128Gcm::new(&[7; 16].into());
    let sealed = || {
        let mut buffer = vec![5; PACKET];
        let tag = cipher.encrypt_inout_detached(&[1; 12].into(), &[2; 8], (&mut buffer[..]).into()).unwrap();
        (buffer, tag)
    };
    group.bench_function("aes-128-gcm, crate aes-gcm", |bencher| {
        bencher.iter_batched_ref(
            sealed,
            |(buffer, tag)| cipher.decrypt_inout_detached(&[1; 12].into(), &[2; 8], (&mut buffer[..]).into(), tag),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn fec(criterion: &mut Criterion) {
    let shapes = [(12, 2), (30, 3), (47, 5), (187, 19), (745, 75)];
    for (data, recovery) in shapes {
        let shape = BlockShape { data, recovery, shard_bytes: SHARD };
        let block: Vec<u8> = (0..data * SHARD).map(|i| (i * 7) as u8).collect();
        let (mut encoder, mut decoder) = (FecEncoder::new(FecScheme::Gf16), FecDecoder::new(FecScheme::Gf16));
        let mut parity = Vec::new();
        let name = format!("{data}+{recovery}");
        let mut group = criterion.benchmark_group("fec");
        group.throughput(Throughput::Bytes(block.len() as u64));
        group.bench_function(BenchmarkId::new("encode", &name), |bencher| {
            bencher.iter(|| encoder.encode(shape, black_box(&block), &mut parity).unwrap());
        });
        let mut broken = block.clone();
        group.bench_function(BenchmarkId::new("decode", &name), |bencher| {
            let parity = || parity.chunks_exact(SHARD).enumerate();
            bencher.iter(|| decoder.reconstruct(shape, &mut broken, |shard| shard >= recovery, parity()).unwrap());
        });
        group.finish();
        assert_eq!(broken, block);
    }
}

fn packetizer(percent: u8) -> Packetizer {
    Packetizer::new(PacketizerConfig {
        scheme: FecScheme::Gf16,
        block_shards: BLOCK_SHARDS,
        block_total: BLOCK_SHARDS + recovery_count(BLOCK_SHARDS, percent),
    })
}

fn info(frame_index: u32) -> UnitInfo {
    let pts = HostTime::from_nanos(u64::from(frame_index) * 16_000_000);
    UnitInfo { pts, frame_index, user_flags: 1, shard_bytes: SHARD, percent: 10 }
}

/// Writes a unit's packets to `out`.
fn packetize(packetizer: &mut Packetizer, frame_index: u32, frame: &[u8], buffer: &mut Vec<u8>, out: &mut Vec<u8>) {
    buffer.clear();
    buffer.extend_from_slice(frame);
    let mut unit = packetizer.begin(info(frame_index), std::mem::take(buffer));
    out.clear();
    while unit.left() > 0 {
        packetizer.write_next(&mut unit, out);
    }
    *buffer = unit.into_buffer();
}

/// Packets of a frame with parity, not sealed; and such packets into a frame, with and without losses.
fn packetize_and_reassemble(criterion: &mut Criterion) {
    for size in FRAMES {
        let frame: Vec<u8> = (0..size).map(|i| (i * 7) as u8).collect();
        let (mut packetizer, mut buffer, mut out) = (packetizer(10), Vec::new(), Vec::new());
        let mut group = criterion.benchmark_group("frame");
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("packetize", size), |bencher| {
            bencher.iter(|| packetize(&mut packetizer, 0, &frame, &mut buffer, &mut out));
        });
        for (name, lost) in [("reassemble", usize::MAX), ("reassemble, every 20th lost", 20)] {
            let mut receiver = Reassembler::new(ReassemblerConfig {
                scheme: FecScheme::Gf16,
                block_shards: BLOCK_SHARDS,
                min_shard_bytes: 512,
                max_frame_bytes: 8 << 20,
            });
            let (mut index, now) = (0, Instant::now());
            group.bench_function(BenchmarkId::new(name, size), |bencher| {
                bencher.iter_custom(|rounds| {
                    (0..rounds).fold(Duration::ZERO, |total, _| {
                        packetize(&mut packetizer, index, &frame, &mut buffer, &mut out);
                        index += 1;
                        let start = Instant::now();
                        reassemble(&mut receiver, now, &out, lost);
                        total + start.elapsed()
                    })
                });
            });
        }
        group.finish();
    }
}

fn reassemble(receiver: &mut Reassembler, now: Instant, packets: &[u8], lost: usize) {
    let mut complete = 0;
    for (at, packet) in packets.chunks_exact(PACKET).enumerate() {
        if at % lost != lost - 1
            && let Some(unit) = receiver.accept(now, packet).unwrap()
        {
            complete += 1;
            receiver.recycle(unit);
        }
    }
    assert_eq!(complete, 1);
}

/// Packetize, code, seal, open, reassemble, hand on: one frame through both sessions.
fn end_to_end(criterion: &mut Criterion) {
    for (size, percent) in FRAMES.into_iter().flat_map(|size| [(size, 10), (size, 25)]) {
        let frame: Vec<u8> = (0..size).map(|i| (i * 7) as u8).collect();
        let mut host = HostMedia::new(params(percent)).unwrap();
        let mut client = ClientMedia::new(params(percent)).unwrap();
        let (mut now, mut index, mut out) = (Instant::now(), 0_u64, Vec::new());
        let mut group = criterion.benchmark_group("frame");
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new(format!("end to end, {percent} % parity"), size), |bencher| {
            bencher.iter(|| {
                now += Duration::from_millis(16);
                index += 1;
                let kind = if index == 1 { UnitKind::Idr } else { UnitKind::Delta };
                let pts = HostTime::from_nanos(index * 16_000_000);
                host.submit(now, AccessUnit { bytes: &frame, pts, kind }).unwrap();
                out.clear();
                while host.poll_transmit(now, &mut out).is_some() {}
                for datagram in out.chunks_exact_mut(DATAGRAM) {
                    client.handle_datagram(now, datagram).unwrap();
                }
                while client.poll_event().is_some() {}
                assert_eq!(client.poll_unit().unwrap().bytes.len(), size);
            });
        });
        group.finish();
    }
}

criterion_group!(benches, seal, open, fec, packetize_and_reassemble, end_to_end);
criterion_main!(benches);
