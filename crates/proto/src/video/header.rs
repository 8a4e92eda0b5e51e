//! The 40-byte header before every shard (spec section 4.3).

use crate::units::HostTime;

/// Bytes of a header.
pub const HEADER_BYTES: usize = 40;
/// The byte that marks a media packet.
pub const MAGIC: u8 = 0xC9;
/// The header version written; readers do not look at it.
pub const VERSION: u8 = 1;

/// Bits of the packet flags. Written, never relied on.
pub mod packet_flags {
    /// Always set.
    pub const PICTURE: u8 = 1;
    /// The last packet of the unit on the wire.
    pub const END: u8 = 2;
    /// The first data shard of block 0.
    pub const START: u8 = 4;
}

/// What one packet says about itself and its access unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketHeader {
    /// When the picture was captured.
    pub pts: HostTime,
    /// Counts access units; wraps.
    pub frame_index: u32,
    /// Counts packets; informative.
    pub stream_seq: u32,
    /// Bytes of the access unit; for a block sent before that is known, see spec section 4.6.
    pub frame_bytes: u32,
    /// See [`super::flags`].
    pub user_flags: u32,
    /// Which block of the unit.
    pub block_index: u16,
    /// Blocks of the unit; 0 while it is not known.
    pub block_count: u16,
    /// Data shards of this block.
    pub data_shards: u16,
    /// Recovery shards of this block.
    pub recovery_shards: u16,
    /// This shard: data first, then recovery.
    pub shard_index: u16,
    /// Bytes of every shard of the unit.
    pub shard_bytes: u16,
    /// The scheme's wire byte; readers do not look at it.
    pub fec_scheme: u8,
    /// See [`packet_flags`].
    pub packet_flags: u8,
}

impl PacketHeader {
    /// Writes the header.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&self.pts.nanos().to_le_bytes());
        let words = [self.frame_index, self.stream_seq, self.frame_bytes, self.user_flags];
        for (to, word) in bytes[8..24].chunks_exact_mut(4).zip(words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        let halves = [
            self.block_index,
            self.block_count,
            self.data_shards,
            self.recovery_shards,
            self.shard_index,
            self.shard_bytes,
        ];
        for (to, half) in bytes[24..36].chunks_exact_mut(2).zip(halves) {
            to.copy_from_slice(&half.to_le_bytes());
        }
        bytes[36..].copy_from_slice(&[MAGIC, VERSION, self.fec_scheme, self.packet_flags]);
        bytes
    }

    /// Splits a packet into header and the rest; `None` when it is too short or lacks the magic.
    pub fn decode(packet: &[u8]) -> Option<(Self, &[u8])> {
        let (bytes, rest) = packet.split_first_chunk::<HEADER_BYTES>()?;
        if bytes[36] != MAGIC {
            return None;
        }
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let header = Self {
            pts: HostTime::from_nanos(u64::from(word(4)) << 32 | u64::from(word(0))),
            frame_index: word(8),
            stream_seq: word(12),
            frame_bytes: word(16),
            user_flags: word(20),
            block_index: half(24),
            block_count: half(26),
            data_shards: half(28),
            recovery_shards: half(30),
            shard_index: half(32),
            shard_bytes: half(34),
            fec_scheme: bytes[38],
            packet_flags: bytes[39],
        };
        Some((header, rest))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{HEADER_BYTES, MAGIC, PacketHeader, VERSION};

    proptest! {
        #[test]
        fn any_forty_bytes_survive_decode_and_encode(mut bytes in any::<[u8; HEADER_BYTES]>()) {
            (bytes[36], bytes[37]) = (MAGIC, VERSION);
            let (header, rest) = PacketHeader::decode(&bytes).unwrap();
            assert_eq!((header.encode(), rest.len()), (bytes, 0));
        }
    }

    #[test]
    fn short_packets_and_foreign_magic_are_no_headers() {
        for length in 0..HEADER_BYTES {
            assert_eq!(PacketHeader::decode(&vec![MAGIC; length]), None);
        }
        assert_eq!(PacketHeader::decode(&[0; HEADER_BYTES]), None);
    }
}
