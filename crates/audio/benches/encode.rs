//! What 5 ms of sound cost the host's thread for it.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use punktfunk_audio::{
    FRAME, Layout,
    opus::{Encoder, Mode},
    tone::Tone,
};

fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("opus, 5 ms");
    for layout in [Layout::Stereo, Layout::Surround51, Layout::Surround71] {
        let mut pcm = vec![0.0; FRAME * layout.channels()];
        Tone::new(440, 0.5, layout.channels()).write(&mut pcm);
        let kbps = layout.kbps_beside(20_000);
        let mut encoder = Encoder::new(layout, Mode::Native { kbps }).expect("an encoder");
        let mut packet = Vec::new();
        group.bench_function(
            BenchmarkId::new("encode", format!("{} channels, {kbps} kbit/s", layout.channels())),
            |bench| {
                bench.iter(|| encoder.encode(&pcm, &mut packet).expect("a frame"));
            },
        );
    }
    group.finish();
}

criterion_group!(benches, encode);
criterion_main!(benches);
