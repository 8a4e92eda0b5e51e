//! The host's media session.

use punktfunk_proto::{
    session::host_media::{AccessUnit, HostMedia, MediaError},
    units::{Bitrate, HostTime},
    video::{Streaming, UnitKind},
    wire::VideoCaps,
};

use crate::{
    options::{self, PfMediaOptions},
    pointers::{Clock, free, handle, slice, slice_mut},
    status::{Fault, PfStatus, guard},
};

/// The most bytes one call of `pf_host_media_poll_transmit` writes.
pub const PF_BATCH_BYTES: usize = 65_536;

/// Packetizes, adds parity, seals and paces access units.
pub struct PfHostMedia {
    media: HostMedia,
    clock: Clock,
    batch: Vec<u8>,
}

/// What an access unit is to the stream.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PfUnitKind {
    /// Decodable on its own, parameter sets included.
    Idr = 0,
    /// Needs the units before it.
    Delta = 1,
    /// The first unit after a reference invalidation.
    RecoveryAnchor = 2,
    /// The end of an intra-refresh wave.
    RecoveryPoint = 3,
}

/// Datagrams that lie one behind the other, all of the same length.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PfBatch {
    /// Bytes per datagram.
    pub segment: usize,
    /// How many datagrams.
    pub datagrams: usize,
}

fn unit_kind(kind: u32) -> Result<UnitKind, Fault> {
    const KINDS: [UnitKind; 4] = [UnitKind::Idr, UnitKind::Delta, UnitKind::RecoveryAnchor, UnitKind::RecoveryPoint];
    KINDS.get(kind as usize).copied().ok_or_else(|| Fault::argument("an unknown kind of unit"))
}

/// Makes a session that has sent nothing.
///
/// # Safety
/// `options` points to as many bytes as its `size` says; `out` to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_host_media_new(options: *const PfMediaOptions, out: *mut *mut PfHostMedia) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let (out, options) = unsafe { (handle(out)?, options::read(options)?) };
        let mut media = HostMedia::new(options.params()?).map_err(Fault::argument)?;
        media.set_bitrate(Bitrate::from_kbps(options.bitrate_kbps));
        media.set_fec_percent(options.fec_start_percent);
        *out = Box::into_raw(Box::new(PfHostMedia { media, clock: Clock::new(), batch: Vec::new() }));
        Ok(PfStatus::Ok)
    })
}

/// Ends a session.
///
/// # Safety
/// `host` is null or a handle that is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_host_media_free(host: *mut PfHostMedia) {
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        free(host);
        Ok(PfStatus::Ok)
    });
}

/// Takes an access unit to send, copying it. `pts_ns` is its capture time on the host's real-time clock, `kind` a
/// `PfUnitKind`. `frame_index` becomes its number if it is not null.
///
/// # Safety
/// `host` is a handle, `bytes` points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_host_media_submit(
    host: *mut PfHostMedia,
    now_ns: u64,
    pts_ns: u64,
    kind: u32,
    bytes: *const u8,
    length: usize,
    frame_index: *mut u32,
) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let (host, bytes) = unsafe { (handle(host)?, slice(bytes, length)?) };
        let unit = AccessUnit { bytes, pts: HostTime::from_nanos(pts_ns), kind: unit_kind(kind)? };
        let index = host.media.submit(host.clock.instant(now_ns)?, unit).map_err(fault)?;
        // SAFETY: null or the caller's.
        if let Some(frame_index) = unsafe { frame_index.as_mut() } {
            *frame_index = index;
        }
        Ok(PfStatus::Ok)
    })
}

fn fault(error: MediaError) -> Fault {
    let status = match error {
        MediaError::TooLarge { .. } => PfStatus::TooLarge,
        MediaError::Backlog(_) => PfStatus::Backlog,
        MediaError::NoOpenUnit | MediaError::Params(_) => PfStatus::InvalidArgument,
    };
    Fault::new(status, error)
}

/// Begins a picture that is sent while it is still being encoded (section 4.6). `video_caps` is what the client's Hello
/// said: without 32 or 128 in it the call fails, and pictures have to be submitted whole.
///
/// # Safety
/// `host` is a handle; `frame_index` is null or points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_host_media_begin_unit(
    host: *mut PfHostMedia,
    now_ns: u64,
    pts_ns: u64,
    kind: u32,
    video_caps: u32,
    frame_index: *mut u32,
) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let host = unsafe { handle(host)? };
        let streaming = Streaming::for_client(VideoCaps::from_bits(video_caps as u8))
            .ok_or_else(|| Fault::argument("the client understands whole units only"))?;
        let (now, pts) = (host.clock.instant(now_ns)?, HostTime::from_nanos(pts_ns));
        let index = host.media.begin_unit(now, pts, unit_kind(kind)?, streaming).map_err(fault)?;
        // SAFETY: null or the caller's.
        if let Some(frame_index) = unsafe { frame_index.as_mut() } {
            *frame_index = index;
        }
        Ok(PfStatus::Ok)
    })
}

