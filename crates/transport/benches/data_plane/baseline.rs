//! The straightforward data plane that ours is measured against: a buffer per shard, the crate `aes-gcm` per packet, a
//! fresh encoder and decoder per frame, one `sendto` and one `recvfrom` per datagram. The same header, code and sealing,
//! in one block per frame.

use std::net::UdpSocket;

use aes_gcm::{Aes128Gcm, KeyInit as _, aead::AeadInOut as _};
use punktfunk_proto::{
    fec::recovery_count,
    units::HostTime,
    video::header::{HEADER_BYTES, PacketHeader},
};

use crate::{FEC_PERCENT, SHARD};

/// Sends frames.
pub(crate) struct Sender {
    socket: UdpSocket,
    cipher: Aes128Gcm,
    seq: u64,
    frame_index: u32,
}

/// Receives frames.
pub(crate) struct Receiver {
    socket: UdpSocket,
    cipher: Aes128Gcm,
    frame: Option<Frame>,
}

struct Frame {
    bytes: usize,
    data: usize,
    recovery: usize,
    shards: Vec<Option<Vec<u8>>>,
}

/// Packets of a frame that were not sent yet.
pub(crate) type Packets = std::vec::IntoIter<Vec<u8>>;

fn cipher() -> Aes128Gcm {
    Aes128Gcm::new(&[7; 16].into())
}

fn nonce(seq: [u8; 8]) -> [u8; 12] {
    let mut nonce = [1; 12];
    nonce[4..].copy_from_slice(&seq);
    nonce
}

impl Sender {
    pub(crate) fn new(socket: UdpSocket) -> Self {
        Self { socket, cipher: cipher(), seq: 0, frame_index: 0 }
    }

    /// Cuts a frame into packets and adds parity.
    pub(crate) fn packetize(&mut self, frame: &[u8]) -> Packets {
        let mut shards: Vec<Vec<u8>> = frame.chunks(SHARD).map(<[u8]>::to_vec).collect();
        shards.last_mut().expect("a frame has bytes").resize(SHARD, 0);
        let (data, recovery) = (shards.len(), recovery_count(shards.len(), FEC_PERCENT));
        shards.extend(reed_solomon_simd::encode(data, recovery, &shards).expect("a shape the code has"));
        self.frame_index += 1;
        let packet = |(index, shard): (usize, &Vec<u8>)| {
            let header = PacketHeader {
                pts: HostTime::from_nanos(u64::from(self.frame_index)),
                frame_index: self.frame_index,
                stream_seq: index as u32,
                frame_bytes: frame.len() as u32,
                user_flags: 1,
                block_index: 0,
                block_count: 1,
                data_shards: data as u16,
                recovery_shards: recovery as u16,
                shard_index: index as u16,
                shard_bytes: SHARD as u16,
                fec_scheme: 1,
                packet_flags: 1,
            };
            let mut packet = header.encode().to_vec();
            packet.extend_from_slice(shard);
            packet
        };
        shards.iter().enumerate().map(packet).collect::<Vec<_>>().into_iter()
    }

    /// Seals and sends at most `count` packets; says how many.
    pub(crate) fn send(&mut self, packets: &mut Packets, count: usize) -> usize {
        let mut sent = 0;
        for mut packet in packets.take(count) {
            let seq = self.seq.to_be_bytes();
            self.seq += 1;
            let tag = self.cipher.encrypt_inout_detached(&nonce(seq).into(), &seq, packet.as_mut_slice().into());
            let mut datagram = seq.to_vec();
            datagram.extend_from_slice(&packet);
            datagram.extend_from_slice(&tag.expect("short enough"));
            self.socket.send(&datagram).expect("loopback");
            sent += 1;
        }
        sent
    }
}

impl Receiver {
    pub(crate) fn new(socket: UdpSocket) -> Self {
        Self { socket, cipher: cipher(), frame: None }
    }

    /// Receives and opens `count` datagrams, and returns the frame they complete.
    pub(crate) fn receive(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut complete = None;
        let mut datagram = [0; 2_048];
        for _ in 0..count {
            let (length, _) = self.socket.recv_from(&mut datagram).expect("loopback");
            let seq: [u8; 8] = datagram[..8].try_into().expect("eight bytes");
            let tag: [u8; 16] = datagram[length - 16..length].try_into().expect("sixteen bytes");
            let mut packet = datagram[8..length - 16].to_vec();
            let opened =
                self.cipher.decrypt_inout_detached(&nonce(seq).into(), &seq, packet.as_mut_slice().into(), &tag.into());
            opened.expect("authentic");
            complete = self.file(&packet).or(complete);
        }
        complete
    }

    fn file(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let (header, _) = PacketHeader::decode(packet).expect("a header");
        let (data, recovery) = (usize::from(header.data_shards), usize::from(header.recovery_shards));
        let index = usize::from(header.shard_index);
        if index == 0 {
            let shards = vec![None; data + recovery];
            self.frame = Some(Frame { bytes: header.frame_bytes as usize, data, recovery, shards });
        }
        let frame = self.frame.as_mut()?;
        frame.shards[index] = Some(packet[HEADER_BYTES..].to_vec());
        if frame.shards.iter().flatten().count() < frame.data {
            return None;
        }
        self.frame.take().map(Frame::restore)
    }
}

impl Frame {
    fn restore(mut self) -> Vec<u8> {
        let (original, recovery) = self.shards.split_at(self.data);
        let present = |shards: &[Option<Vec<u8>>]| -> Vec<(usize, Vec<u8>)> {
            shards.iter().enumerate().filter_map(|(index, shard)| Some((index, shard.clone()?))).collect()
        };
        if original.iter().any(Option::is_none) {
            let restored = reed_solomon_simd::decode(self.data, self.recovery, present(original), present(recovery))
                .expect("enough shards");
            restored.into_iter().for_each(|(index, shard)| self.shards[index] = Some(shard));
        }
        let mut bytes = self.shards[..self.data].iter().flatten().flatten().copied().collect::<Vec<u8>>();
        bytes.truncate(self.bytes);
        bytes
    }
}
