//! How a frame is cut into blocks, and how much parity each has (GameStream spec section 5.3).

use super::parity::MAX_SHARDS;

/// Blocks of a frame.
const MAX_BLOCKS: usize = 4;
/// Shards of a block without parity: the field in the header has ten bits.
const MAX_BARE_SHARDS: usize = 1_023;

/// How one block is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockLayout {
    /// Data shards.
    pub data: usize,
    /// Parity shards.
    pub parity: usize,
    /// The percentage from which the client computes the number of parity shards.
    pub percent: u8,
}

impl BlockLayout {
    /// A block of `data` shards at `percent`, with at least `min_parity` parity shards unless `percent` is 0.
    pub fn new(data: usize, percent: u8, min_parity: u8) -> Self {
        let parity = (data * usize::from(percent)).div_ceil(100);
        if percent == 0 || parity >= usize::from(min_parity) {
            return Self { data, parity, percent };
        }
        // What a byte cannot hold would be misread: a block so small is left with less parity.
        let percent = (100 * usize::from(min_parity) / data).min(usize::from(u8::MAX));
        Self { data, parity: (data * percent).div_ceil(100), percent: percent as u8 }
    }

    /// Data and parity.
    pub const fn shards(&self) -> usize {
        self.data + self.parity
    }
}

/// The blocks of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLayout {
    total: usize,
    per_block: usize,
    percent: u8,
    min_parity: u8,
}

impl FrameLayout {
    /// A frame of `total` data shards; `None` when it has more than can be said.
    pub fn new(total: usize, percent: u8, min_parity: u8) -> Option<Self> {
        // Parity counts as the least asked for does, so that a block with it stays within the code's limit.
        let most = (MAX_SHARDS * 100 / (100 + usize::from(percent))).min(MAX_SHARDS - usize::from(min_parity));
        let blocks = total.div_ceil(most).max(1);
        if percent > 0 && blocks <= MAX_BLOCKS {
            return Some(Self { total, per_block: total.div_ceil(blocks), percent, min_parity });
        }
        let per_block = total.div_ceil(if percent > 0 { MAX_BLOCKS } else { total.div_ceil(MAX_BARE_SHARDS).max(1) });
        // As much parity as there is room for; a block that is full of data has none.
        let room = MAX_SHARDS.saturating_sub(per_block.max(1)) * 100 / per_block.max(1);
        let percent = if room * per_block < 100 * usize::from(min_parity) { 0 } else { percent.min(room as u8) };
        let blocks = total.div_ceil(per_block.max(1));
        (per_block <= MAX_BARE_SHARDS && blocks <= MAX_BLOCKS).then_some(Self { total, per_block, percent, min_parity })
    }

    /// How many blocks.
    pub fn count(&self) -> usize {
        self.total.div_ceil(self.per_block.max(1))
    }

    /// The blocks in order.
    pub fn blocks(&self) -> impl Iterator<Item = BlockLayout> + use<> {
        let Self { total, per_block, percent, min_parity } = *self;
        (0..self.count())
            .map(move |block| BlockLayout::new(per_block.min(total - block * per_block), percent, min_parity))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::{BlockLayout, FrameLayout, MAX_BARE_SHARDS, MAX_BLOCKS, MAX_SHARDS};

    #[test]
    fn frames_too_large_for_their_parity_get_less_and_larger_ones_none() {
        let blocks = |total| FrameLayout::new(total, 20, 2).map(|frame| frame.blocks().collect::<Vec<_>>());
        assert_eq!(blocks(848).unwrap().iter().map(|block| block.parity).sum::<usize>(), 4 * 43);
        assert_eq!(blocks(849).unwrap()[0], BlockLayout { data: 213, parity: 41, percent: 19 });
        assert_eq!(blocks(4 * 254).unwrap()[0], BlockLayout { data: 254, parity: 0, percent: 0 });
        assert_eq!(blocks(MAX_BLOCKS * MAX_BARE_SHARDS).unwrap().len(), MAX_BLOCKS);
        assert_eq!(blocks(MAX_BLOCKS * MAX_BARE_SHARDS + 1), None);
    }

    proptest! {
        #[test]
        fn the_client_computes_the_parity_that_is_sent(total in 1_usize..4_092, percent in 0_u8..=100, least in 0_u8..16) {
            let frame = FrameLayout::new(total, percent, least).unwrap();
            let blocks: Vec<_> = frame.blocks().collect();
            assert_eq!(blocks.iter().map(|block| block.data).sum::<usize>(), total);
            assert!(blocks.len() <= MAX_BLOCKS);
            for block in blocks {
                assert!(block.data > 0);
                assert_eq!((block.data * usize::from(block.percent)).div_ceil(100), block.parity, "{block:?}");
                assert!(block.parity == 0 || block.shards() <= MAX_SHARDS, "{block:?}");
            }
        }
    }
}
