//! Pointers from C into references, and times into instants.

use std::{
    slice,
    time::{Duration, Instant},
};

use crate::status::Fault;

/// # Safety
/// Not null means: points to a `T` that nobody else uses during `'a`.
pub(crate) unsafe fn handle<'a, T>(pointer: *mut T) -> Result<&'a mut T, Fault> {
    // SAFETY: the caller's promise is ours.
    unsafe { pointer.as_mut() }.ok_or_else(|| Fault::argument("a handle or result pointer is null"))
}

/// # Safety
/// `length` is 0, or `pointer` is null or points to so many values that nobody writes during `'a`.
pub(crate) unsafe fn slice<'a, T>(pointer: *const T, length: usize) -> Result<&'a [T], Fault> {
    match (pointer.is_null(), length) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(Fault::argument("a buffer is null and its length is not 0")),
        // SAFETY: the caller's promise is ours.
        (false, _) => Ok(unsafe { slice::from_raw_parts(pointer, length) }),
    }
}

/// # Safety
/// As [`slice`], and nobody else uses the values during `'a`.
pub(crate) unsafe fn slice_mut<'a, T>(pointer: *mut T, length: usize) -> Result<&'a mut [T], Fault> {
    match (pointer.is_null(), length) {
        (_, 0) => Ok(&mut []),
        (true, _) => Err(Fault::argument("a buffer is null and its length is not 0")),
        // SAFETY: the caller's promise is ours.
        (false, _) => Ok(unsafe { slice::from_raw_parts_mut(pointer, length) }),
    }
}

/// Frees what [`Box::into_raw`] gave out.
///
/// # Safety
/// `pointer` is null or came from [`Box::into_raw`] and is used by nobody any more.
pub(crate) unsafe fn free<T>(pointer: *mut T) {
    if !pointer.is_null() {
        // SAFETY: the caller's promise is ours.
        drop(unsafe { Box::from_raw(pointer) });
    }
}

/// The caller's clock: nanoseconds since any moment, as instants after an origin of ours.
#[derive(Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn instant(self, nanos: u64) -> Result<Instant, Fault> {
        self.0.checked_add(Duration::from_nanos(nanos)).ok_or_else(|| Fault::argument("a time beyond all clocks"))
    }

    pub(crate) fn nanos(self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.0).as_nanos()).unwrap_or(u64::MAX)
    }
}
