//! What a session was set up with, and what a step does.

use punktfunk_proto::{crypto::MediaKeys, fec::FecScheme, session::media::MediaParams};

/// The parameters of a session, of which not all are sound.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Bit 0: the code; bits 1 and 2: the cipher, if any; bits 3 and 4: the largest frame.
    pub kind: u8,
    /// FEC percentage at the start.
    pub percent: u8,
    /// An index into [`Setup::BLOCKS`].
    pub block: u8,
    /// An index into [`Setup::SHARDS`].
    pub shard: u8,
}

impl Setup {
    /// Data shards to a block.
    pub const BLOCKS: [u16; 10] = [4, 1, 2, 16, 17, 32, 200, 1_000, 4_096, 0];
    /// Bytes to a shard.
    pub const SHARDS: [u16; 8] = [512, 64, 2, 514, 1_388, 1_408, 9_152, 511];
    const FRAMES: [usize; 4] = [1 << 20, 8 << 20, 64 << 10, 4 << 10];

    /// Reads it from the front of a script.
    pub fn from_bytes([kind, percent, block, shard]: [u8; 4]) -> Self {
        Self { kind, percent: percent % 101, block, shard }
    }

    /// What [`Setup::from_bytes`] reads.
    pub fn to_bytes(self) -> [u8; 4] {
        [self.kind, self.percent, self.block, self.shard]
    }

    pub(super) fn params(&self) -> MediaParams {
        MediaParams {
            fec_scheme: if self.kind & 1 == 0 { FecScheme::Gf16 } else { FecScheme::Gf8 },
            fec_percent: self.percent,
            max_block_shards: Self::BLOCKS[usize::from(self.block) % Self::BLOCKS.len()],
            shard_payload: Self::SHARDS[usize::from(self.shard) % Self::SHARDS.len()],
            keys: match self.kind >> 1 & 3 {
                1 => Some(MediaKeys::aes128_gcm([7; 16], [0xA0, 1, 2, 3])),
                2 => Some(MediaKeys::chacha20_poly1305([8; 32], [0x20, 1, 2, 3])),
                _ => None,
            },
            max_frame_bytes: Self::FRAMES[usize::from(self.kind >> 3 & 3)],
        }
    }
}

/// What the steps of a script do. Packets wait in a queue between the host and the client.
pub mod action {
    /// The host sends a unit of `number` bytes, up to 16 KiB, or of 16 times as many as `number` if `side` is odd, of the
    /// kind that the first of `bytes` names.
    pub const SUBMIT: u8 = 0;
    /// The next `number` + 1 packets arrive.
    pub const DELIVER: u8 = 1;
    /// The next `number` + 1 packets are lost.
    pub const LOSE: u8 = 2;
    /// The next packet trades places with the one `number` behind it.
    pub const DELAY: u8 = 3;
    /// What arrived last arrives again.
    pub const REPEAT: u8 = 4;
    /// The next packet is written over with `bytes` at `number`, by somebody who has the key.
    pub const PATCH: u8 = 5;
    /// The next packet arrives with `bytes` flipped in its datagram, at `number`.
    pub const SPOIL: u8 = 6;
    /// `bytes` arrive as a datagram.
    pub const DATAGRAM: u8 = 7;
    /// `bytes` and `number` zeros arrive as a packet, from somebody who has the key.
    pub const PACKET: u8 = 8;
    /// The host sends a unit whose length it does not know: as slices if `side` is odd, of `number` blocks. See
    /// spec section 4.6.
    pub const STREAMED: u8 = 9;
    /// The host sends speed-test filler of `number` bytes.
    pub const FILLER: u8 = 10;
    /// Lets `number` times 100 microseconds go by.
    pub const WAIT: u8 = 11;
    /// Lets time go by until the client's timeout.
    pub const EXPIRE: u8 = 12;
    /// The client's decoder takes `number` + 1 units, and stalls if `side` is odd.
    pub const DECODE: u8 = 13;
    /// The host changes its FEC percentage to `number`, or the size of its shards if `side` is odd.
    pub const CHANGE: u8 = 14;
    /// Datagrams numbered `bytes`, eight to a number, are asked for and remembered in a replay window.
    pub const REPLAY: u8 = 15;
    /// One more than the last.
    pub const COUNT: u8 = 16;
}
