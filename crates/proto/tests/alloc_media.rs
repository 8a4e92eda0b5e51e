//! After a warm-up neither side of the media plane allocates: not per frame, not per datagram, not when parity is
//! needed.

use std::time::{Duration, Instant};

use punktfunk_proto::{
    crypto::MediaKeys,
    fec::FecScheme,
    session::{
        client_media::ClientMedia,
        host_media::{AccessUnit, HostMedia},
        media::MediaParams,
    },
    units::{Bitrate, HostTime},
    video::UnitKind,
};

const FRAME: Duration = Duration::from_micros(16_667);
const WARM_UP: u32 = 120;
const MEASURED: u32 = 240;

fn params(fec_scheme: FecScheme, max_block_shards: u16) -> MediaParams {
    MediaParams {
        fec_scheme,
        fec_percent: 20,
        max_block_shards,
        shard_payload: 1_408,
        keys: Some(MediaKeys::aes128_gcm([3; 16], [9; 4])),
        max_frame_bytes: 8 << 20,
    }
}

/// Host, client and the datagrams of one frame between them.
struct Rig {
    host: HostMedia,
    client: ClientMedia,
    start: Instant,
    frame: Vec<u8>,
    datagrams: Vec<u8>,
    segment: usize,
}

impl Rig {
    fn new(params: MediaParams) -> Self {
        let mut host = HostMedia::new(params.clone()).unwrap();
        host.set_bitrate(Bitrate::from_mbps(20));
        Self {
            host,
            client: ClientMedia::new(params).unwrap(),
            start: Instant::now(),
            frame: (0..400_000_u32).map(|i| (i * 7) as u8).collect(),
            datagrams: Vec::with_capacity(1 << 20),
            segment: 0,
        }
    }

    /// A frame of one of a few sizes becomes datagrams.
    fn send(&mut self, index: u32) {
        let size = [40_000, 300, 90_000, 400_000][index as usize % 4];
        let kind = if index == 0 { UnitKind::Idr } else { UnitKind::Delta };
        let mut now = self.start + FRAME * index;
        let pts = HostTime::from_nanos((FRAME * index).as_nanos() as u64);
        self.datagrams.clear();
        self.host.submit(now, AccessUnit { bytes: &self.frame[..size], pts, kind }).unwrap();
        loop {
            while let Some(batch) = self.host.poll_transmit(now, &mut self.datagrams) {
                self.segment = batch.segment;
            }
            match self.host.poll_timeout() {
                Some(at) => now = at,
                None => return,
            }
        }
    }

    /// Those datagrams become a frame, with every `lost`th of them missing.
    fn receive(&mut self, index: u32, lost: Option<usize>) {
        let now = self.start + FRAME * index;
        for (at, datagram) in self.datagrams.chunks_mut(self.segment).enumerate() {
            if lost.is_none_or(|every| at % every != every - 1) {
                self.client.handle_datagram(now, datagram).unwrap();
            }
        }
        let unit = self.client.poll_unit().unwrap();
        assert_eq!((unit.frame_index, unit.bytes[0]), (index, self.frame[0]));
        assert_eq!(unit.recovered_shards > 0, lost.is_some_and(|every| self.datagrams.len() >= every * self.segment));
        while self.client.poll_event().is_some() {}
    }
}

/// Allocations of `MEASURED` frames, sending and receiving apart.
fn allocations(params: MediaParams, lost: Option<usize>) -> (u64, u64) {
    let mut rig = Rig::new(params);
    let (mut sending, mut receiving, mut warming) = (0, 0, 0);
    for index in 0..WARM_UP + MEASURED {
        let sent = allocation_counter::measure(|| rig.send(index)).count_total;
        let received = allocation_counter::measure(|| rig.receive(index, lost)).count_total;
        if index >= WARM_UP {
            (sending, receiving) = (sending + sent, receiving + received);
        } else {
            warming += sent + received;
        }
    }
    assert!(warming > 0, "the counter counts");
    (sending, receiving)
}

#[test]
fn packetizing_sealing_opening_and_reassembling_allocate_nothing() {
    assert_eq!(allocations(params(FecScheme::Gf16, 4_096), None), (0, 0));
}

#[test]
fn restoring_lost_shards_allocates_nothing() {
    assert_eq!(allocations(params(FecScheme::Gf16, 4_096), Some(11)), (0, 0));
}

#[test]
fn frames_of_several_blocks_allocate_nothing() {
    assert_eq!(allocations(params(FecScheme::Gf16, 64), Some(11)), (0, 0));
}

#[test]
fn the_small_field_allocates_nothing() {
    assert_eq!(allocations(params(FecScheme::Gf8, 128), Some(11)), (0, 0));
}
