//! Where packets come from: the host's session, streamed units it does not make, and the key.

use std::{collections::HashMap, time::Instant};

use punktfunk_proto::crypto::{Direction, SEQ_BYTES, Sealer, TAG_BYTES};
use punktfunk_proto::session::host_media::{AccessUnit, HostMedia, MediaError};
use punktfunk_proto::session::media::MediaParams;
use punktfunk_proto::units::HostTime;
use punktfunk_proto::video::header::{PacketHeader, packet_flags};
use punktfunk_proto::video::{UnitKind, flags};

/// What was sent as one unit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) bytes: Vec<u8>,
    pub(super) pts: HostTime,
    pub(super) user_flags: u32,
}

pub(super) struct Sender {
    /// Without keys: packets are sealed when they arrive, so that they can be changed before.
    host: HostMedia,
    sealer: Option<Sealer>,
    params: MediaParams,
    pub(super) sent: HashMap<u32, Sent>,
}

impl Sender {
    /// `None` when the parameters are not sound.
    pub(super) fn new(params: &MediaParams) -> Option<Self> {
        let plain = MediaParams { keys: None, ..params.clone() };
        Some(Self {
            host: HostMedia::new(plain).ok()?,
            sealer: params.keys.as_ref().map(|keys| Sealer::new(keys, Direction::HostToClient)),
            params: params.clone(),
            sent: HashMap::new(),
        })
    }

    /// The packet as a datagram.
    pub(super) fn seal(&mut self, packet: &[u8]) -> Vec<u8> {
        let Some(sealer) = &mut self.sealer else { return packet.to_vec() };
        let mut datagram = vec![0; SEQ_BYTES];
        datagram.extend_from_slice(packet);
        datagram.extend_from_slice(&[0; TAG_BYTES]);
        sealer.seal(&mut datagram).expect("sequence numbers are left and the buffer has room");
        datagram
    }

    /// A unit's packets. None when it is larger than the session allows.
    pub(super) fn submit(&mut self, now: Instant, pts: HostTime, len: usize, kind: u8) -> Vec<Vec<u8>> {
        let kind = match kind % 4 {
            0 => UnitKind::Idr,
            1 => UnitKind::Delta,
            2 => UnitKind::RecoveryAnchor,
            _ => UnitKind::RecoveryPoint,
        };
        let bytes = content(self.host.next_frame_index(), len);
        match self.host.submit(now, AccessUnit { bytes: &bytes, pts, kind }) {
            Ok(index) => {
                self.sent.insert(index, Sent { bytes, pts, user_flags: kind.flags() });
            }
            Err(error) => assert!(matches!(error, MediaError::TooLarge { .. }), "{error}"),
        }
        self.packets(now)
    }

    pub(super) fn filler(&mut self, now: Instant, pts: HostTime, len: usize) -> Vec<Vec<u8>> {
        let _ = self.host.submit_filler(now, pts, &vec![0; len]);
        self.packets(now)
    }

    pub(super) fn change(&mut self, shards: bool, number: u16) {
        if shards {
            let _ = self.host.set_shard_payload(number);
        } else {
            self.host.set_fec_percent(number as u8);
        }
    }

    fn packets(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        let mut out = Vec::new();
        while let Some(batch) = self.host.poll_transmit(now, &mut out) {
            assert_eq!(out.len(), batch.segment * batch.datagrams);
            packets.extend(out.chunks(batch.segment).map(<[u8]>::to_vec));
            out.clear();
        }
        packets
    }

    /// The packets of a unit of `blocks` full blocks and one more shard, without parity (spec section 4.6).
    pub(super) fn streamed(&mut self, now: Instant, pts: HostTime, slices: bool, blocks: usize) -> Vec<Vec<u8>> {
        // One index is taken from the host's own count.
        let index = self.host.next_frame_index();
        if self.submit(now, pts, 0, 1).is_empty() {
            return Vec::new();
        }
        let (block, shard) = (usize::from(self.params.max_block_shards), usize::from(self.params.shard_payload));
        let data = if slices { block.min(16) } else { block };
        let bytes = content(index, blocks * data * shard + 1);
        let user_flags = flags::PICTURE | if slices { flags::SLICES } else { 0 };
        let header = |at: usize| PacketHeader {
            pts,
            frame_index: index,
            stream_seq: 0,
            frame_bytes: if slices { (at * data * shard) as u32 } else { 0 },
            user_flags,
            block_index: at as u16,
            block_count: 0,
            data_shards: data as u16,
            recovery_shards: 0,
            shard_index: 0,
            shard_bytes: shard as u16,
            fec_scheme: self.params.fec_scheme.id(),
            packet_flags: packet_flags::PICTURE,
        };
        let mut packets = Vec::new();
        for at in 0..blocks {
            for (index, bytes) in bytes[at * data * shard..][..data * shard].chunks(shard).enumerate() {
                packets.push(packet(PacketHeader { shard_index: index as u16, ..header(at) }, bytes));
            }
        }
        let last = PacketHeader {
            frame_bytes: bytes.len() as u32,
            block_count: blocks as u16 + 1,
            data_shards: 1,
            ..header(blocks)
        };
        let mut rest = bytes[blocks * data * shard..].to_vec();
        rest.resize(shard, 0);
        packets.push(packet(last, &rest));
        self.sent.insert(index, Sent { bytes, pts, user_flags });
        packets
    }
}

fn packet(header: PacketHeader, shard: &[u8]) -> Vec<u8> {
    [header.encode().as_slice(), shard].concat()
}

/// Bytes that tell units and places apart. Made of copies: under a fuzzer's instrumentation every iteration counts.
fn content(index: u32, len: usize) -> Vec<u8> {
    let period: [u8; 1_021] = std::array::from_fn(|at| (at * 7 + at / 251 + index as usize * 13) as u8);
    let mut bytes = period.repeat(len.div_ceil(period.len()));
    bytes.truncate(len);
    bytes
}
