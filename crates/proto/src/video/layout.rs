//! How a whole access unit lies in shards and blocks (spec section 4.4).

/// The uniform geometry of one access unit: every block has `K` data shards, the last one the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLayout {
    total_shards: usize,
    block_shards: usize,
}

impl FrameLayout {
    /// The layout of `bytes` bytes in shards of `shard_bytes`, at most `block_shards` to a block; both at least 1.
    pub fn new(bytes: usize, shard_bytes: usize, block_shards: usize) -> Self {
        Self { total_shards: bytes.div_ceil(shard_bytes).max(1), block_shards }
    }

    /// The layout of a single block of `shards`, at least 1.
    pub fn block(shards: usize) -> Self {
        Self { total_shards: shards, block_shards: shards }
    }

    /// Data shards of the unit; an empty unit has one.
    pub fn total_shards(self) -> usize {
        self.total_shards
    }

    /// Blocks of the unit, at least 1.
    pub fn blocks(self) -> usize {
        self.total_shards.div_ceil(self.block_shards)
    }

    /// The first data shard of `block`.
    pub fn start(self, block: usize) -> usize {
        block * self.block_shards
    }

    /// Data shards of `block`, which exists.
    pub fn data_shards(self, block: usize) -> usize {
        self.block_shards.min(self.total_shards - self.start(block))
    }
}

#[cfg(test)]
mod tests {
    use super::FrameLayout;

    #[test]
    fn the_last_block_takes_the_rest() {
        let layout = FrameLayout::new(4_625, 512, 4);
        assert_eq!((layout.total_shards(), layout.blocks()), (10, 3));
        assert_eq!([0, 1, 2].map(|block| layout.data_shards(block)), [4, 4, 2]);
    }

    #[test]
    fn an_empty_unit_is_one_shard() {
        let layout = FrameLayout::new(0, 512, 4);
        assert_eq!((layout.total_shards(), layout.blocks(), layout.data_shards(0)), (1, 1, 1));
    }

    #[test]
    fn a_full_block_is_not_followed_by_an_empty_one() {
        let layout = FrameLayout::new(4 * 512, 512, 4);
        assert_eq!((layout.blocks(), layout.data_shards(0)), (1, 4));
    }
}
