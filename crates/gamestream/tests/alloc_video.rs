//! After a warm-up no frame and no packet of sound allocates: with and without encryption, whatever parity there is.

use punktfunk_gamestream::{
    audio::{AudioParams, Packetizer as AudioPacketizer},
    video::{Frame, FrameKind, Packetizer, VideoParams},
};

const KEY: [u8; 16] = [3; 16];

#[test]
fn packetizing_video_allocates_nothing() {
    let bytes: Vec<u8> = (0..400_000_u32).map(|i| (i * 7) as u8).collect();
    for (fec_percent, key) in [(0, None), (20, None), (20, Some(&KEY)), (50, Some(&KEY))] {
        let mut packetizer = Packetizer::new(VideoParams { packet_size: 1_392, fec_percent, min_parity: 2 }, key);
        let mut out = Vec::new();
        let mut run = || {
            for size in [400_000, 300, 40_000, 90_000, 1] {
                out.clear();
                let frame = Frame { bytes: &bytes[..size], kind: FrameKind::Delta, timestamp: 1, latency: 2 };
                packetizer.packetize(&frame, &mut out).unwrap();
            }
        };
        let warming = allocation_counter::measure(&mut run).count_total;
        assert!(warming > 0, "the counter counts");
        assert_eq!(allocation_counter::measure(&mut run).count_total, 0, "{fec_percent} % {}", key.is_some());
    }
}

#[test]
fn packetizing_sound_allocates_nothing() {
    for key in [None, Some(&KEY)] {
        let mut packetizer = AudioPacketizer::new(AudioParams { packet_ms: 5, key_id: 9 }, key);
        let mut datagrams = 0;
        let mut run = || (0..12).for_each(|_| packetizer.push(&[5; 60], |_| datagrams += 1).unwrap());
        assert!(allocation_counter::measure(&mut run).count_total > 0, "the counter counts");
        assert_eq!(allocation_counter::measure(&mut run).count_total, 0);
        assert_eq!(datagrams, 2 * (12 + 6));
    }
}
