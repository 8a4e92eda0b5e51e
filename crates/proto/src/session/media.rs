//! What both media sessions are made from.

use crate::{
    crypto::{MediaKeys, SEQ_BYTES, TAG_BYTES},
    fec::{FecScheme, recovery_count},
    video::{header::HEADER_BYTES, layout::FrameLayout, reassembler::MAX_SHARD_BYTES},
    wire::{Cipher, Welcome},
};

/// The `K` a host should announce. The erasure code costs the logarithm of a block's size per shard, so small blocks keep
/// the cost of a byte the same from small frames to large ones, and only blocks that lost something are decoded. Large
/// blocks survive longer bursts for the same parity: at 10 % this one restores 16 datagrams in a row.
pub const BLOCK_SHARDS: u16 = 160;
/// The FEC percentage a host should announce. It limits how far later frames' parity may rise (spec section 4.4); a host
/// starts lower, see [`HostMedia::set_fec_percent`](super::host_media::HostMedia::set_fec_percent).
pub const FEC_PERCENT_CEILING: u8 = 50;

/// The media parameters of a session, as Welcome carries them.
#[derive(Clone, Debug)]
pub struct MediaParams {
    /// The erasure code.
    pub fec_scheme: FecScheme,
    /// The FEC percentage to start with; it also limits what blocks may grow to.
    pub fec_percent: u8,
    /// `K`, most data shards of a block.
    pub max_block_shards: u16,
    /// Bytes of a shard.
    pub shard_payload: u16,
    /// Keys, or `None` where media is not encrypted.
    pub keys: Option<MediaKeys>,
    /// Largest access unit.
    pub max_frame_bytes: usize,
}

/// Parameters no session can run with. From the host in Welcome, so the host's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// Odd, zero or too large.
    #[error("shards of {0} bytes; they are even, at most 9152")]
    ShardPayload(u16),
    /// Blocks that are empty or too large for the code.
    #[error("blocks of {data} data shards with {percent} % recovery")]
    Block {
        /// Data shards of a block.
        data: u16,
        /// Starting FEC percentage.
        percent: u8,
    },
    /// A frame that needs more blocks than a header can count, or none at all.
    #[error("frames of up to {0} bytes")]
    FrameBytes(usize),
}

impl MediaParams {
    /// What this Welcome says about media.
    pub fn from_welcome(welcome: &Welcome) -> Self {
        let keys = welcome.encrypted.then(|| match &welcome.cipher {
            Cipher::Aes128Gcm => MediaKeys::aes128_gcm(*welcome.aes_key.expose(), welcome.salt),
            Cipher::ChaCha20Poly1305(key) => MediaKeys::chacha20_poly1305(*key.expose(), welcome.salt),
        });
        Self {
            fec_scheme: welcome.fec_scheme,
            fec_percent: welcome.fec_percent,
            max_block_shards: welcome.max_block_shards,
            shard_payload: welcome.shard_payload,
            keys,
            max_frame_bytes: welcome.max_frame_bytes(),
        }
    }

    /// Checks what section 2.4 of the spec demands.
    ///
    /// # Errors
    /// Names the parameter that is out of bounds.
    pub fn validate(&self) -> Result<(), ParamsError> {
        let (shard, block) = (usize::from(self.shard_payload), usize::from(self.max_block_shards));
        if shard == 0 || shard % 2 != 0 || shard > MAX_SHARD_BYTES {
            return Err(ParamsError::ShardPayload(self.shard_payload));
        }
        if block == 0 || self.block_total() > self.fec_scheme.max_shards() {
            return Err(ParamsError::Block { data: self.max_block_shards, percent: self.fec_percent });
        }
        let blocks = FrameLayout::new(self.max_frame_bytes, shard, block).blocks();
        if self.max_frame_bytes == 0 || u32::try_from(self.max_frame_bytes).is_err() || blocks > usize::from(u16::MAX) {
            return Err(ParamsError::FrameBytes(self.max_frame_bytes));
        }
        Ok(())
    }

    /// Most shards of a block that is sent: `K` and the recovery shards of the starting percentage.
    pub(super) fn block_total(&self) -> usize {
        let block = usize::from(self.max_block_shards);
        block + recovery_count(block, self.fec_percent)
    }

    /// Bytes that a datagram has besides its shard.
    pub(super) fn overhead(&self) -> usize {
        HEADER_BYTES + if self.keys.is_some() { SEQ_BYTES + TAG_BYTES } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::{FecScheme, MediaParams, ParamsError};

    fn params() -> MediaParams {
        MediaParams {
            fec_scheme: FecScheme::Gf16,
            fec_percent: 10,
            max_block_shards: 4_096,
            shard_payload: 1_408,
            keys: None,
            max_frame_bytes: 8 << 20,
        }
    }

    #[test]
    fn nonsense_from_welcome_is_refused_by_name() {
        assert_eq!(params().validate(), Ok(()));
        for shard_payload in [0, 1_407, 9_154] {
            let params = MediaParams { shard_payload, ..params() };
            assert_eq!(params.validate(), Err(ParamsError::ShardPayload(shard_payload)));
        }
        let large = MediaParams { max_block_shards: 65_535, ..params() };
        assert!(matches!(large.validate(), Err(ParamsError::Block { .. })));
        let gf8 = MediaParams { fec_scheme: FecScheme::Gf8, max_block_shards: 250, ..params() };
        assert!(matches!(gf8.validate(), Err(ParamsError::Block { data: 250, percent: 10 })));
        let many = MediaParams { max_block_shards: 1, shard_payload: 2, ..params() };
        assert!(matches!(many.validate(), Err(ParamsError::FrameBytes(_))));
    }
}
