//! Reed-Solomon over GF(2^8) with the Cauchy matrix that Moonlight decodes with (GameStream spec section 5.3).
//!
//! The field's arithmetic is `fec-rs`'s, which uses what the processor has: a tenth of the time of table look-ups, whose twin in
//! `punktfunk_proto::fec` the tests compare it with. Its own encoder is left out, as it allocates for every shape.

use fec_rs::galois;

/// Data and parity shards of a block together.
pub const MAX_SHARDS: usize = 255;

/// Where the shards of a block lie in a buffer: one after the other, data first, then parity, each behind a gap.
#[derive(Clone, Copy, Debug)]
pub struct ShardLayout {
    /// From one shard's begin to the next's.
    pub stride: usize,
    /// Bytes before each shard that are not of it.
    pub gap: usize,
    /// Data shards.
    pub data: usize,
}

/// Fills the parity shards of `block` from its data shards. `block` is `data + parity` strides long, at most
/// [`MAX_SHARDS`] of them. Allocates nothing.
pub fn add_parity(block: &mut [u8], layout: ShardLayout) {
    let ShardLayout { stride, gap, data } = layout;
    let (data_shards, parity_shards) = block.split_at_mut(data * stride);
    let parity = parity_shards.len() / stride;
    debug_assert!(parity == 0 || data + parity <= MAX_SHARDS, "a block with parity has at most 255 shards");
    for (row, sum) in parity_shards.chunks_exact_mut(stride).enumerate() {
        let sum = &mut sum[gap..];
        sum.fill(0);
        for (column, shard) in data_shards.chunks_exact(stride).enumerate() {
            galois::mul_slice_xor(coefficient(parity, row, column), &shard[gap..], sum);
        }
    }
}

/// `data + parity ≤ 255` keeps both numbers in a byte, and they never meet: there is an inverse.
fn coefficient(parity: usize, row: usize, column: usize) -> u8 {
    galois::div(1, (parity + column) as u8 ^ row as u8)
}