/// Takes the next bytes of the picture that was begun, copying them. Send what `pf_host_media_poll_transmit` has then.
///
/// # Safety
/// `host` is a handle, `bytes` points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_host_media_push_slice(host: *mut PfHostMedia, bytes: *const u8, length: usize) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let (host, bytes) = unsafe { (handle(host)?, slice(bytes, length)?) };
        host.media.push_slice(bytes).map_err(fault)?;
        Ok(PfStatus::Ok)
    })
}

/// The picture that was begun is complete.
///
/// # Safety
/// `host` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_host_media_finish_unit(host: *mut PfHostMedia, now_ns: u64) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let host = unsafe { handle(host)? };
        host.media.finish_unit(host.clock.instant(now_ns)?).map_err(fault)?;
        Ok(PfStatus::Ok)
    })
}

/// Writes the next datagrams that are due to `out`, which has room for at least `PF_BATCH_BYTES`. `PfStatus::Nothing` when
/// none are.
///
/// # Safety
/// `host` is a handle, `out` points to `capacity` bytes, `batch` to a batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_host_media_poll_transmit(
    host: *mut PfHostMedia,
    now_ns: u64,
    out: *mut u8,
    capacity: usize,
    batch: *mut PfBatch,
) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let (host, out, batch) = unsafe { (handle(host)?, slice_mut(out, capacity)?, handle(batch)?) };
        if capacity < PF_BATCH_BYTES {
            return Err(Fault::new(PfStatus::BufferTooSmall, format!("{capacity} bytes; PF_BATCH_BYTES are needed")));
        }
        host.batch.clear();
        let now = host.clock.instant(now_ns)?;
        let Some(sent) = host.media.poll_transmit(now, &mut host.batch) else { return Ok(PfStatus::Nothing) };
        out[..host.batch.len()].copy_from_slice(&host.batch);
        *batch = PfBatch { segment: sent.segment, datagrams: sent.datagrams };
        Ok(PfStatus::Ok)
    })
}

/// When `pf_host_media_poll_transmit` next has something. `PfStatus::Nothing` when only a new unit can change that.
///
/// # Safety
/// `host` is a handle, `at_ns` points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_host_media_poll_timeout(host: *mut PfHostMedia, at_ns: *mut u64) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let (host, at_ns) = unsafe { (handle(host)?, handle(at_ns)?) };
        let Some(at) = host.media.poll_timeout() else { return Ok(PfStatus::Nothing) };
        *at_ns = host.clock.nanos(at);
        Ok(PfStatus::Ok)
    })
}

/// The client's LossReport came: parity follows it.
///
/// # Safety
/// `host` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_host_media_on_loss_report(host: *mut PfHostMedia, ppm: u32) -> PfStatus {
    // SAFETY: the caller's promise.
    unsafe { change(host, |media| media.on_loss_report(ppm)) }
}

/// RfiRequest or RequestKeyframe came: parity was not enough.
///
/// # Safety
/// `host` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_host_media_on_recovery_request(host: *mut PfHostMedia) -> PfStatus {
    // SAFETY: the caller's promise.
    unsafe { change(host, HostMedia::on_recovery_request) }
}

/// Sets the rate that the following frames are paced for, in kbit/s; 0 for no pacing.
///
/// # Safety
/// `host` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_host_media_set_bitrate(host: *mut PfHostMedia, kbps: u32) -> PfStatus {
    // SAFETY: the caller's promise.
    unsafe { change(host, |media| media.set_bitrate(Bitrate::from_kbps(kbps))) }
}

/// Sets the FEC percentage of the following frames, 0 to 90; reports move it on from there.
///
/// # Safety
/// `host` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_host_media_set_fec_percent(host: *mut PfHostMedia, percent: u8) -> PfStatus {
    // SAFETY: the caller's promise.
    unsafe { change(host, |media| media.set_fec_percent(percent)) }
}

/// # Safety
/// `host` is null or a handle.
unsafe fn change(host: *mut PfHostMedia, change: impl FnOnce(&mut HostMedia)) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        change(&mut unsafe { handle(host)? }.media);
        Ok(PfStatus::Ok)
    })
}
