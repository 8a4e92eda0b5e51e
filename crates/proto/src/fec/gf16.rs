//! GF(2^16): the crate `reed-solomon-simd`, whose output is the wire format, with its work space kept.

use reed_solomon_simd::{ReedSolomonDecoder, ReedSolomonEncoder};

use super::{BlockShape, FecError};

pub(super) fn supports(data: usize, recovery: usize) -> bool {
    ReedSolomonEncoder::supports(data, recovery)
}

/// Made by the first block: the crate has no encoder without a shape.
#[derive(Default)]
pub(super) struct Encoder(Option<ReedSolomonEncoder>);

impl Encoder {
    /// The caller has checked the shape: the crate must not fail halfway through a reset.
    pub(super) fn encode(&mut self, shape: BlockShape, data: &[u8], parity: &mut Vec<u8>) -> Result<(), FecError> {
        let failed = |_| FecError::Shape(shape);
        let BlockShape { data: k, recovery: m, shard_bytes } = shape;
        let coder = match &mut self.0 {
            Some(coder) => {
                coder.reset(k, m, shard_bytes).map_err(failed)?;
                coder
            }
            none => none.insert(ReedSolomonEncoder::new(k, m, shard_bytes).map_err(failed)?),
        };
        for shard in data.chunks_exact(shard_bytes) {
            coder.add_original_shard(shard).map_err(failed)?;
        }
        let result = coder.encode().map_err(failed)?;
        result.recovery_iter().for_each(|shard| parity.extend_from_slice(shard));
        Ok(())
    }
}

/// Made by the first block, as [`Encoder`].
#[derive(Default)]
pub(super) struct Decoder(Option<ReedSolomonDecoder>);

impl Decoder {
    /// The caller has checked the shape: the crate must not fail halfway through a reset.
    pub(super) fn reconstruct<'a>(
        &mut self,
        shape: BlockShape,
        data: &mut [u8],
        present: impl Fn(usize) -> bool,
        parity: impl Iterator<Item = (usize, &'a [u8])>,
    ) -> Result<(), FecError> {
        let failed = |_| FecError::Shape(shape);
        let BlockShape { data: k, recovery: m, shard_bytes } = shape;
        let coder = match &mut self.0 {
            Some(coder) => {
                coder.reset(k, m, shard_bytes).map_err(failed)?;
                coder
            }
            none => none.insert(ReedSolomonDecoder::new(k, m, shard_bytes).map_err(failed)?),
        };
        for (index, shard) in data.chunks_exact(shard_bytes).enumerate().filter(|&(index, _)| present(index)) {
            coder.add_original_shard(index, shard).map_err(failed)?;
        }
        for (index, shard) in parity {
            coder.add_recovery_shard(index, shard).map_err(failed)?;
        }
        let result = coder.decode().map_err(|_| FecError::TooFewShards)?;
        for (index, shard) in result.restored_original_iter() {
            data[index * shard_bytes..][..shard_bytes].copy_from_slice(shard);
        }
        Ok(())
    }
}
