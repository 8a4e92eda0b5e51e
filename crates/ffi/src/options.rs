//! What both sides of a media session are made from.

use punktfunk_proto::{
    crypto::MediaKeys,
    fec::FecScheme,
    session::media::{BLOCK_SHARDS, FEC_PERCENT_CEILING, MediaParams},
};

use crate::{
    pointers::handle,
    status::{Fault, PfStatus, guard},
};

/// How media is sealed.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PfCipher {
    /// AES-128-GCM with the first 16 bytes of the key.
    Aes128Gcm = 0,
    /// ChaCha20-Poly1305 with all 32 bytes of the key.
    Chacha20 = 1,
    /// Not at all.
    None = 2,
}

/// The media parameters of a session, as Welcome carries them. Fill it with `pf_media_options_init`, then change what you
/// need. Later releases may append fields: `size` says how many there are.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PfMediaOptions {
    /// `sizeof(PfMediaOptions)` as the caller was compiled.
    pub size: u32,
    /// Rate that the host paces for, in kbit/s; 0 for no pacing.
    pub bitrate_kbps: u32,
    /// Largest access unit, in bytes.
    pub max_frame_bytes: u64,
    /// Most data shards of a block.
    pub max_block_shards: u16,
    /// Bytes of an access unit per datagram; even.
    pub shard_payload: u16,
    /// 0 for GF(2^8), 1 for GF(2^16).
    pub fec_scheme: u8,
    /// The percentage in Welcome: limits what frames may get later.
    pub fec_percent: u8,
    /// The percentage that the host starts with.
    pub fec_start_percent: u8,
    /// A `PfCipher`.
    pub cipher: u8,
    /// The key of the session.
    pub key: [u8; 32],
    /// The salt of the session.
    pub salt: [u8; 4],
    /// 0.
    pub reserved: [u8; 4],
}

static DEFAULTS: PfMediaOptions = PfMediaOptions {
    size: size_of::<PfMediaOptions>() as u32,
    bitrate_kbps: 20_000,
    max_frame_bytes: 8 << 20,
    max_block_shards: BLOCK_SHARDS,
    shard_payload: 1_408,
    fec_scheme: 1,
    fec_percent: FEC_PERCENT_CEILING,
    fec_start_percent: 10,
    cipher: PfCipher::Aes128Gcm as u8,
    key: [0; 32],
    salt: [0; 4],
    reserved: [0; 4],
};

/// Fills the first `size` bytes of `options` with what suits a stream over Ethernet, without a key.
///
/// # Safety
/// `options` is null or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_media_options_init(options: *mut PfMediaOptions, size: usize) -> PfStatus {
    guard(|| {
        if size < size_of::<u32>() || options.is_null() {
            return Err(Fault::argument("options that are null or have no size"));
        }
        let known = size.min(size_of::<PfMediaOptions>());
        // SAFETY: `options` has room for `size` bytes and is not ours; `DEFAULTS` has at least `known`. Every byte of it
        // is initialised: the struct has no padding (held by a test).
        unsafe {
            options.cast::<u8>().write_bytes(0, size);
            options.cast::<u8>().copy_from_nonoverlapping((&raw const DEFAULTS).cast::<u8>(), known);
            options.cast::<u32>().write_unaligned(u32::try_from(size).unwrap_or(u32::MAX));
        }
        Ok(PfStatus::Ok)
    })
}

/// Reads what the caller knows of the options; the rest keeps its default.
///
/// # Safety
/// `options` is null or points to as many bytes as its `size` says.
pub(crate) unsafe fn read(options: *const PfMediaOptions) -> Result<PfMediaOptions, Fault> {
    // SAFETY: at least `size` itself is there.
    let size = unsafe { *handle(options.cast::<u32>().cast_mut())? } as usize;
    if size < size_of::<PfMediaOptions>() {
        return Err(Fault::argument(format!("options of {size} bytes; {} are known", size_of::<PfMediaOptions>())));
    }
    let mut read = DEFAULTS;
    // SAFETY: both have `size_of::<PfMediaOptions>()` bytes; every bit pattern is a value of every field.
    unsafe { (&raw mut read).cast::<u8>().copy_from_nonoverlapping(options.cast(), size_of::<PfMediaOptions>()) };
    Ok(read)
}

/// Options that came inside something else.
pub(crate) fn checked(options: PfMediaOptions) -> Result<PfMediaOptions, Fault> {
    let size = options.size as usize;
    if size == size_of::<PfMediaOptions>() {
        return Ok(options);
    }
    Err(Fault::argument(format!("media options of {size} bytes; {} are known", size_of::<PfMediaOptions>())))
}

impl PfMediaOptions {
    pub(crate) fn params(&self) -> Result<MediaParams, Fault> {
        let fec_scheme = FecScheme::from_id(self.fec_scheme).ok_or_else(|| Fault::argument("an unknown fec_scheme"))?;
        let max_frame_bytes = usize::try_from(self.max_frame_bytes).map_err(Fault::argument)?;
        let keys = match self.cipher {
            cipher if cipher == PfCipher::Aes128Gcm as u8 => {
                let key = self.key.first_chunk().expect("sixteen of thirty-two bytes");
                Some(MediaKeys::aes128_gcm(*key, self.salt))
            }
            cipher if cipher == PfCipher::Chacha20 as u8 => Some(MediaKeys::chacha20_poly1305(self.key, self.salt)),
            cipher if cipher == PfCipher::None as u8 => None,
            _ => return Err(Fault::argument("an unknown cipher")),
        };
        if keys.is_some() && self.key == [0; 32] {
            return Err(Fault::argument("no key is set"));
        }
        Ok(MediaParams {
            fec_scheme,
            fec_percent: self.fec_percent,
            max_block_shards: self.max_block_shards,
            shard_payload: self.shard_payload,
            keys,
            max_frame_bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::PfMediaOptions;

    #[test]
    fn options_have_no_padding() {
        let fields = 4 + 4 + 8 + 2 + 2 + 1 + 1 + 1 + 1 + 32 + 4 + 4;
        assert_eq!(size_of::<PfMediaOptions>(), fields);
    }
}
