//! Access units that leave while they are still being encoded (spec section 4.6): how they are cut into blocks.
//!
//! A block leaves as soon as it is large enough, its data and then its parity. What a receiver must know of the whole unit
//! is in the last block only, so at least one byte is held back until the unit is complete.

use crate::{
    video::{flags, reassembler::MIN_SLICE_SHARDS},
    wire::VideoCaps,
};

/// How units are streamed, by what the client understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Streaming {
    /// In full blocks (video_caps 0x20).
    Plain,
    /// In blocks of any size from 16 shards on (video_caps 0x80).
    Slices,
}

impl Streaming {
    /// The best that a client with these `video_caps` understands; `None` when units have to be sent whole.
    pub fn for_client(caps: VideoCaps) -> Option<Self> {
        if caps.contains(VideoCaps::SLICES) {
            return Some(Self::Slices);
        }
        caps.contains(VideoCaps::STREAMED).then_some(Self::Plain)
    }

    /// What the unit's `user_flags` get.
    pub const fn flags(self) -> u32 {
        match self {
            Self::Plain => 0,
            Self::Slices => flags::SLICES,
        }
    }
}

/// A block that is being written, counted in shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) index: usize,
    /// Its first data shard in the unit.
    pub(super) start: usize,
    pub(super) data: usize,
    pub(super) recovery: usize,
}

/// The blocks of one unit.
#[derive(Debug)]
pub(super) struct StreamedBlocks {
    streaming: Streaming,
    block_shards: usize,
    current: Block,
    /// Blocks and shards that were cut off, the current block among them.
    blocks: usize,
    cut: usize,
    /// Shards of the unit, once it is complete.
    total: Option<usize>,
}

/// Shards that stay behind until the unit is complete. No parity allowed protects a last block of one shard against
/// random loss; with this many, 90 % lose one block in a million at 5 %.
const HELD_BACK: usize = 6;

impl StreamedBlocks {
    pub(super) fn new(streaming: Streaming, block_shards: usize) -> Self {
        Self { streaming, block_shards, current: Block::default(), blocks: 0, cut: 0, total: None }
    }

    pub(super) fn current(&self) -> Block {
        self.current
    }

    /// Shards that were cut off.
    pub(super) fn cut(&self) -> usize {
        self.cut
    }

    /// Whether the last block was cut off.
    pub(super) fn is_done(&self) -> bool {
        self.total == Some(self.cut)
    }

    /// All `bytes` are there. Returns their shards.
    pub(super) fn finish(&mut self, bytes: usize, shard_bytes: usize) -> usize {
        let total = bytes.div_ceil(shard_bytes).max(1);
        self.total = Some(total);
        total
    }

    /// Data shards of the next block, if enough of the unit is there.
    pub(super) fn next(&self, bytes: usize, shard_bytes: usize) -> Option<usize> {
        let most = self.block_shards;
        let least = MIN_SLICE_SHARDS.min(most);
        if let Some(total) = self.total {
            let rest = total - self.cut;
            return match self.streaming {
                _ if rest <= most => (rest > 0).then_some(rest),
                Streaming::Plain => Some(most),
                Streaming::Slices => Some(rest.div_ceil(rest.div_ceil(most)).max(least)),
            };
        }
        let whole = bytes.saturating_sub(1) / shard_bytes - self.cut;
        match self.streaming {
            Streaming::Plain => (whole >= most).then_some(most),
            Streaming::Slices => Some(whole.saturating_sub(HELD_BACK).min(most)).filter(|shards| *shards >= least),
        }
    }

    /// Makes the next `data` shards the current block.
    pub(super) fn cut_off(&mut self, data: usize, recovery: usize) {
        self.current = Block { index: self.blocks, start: self.cut, data, recovery };
        self.blocks += 1;
        self.cut += data;
    }

    /// What headers of the current block say about the unit: `frame_bytes` and `block_count`.
    pub(super) fn sizes(&self, frame_bytes: usize, shard_bytes: usize) -> (usize, usize) {
        match self.streaming {
            _ if self.is_done() => (frame_bytes, self.blocks),
            Streaming::Plain => (0, 0),
            Streaming::Slices => (self.current.start * shard_bytes, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{StreamedBlocks, Streaming};

    /// The blocks of a unit that comes in `parts` shards, each but the last as soon as it can leave.
    fn cut(streaming: Streaming, block_shards: usize, parts: &[usize]) -> Vec<usize> {
        let (mut blocks, mut bytes, mut sizes) = (StreamedBlocks::new(streaming, block_shards), 0, Vec::new());
        for (at, part) in parts.iter().enumerate() {
            bytes += part * 512;
            if at + 1 == parts.len() {
                blocks.finish(bytes, 512);
            }
            while let Some(data) = blocks.next(bytes, 512) {
                blocks.cut_off(data, 0);
                sizes.push(data);
            }
        }
        assert!(blocks.is_done());
        sizes
    }

    #[test]
    fn full_blocks_leave_as_they_fill_and_a_byte_stays_for_the_last() {
        assert_eq!(cut(Streaming::Plain, 4, &[3, 1, 1, 4, 0]), [4, 4, 1]);
        assert_eq!(cut(Streaming::Plain, 4, &[4, 0]), [4], "the only block is the last one");
    }

    #[test]
    fn slices_leave_from_sixteen_shards_on_and_the_last_block_is_not_tiny() {
        assert_eq!(cut(Streaming::Slices, 160, &[20, 20, 20, 1]), [33, 20, 8]);
        assert_eq!(cut(Streaming::Slices, 160, &[10, 10, 10]), [30], "too little to leave early");
    }

    #[test]
    fn a_long_rest_is_cut_evenly() {
        assert_eq!(cut(Streaming::Slices, 160, &[40, 200]), [33, 104, 103]);
        assert_eq!(cut(Streaming::Slices, 20, &[21]), [16, 5]);
    }
}
