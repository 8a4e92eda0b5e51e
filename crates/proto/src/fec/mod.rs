//! Erasure codes of the media plane (spec section 4.5): `k` data shards of a block yield `m` recovery shards, and
//! any `k` of the `k + m` give the data back.
//!
//! Blocks are flat: shard `i` is `bytes[i * shard_bytes..][..shard_bytes]`. Work space is kept between blocks, so
//! that a shape seen before costs no allocation.

mod gf16;
mod gf8;

/// Which code a session uses; settled in Welcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FecScheme {
    /// Cauchy Reed-Solomon over GF(2^8): blocks of at most 255 shards.
    Gf8,
    /// Leopard-style Reed-Solomon over GF(2^16): blocks of at most 65,535 shards.
    Gf16,
}

impl FecScheme {
    /// The byte Welcome and the packet header carry.
    pub const fn id(self) -> u8 {
        match self {
            Self::Gf8 => 0,
            Self::Gf16 => 1,
        }
    }

    /// The scheme with this wire byte.
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            0 => Some(Self::Gf8),
            1 => Some(Self::Gf16),
            _ => None,
        }
    }

    /// Most shards, data and recovery together, that one block can have.
    pub const fn max_shards(self) -> usize {
        match self {
            Self::Gf8 => 255,
            Self::Gf16 => 65_535,
        }
    }

    /// Whether this code can protect `data` shards by `recovery` ones.
    pub fn supports(self, data: usize, recovery: usize) -> bool {
        data > 0
            && recovery > 0
            && data + recovery <= self.max_shards()
            && (self == Self::Gf8 || gf16::supports(data, recovery))
    }
}

/// Recovery shards for a block of `data` shards at `percent` (spec section 4.4, before its upper limits).
pub const fn recovery_count(data: usize, percent: u8) -> usize {
    (data * percent as usize).div_ceil(100)
}

/// The shape of one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockShape {
    /// Data shards, `k`.
    pub data: usize,
    /// Recovery shards, `m`.
    pub recovery: usize,
    /// Bytes per shard, even.
    pub shard_bytes: usize,
}

/// Why a block could not be coded. From the network side it means that the frame is lost, nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FecError {
    /// The scheme has no code of this shape, or the buffers do not fit it.
    #[error("no code for {} data and {} recovery shards of {} bytes", .0.data, .0.recovery, .0.shard_bytes)]
    Shape(BlockShape),
    /// Fewer distinct shards than the block has data shards.
    #[error("too few shards to restore the block")]
    TooFewShards,
}

/// Computes recovery shards. One per session; used by the thread that sends.
pub struct FecEncoder(EncoderKind);

enum EncoderKind {
    Gf8(Box<gf8::Field>),
    Gf16(gf16::Encoder),
}

impl FecEncoder {
    /// An encoder for `scheme`; its work space grows with the first blocks.
    pub fn new(scheme: FecScheme) -> Self {
        Self(match scheme {
            FecScheme::Gf8 => EncoderKind::Gf8(gf8::Field::boxed()),
            FecScheme::Gf16 => EncoderKind::Gf16(gf16::Encoder::default()),
        })
    }

    /// Replaces `parity` by the recovery shards of `data`.
    ///
    /// # Errors
    /// [`FecError::Shape`] when there is no such code or `data` is not `k` shards long.
    pub fn encode(&mut self, shape: BlockShape, data: &[u8], parity: &mut Vec<u8>) -> Result<(), FecError> {
        parity.clear();
        match &mut self.0 {
            EncoderKind::Gf8(field) => {
                check(FecScheme::Gf8, shape, data)?;
                field.encode(shape, data, parity);
                Ok(())
            }
            EncoderKind::Gf16(encoder) => {
                check(FecScheme::Gf16, shape, data)?;
                encoder.encode(shape, data, parity)
            }
        }
    }
}

/// Restores lost data shards. One per session; used by the thread that receives.
pub struct FecDecoder(DecoderKind);

enum DecoderKind {
    Gf8(Box<gf8::Decoder>),
    Gf16(gf16::Decoder),
}

impl FecDecoder {
    /// A decoder for `scheme`; its work space grows with the first blocks.
    pub fn new(scheme: FecScheme) -> Self {
        Self(match scheme {
            FecScheme::Gf8 => DecoderKind::Gf8(Box::default()),
            FecScheme::Gf16 => DecoderKind::Gf16(gf16::Decoder::default()),
        })
    }

    /// Bytes of work space that a block of this shape needs, in either code; none without recovery shards.
    pub fn work_bytes(shape: BlockShape) -> usize {
        let BlockShape { data, recovery, shard_bytes } = shape;
        if recovery == 0 {
            return 0;
        }
        let shards = (data + recovery.next_power_of_two()).max(data.next_power_of_two() + recovery);
        shards.next_power_of_two() * shard_bytes.next_multiple_of(64)
    }

    /// Fills in the shards of `data` for which `present` is false, from those that are and from `parity`
    /// (index among the recovery shards, bytes). Recovery shards beyond the number needed are not looked at.
    ///
    /// # Errors
    /// [`FecError::TooFewShards`], or [`FecError::Shape`] when there is no such code or a buffer has another size.
    pub fn reconstruct<'a>(
        &mut self,
        shape: BlockShape,
        data: &mut [u8],
        present: impl Fn(usize) -> bool,
        parity: impl Iterator<Item = (usize, &'a [u8])>,
    ) -> Result<(), FecError> {
        let missing = (0..shape.data).filter(|&shard| !present(shard)).count();
        match &mut self.0 {
            _ if missing == 0 => Ok(()),
            DecoderKind::Gf8(decoder) => {
                check(FecScheme::Gf8, shape, data)?;
                decoder.reconstruct(shape, data, present, parity.take(missing))
            }
            DecoderKind::Gf16(decoder) => {
                check(FecScheme::Gf16, shape, data)?;
                decoder.reconstruct(shape, data, present, parity.take(missing))
            }
        }
    }
}

fn check(scheme: FecScheme, shape: BlockShape, data: &[u8]) -> Result<(), FecError> {
    let BlockShape { data: k, recovery, shard_bytes } = shape;
    let fits = shard_bytes > 0 && shard_bytes % 2 == 0 && data.len() == k * shard_bytes;
    if fits && scheme.supports(k, recovery) { Ok(()) } else { Err(FecError::Shape(shape)) }
}

#[cfg(test)]
mod tests;
