//! What a frame costs the send thread before the kernel: cut, protected by a fifth and, where agreed, encrypted.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use punktfunk_gamestream::video::{Frame, FrameKind, Packetizer, ShardLayout, VideoParams, add_parity};

fn packetize(c: &mut Criterion) {
    let mut group = c.benchmark_group("packetize");
    let bytes: Vec<u8> = (0..1 << 20).map(|i| (i * 7) as u8).collect();
    for size in [20 << 10, 64 << 10, 512 << 10] {
        group.throughput(Throughput::Bytes(size as u64));
        for (name, key) in [("plain", None), ("encrypted", Some([3; 16]))] {
            let params = VideoParams { packet_size: 1_392, fec_percent: 20, min_parity: 2 };
            let mut packetizer = Packetizer::new(params, key.as_ref());
            let mut out = Vec::new();
            group.bench_function(BenchmarkId::new(name, size), |bencher| {
                bencher.iter(|| {
                    out.clear();
                    let frame = Frame { bytes: &bytes[..size], kind: FrameKind::Delta, timestamp: 1, latency: 2 };
                    packetizer.packetize(&frame, &mut out).expect("it fits");
                });
            });
        }
    }
}

fn parity(c: &mut Criterion) {
    let mut group = c.benchmark_group("parity");
    for (data, parity) in [(12, 3), (47, 10), (150, 30), (212, 43)] {
        let layout = ShardLayout { stride: 1_408, gap: 0, data };
        let mut block: Vec<u8> = (0..(data + parity) * layout.stride).map(|i| (i * 7) as u8).collect();
        group.bench_function(format!("{data}+{parity}"), |bencher| bencher.iter(|| add_parity(&mut block, layout)));
    }
}

criterion_group!(benches, packetize, parity);
criterion_main!(benches);
