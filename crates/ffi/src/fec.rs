//! The erasure code on its own.

use punktfunk_proto::fec::{BlockShape, FecDecoder, FecEncoder, FecError, FecScheme, recovery_count};

use crate::{
    pointers::{free, handle, slice, slice_mut},
    status::{Fault, PfStatus, guard},
};

/// An encoder and a decoder with their work space.
pub struct PfFec {
    encoder: FecEncoder,
    decoder: FecDecoder,
    parity: Vec<u8>,
}

/// Recovery shards for a block of `data` shards at `percent`.
#[unsafe(no_mangle)]
pub extern "C" fn pf_fec_recovery_count(data: usize, percent: u8) -> usize {
    recovery_count(data.min(FecScheme::Gf16.max_shards()), percent)
}

/// Makes a coder: scheme 0 is GF(2^8), 1 is GF(2^16).
///
/// # Safety
/// `out` points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_fec_new(scheme: u8, out: *mut *mut PfFec) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { handle(out)? };
        let scheme = FecScheme::from_id(scheme).ok_or_else(|| Fault::argument("an unknown scheme"))?;
        let (encoder, decoder) = (FecEncoder::new(scheme), FecDecoder::new(scheme));
        *out = Box::into_raw(Box::new(PfFec { encoder, decoder, parity: Vec::new() }));
        Ok(PfStatus::Ok)
    })
}

/// Frees a coder.
///
/// # Safety
/// `fec` is null or a handle that is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_fec_free(fec: *mut PfFec) {
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        free(fec);
        Ok(PfStatus::Ok)
    });
}

/// Computes `recovery` shards of `shard_bytes` each from `data` ones, which lie one behind the other; so will the results.
///
/// # Safety
/// `fec` is a handle, `shards` points to `data * shard_bytes` bytes, `parity` to `recovery * shard_bytes`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_fec_encode(
    fec: *mut PfFec,
    data: usize,
    recovery: usize,
    shard_bytes: usize,
    shards: *const u8,
    parity: *mut u8,
) -> PfStatus {
    guard(|| {
        let shape = BlockShape { data, recovery, shard_bytes };
        let [bytes, parity_bytes] = lengths(shape)?;
        // SAFETY: the caller's promise.
        let (fec, shards, parity) = unsafe { (handle(fec)?, slice(shards, bytes)?, slice_mut(parity, parity_bytes)?) };
        fec.encoder.encode(shape, shards, &mut fec.parity).map_err(fault)?;
        parity.copy_from_slice(&fec.parity);
        Ok(PfStatus::Ok)
    })
}

/// Fills in those of the `data` shards whose byte in `present` is 0, from the others and from the recovery shards whose
/// byte is not. `present` has a byte for each data shard, then one for each recovery shard.
///
/// # Safety
/// As `pf_fec_encode`; `present` points to `data + recovery` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_fec_restore(
    fec: *mut PfFec,
    data: usize,
    recovery: usize,
    shard_bytes: usize,
    shards: *mut u8,
    parity: *const u8,
    present: *const u8,
) -> PfStatus {
    guard(|| {
        let shape = BlockShape { data, recovery, shard_bytes };
        let [bytes, parity_bytes] = lengths(shape)?;
        // SAFETY: the caller's promise.
        let (fec, shards, parity) = unsafe { (handle(fec)?, slice_mut(shards, bytes)?, slice(parity, parity_bytes)?) };
        // SAFETY: the caller's promise.
        let (have_data, have_parity) = unsafe { slice(present, data + recovery)? }.split_at(data);
        let there = parity.chunks_exact(shard_bytes).enumerate().filter(|(row, _)| have_parity[*row] != 0);
        fec.decoder.reconstruct(shape, shards, |shard| have_data[shard] != 0, there).map_err(fault)?;
        Ok(PfStatus::Ok)
    })
}

/// Bytes of all data and of all recovery shards, for shapes that a code can have.
fn lengths(shape: BlockShape) -> Result<[usize; 2], Fault> {
    let most = FecScheme::Gf16.max_shards();
    let sane = (1..=most).contains(&shape.data) && (1..=most).contains(&shape.recovery) && shape.shard_bytes > 0;
    let bytes = |shards: usize| shards.checked_mul(shape.shard_bytes).filter(|bytes| *bytes <= isize::MAX as usize);
    match (bytes(shape.data), bytes(shape.recovery)) {
        (Some(data), Some(recovery)) if sane => Ok([data, recovery]),
        _ => Err(fault(FecError::Shape(shape))),
    }
}

fn fault(error: FecError) -> Fault {
    let status = match error {
        FecError::Shape(_) => PfStatus::InvalidArgument,
        FecError::TooFewShards => PfStatus::TooFewShards,
    };
    Fault::new(status, error)
}
