//! After a warm-up neither side of the media plane allocates: not per frame, not per datagram, not when parity is
//! needed, with no cipher, code or amount of parity.

use std::time::{Duration, Instant};

use punktfunk_proto::{
    crypto::MediaKeys,
    fec::FecScheme,
    session::{
        client_media::ClientMedia,
        host_media::{AccessUnit, HostMedia},
        media::{BLOCK_SHARDS, MediaParams},
    },
    units::{Bitrate, HostTime},
    video::{Streaming, UnitKind},
};

const FRAME: Duration = Duration::from_micros(16_667);
const WARM_UP: u32 = 80;
const MEASURED: u32 = 80;

/// Code and shards of a block.
const CODES: [(FecScheme, u16); 3] = [(FecScheme::Gf16, 4_096), (FecScheme::Gf16, BLOCK_SHARDS), (FecScheme::Gf8, 128)];

fn params((fec_scheme, max_block_shards): (FecScheme, u16), fec_percent: u8) -> MediaParams {
    MediaParams {
        fec_scheme,
        fec_percent,
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
    /// Units that are handed over instead of copied.
    owned: Vec<u8>,
    received: Vec<u8>,
    /// How units leave while they are encoded, if they do.
    streaming: Option<Streaming>,
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
            owned: Vec::new(),
            received: Vec::new(),
            streaming: None,
            datagrams: Vec::with_capacity(2 << 20),
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
        if let Some(streaming) = self.streaming {
            self.host.begin_unit(now, pts, kind, streaming).unwrap();
            for slice in self.frame[..size].chunks(size.div_ceil(4)) {
                self.host.push_slice(slice).unwrap();
                while let Some(batch) = self.host.poll_transmit(now, &mut self.datagrams) {
                    self.segment = batch.segment;
                }
            }
            self.host.finish_unit(now).unwrap();
        } else if index.is_multiple_of(2) {
            self.host.submit(now, AccessUnit { bytes: &self.frame[..size], pts, kind }).unwrap();
        } else {
            self.owned.clear();
            self.owned.extend_from_slice(&self.frame[..size]);
            self.host.submit_buffer(now, pts, kind, &mut self.owned).unwrap();
        }
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
        let unit = match index % 3 {
            0 => self.client.poll_unit_into(&mut self.received),
            _ => self.client.poll_unit(),
        };
        let unit = unit.unwrap();
        assert_eq!((unit.frame_index, unit.bytes[0]), (index, self.frame[0]));
        assert_eq!(unit.recovered_shards > 0, lost.is_some_and(|every| self.datagrams.len() >= every * self.segment));
        while self.client.poll_event().is_some() {}
    }
}

/// Allocations of `MEASURED` frames, sending and receiving apart.
fn allocations(params: MediaParams, lost: Option<usize>) -> (u64, u64) {
    allocations_of(Rig::new(params), lost)
}

fn allocations_of(mut rig: Rig, lost: Option<usize>) -> (u64, u64) {
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
    for (code, percent) in CODES.into_iter().flat_map(|code| [(code, 0), (code, 10), (code, 50), (code, 90)]) {
        assert_eq!(allocations(params(code, percent), None), (0, 0), "{code:?} {percent} %");
    }
}

#[test]
fn restoring_lost_shards_allocates_nothing() {
    for (code, percent) in CODES.into_iter().flat_map(|code| [(code, 20), (code, 50), (code, 90)]) {
        assert_eq!(allocations(params(code, percent), Some(11)), (0, 0), "{code:?} {percent} %");
    }
}

#[test]
fn frames_of_many_small_blocks_allocate_nothing() {
    assert_eq!(allocations(params((FecScheme::Gf16, 64), 20), Some(11)), (0, 0));
}

#[test]
fn no_cipher_allocates() {
    for keys in [None, Some(MediaKeys::chacha20_poly1305([3; 32], [9; 4]))] {
        assert_eq!(allocations(MediaParams { keys, ..params(CODES[1], 20) }, Some(11)), (0, 0));
    }
}

#[test]
fn units_that_leave_while_they_are_encoded_allocate_nothing() {
    for (streaming, code) in
        [(Streaming::Slices, CODES[0]), (Streaming::Slices, CODES[1]), (Streaming::Plain, CODES[2])]
    {
        for (percent, lost) in [(0, None), (20, None), (50, Some(11))] {
            let rig = Rig { streaming: Some(streaming), ..Rig::new(params(code, percent)) };
            assert_eq!(allocations_of(rig, lost), (0, 0), "{streaming:?} {code:?} {percent} %");
        }
    }
}
