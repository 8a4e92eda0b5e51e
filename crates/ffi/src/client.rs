//! The client's media session.

use std::ptr;

use punktfunk_proto::session::client_media::{ClientMedia, ClientMediaEvent};

use crate::{
    options::{self, PfMediaOptions},
    pointers::{Clock, free, handle, slice_mut},
    status::{Fault, PfStatus, guard},
};

/// Opens datagrams, puts access units together in order, and says what to ask the host for.
pub struct PfClientMedia {
    media: ClientMedia,
    clock: Clock,
}

/// A complete access unit.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PfUnit {
    /// The encoded bytes, good until the next call on the handle.
    pub bytes: *const u8,
    /// How many.
    pub length: usize,
    /// When it was captured, on the host's real-time clock.
    pub pts_ns: u64,
    /// When its first datagram came, and the one that completed it, on the caller's clock.
    pub first_at_ns: u64,
    /// See `first_at_ns`.
    pub last_at_ns: u64,
    /// Its number.
    pub frame_index: u32,
    /// The `user_flags` of the protocol; 4 marks an IDR.
    pub user_flags: u32,
    /// Data shards that parity restored.
    pub recovered_shards: u32,
    /// 1 when its picture is to be shown, 0 from a loss until a frame that repairs it. Decode it in either case.
    pub shown: u32,
}

/// What to tell the host, or to count.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PfEventKind {
    /// Send RequestKeyframe.
    RequestKeyframe = 0,
    /// Send RfiRequest for the frames `first` to `last`.
    RequestRfi = 1,
    /// Send LossReport with `ppm`.
    LossReport = 2,
    /// The frames `first` to `last` did not come. For statistics.
    FrameLost = 3,
}

/// One event. Fields that its kind does not name are 0.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PfMediaEvent {
    /// Which.
    pub kind: PfEventKind,
    /// First lost frame.
    pub first: u32,
    /// Last lost frame.
    pub last: u32,
    /// Loss in parts per million.
    pub ppm: u32,
}

impl From<ClientMediaEvent> for PfMediaEvent {
    fn from(event: ClientMediaEvent) -> Self {
        let of = |kind, first, last, ppm| Self { kind, first, last, ppm };
        match event {
            ClientMediaEvent::RequestKeyframe => of(PfEventKind::RequestKeyframe, 0, 0, 0),
            ClientMediaEvent::RequestRfi { first, last } => of(PfEventKind::RequestRfi, first, last, 0),
            ClientMediaEvent::LossReport { ppm } => of(PfEventKind::LossReport, 0, 0, ppm),
            ClientMediaEvent::FrameLost { first, last } => of(PfEventKind::FrameLost, first, last, 0),
        }
    }
}

/// Makes a session that has received nothing.
///
/// # Safety
/// `options` points to as many bytes as its `size` says; `out` to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_client_media_new(options: *const PfMediaOptions, out: *mut *mut PfClientMedia) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let (out, options) = unsafe { (handle(out)?, options::read(options)?) };
        let media = ClientMedia::new(options.params()?).map_err(Fault::argument)?;
        *out = Box::into_raw(Box::new(PfClientMedia { media, clock: Clock::new() }));
        Ok(PfStatus::Ok)
    })
}

/// Ends a session.
///
/// # Safety
/// `client` is null or a handle that is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_client_media_free(client: *mut PfClientMedia) {
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        free(client);
        Ok(PfStatus::Ok)
    });
}

/// Takes in a datagram, opening it in place. `PfStatus::Refused` when it could not be used; the session goes on.
///
/// # Safety
/// `client` is a handle, `datagram` points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_client_media_handle_datagram(
    client: *mut PfClientMedia,
    now_ns: u64,
    datagram: *mut u8,
    length: usize,
) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let (client, datagram) = unsafe { (handle(client)?, slice_mut(datagram, length)?) };
        let now = client.clock.instant(now_ns)?;
        let taken = client.media.handle_datagram(now, datagram);
        taken.map(|()| PfStatus::Ok).map_err(|refused| Fault::new(PfStatus::Refused, refused))
    })
}

/// Call it when `pf_client_media_poll_timeout` has come, and once at the start.
///
/// # Safety
/// `client` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_client_media_handle_timeout(client: *mut PfClientMedia, now_ns: u64) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let client = unsafe { handle(client)? };
        client.media.handle_timeout(client.clock.instant(now_ns)?);
        Ok(PfStatus::Ok)
    })
}

/// When `pf_client_media_handle_timeout` is next due.
///
/// # Safety
/// `client` is a handle, `at_ns` points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_client_media_poll_timeout(client: *mut PfClientMedia, at_ns: *mut u64) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let (client, at_ns) = unsafe { (handle(client)?, handle(at_ns)?) };
        let Some(at) = client.media.poll_timeout() else { return Ok(PfStatus::Nothing) };
        *at_ns = client.clock.nanos(at);
        Ok(PfStatus::Ok)
    })
}

/// The next complete unit, in order. `PfStatus::Nothing` when there is none.
///
/// # Safety
/// `client` is a handle, `unit` points to a unit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_client_media_poll_unit(client: *mut PfClientMedia, unit: *mut PfUnit) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise; `unit` may be uninitialised and is only written.
        let client = unsafe { handle(client)? };
        if unit.is_null() {
            return Err(Fault::argument("no place for the unit"));
        }
        let clock = client.clock;
        let Some(next) = client.media.poll_unit() else { return Ok(PfStatus::Nothing) };
        let next = PfUnit {
            bytes: next.bytes.as_ptr(),
            length: next.bytes.len(),
            pts_ns: next.pts.nanos(),
            first_at_ns: clock.nanos(next.first_at),
            last_at_ns: clock.nanos(next.last_at),
            frame_index: next.frame_index,
            user_flags: next.user_flags,
            recovered_shards: next.recovered_shards,
            shown: u32::from(next.shown),
        };
        // SAFETY: not null, and the caller's.
        unsafe { ptr::write(unit, next) };
        Ok(PfStatus::Ok)
    })
}

/// The next event. `PfStatus::Nothing` when there is none.
///
/// # Safety
/// `client` is a handle, `event` points to an event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_client_media_poll_event(client: *mut PfClientMedia, event: *mut PfMediaEvent) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise; `event` may be uninitialised and is only written.
        let client = unsafe { handle(client)? };
        if event.is_null() {
            return Err(Fault::argument("no place for the event"));
        }
        let Some(next) = client.media.poll_event() else { return Ok(PfStatus::Nothing) };
        // SAFETY: not null, and the caller's.
        unsafe { ptr::write(event, next.into()) };
        Ok(PfStatus::Ok)
    })
}

/// The decoder took three units and returned no picture: asks for a keyframe, at most twice a second.
///
/// # Safety
/// `client` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_client_media_decoder_stalled(client: *mut PfClientMedia, now_ns: u64) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let client = unsafe { handle(client)? };
        client.media.decoder_stalled(client.clock.instant(now_ns)?);
        Ok(PfStatus::Ok)
    })
}
