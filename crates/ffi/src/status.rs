//! How a call ended, and words for it.

use std::{
    any::Any,
    cell::RefCell,
    ffi::{CString, c_char},
    fmt::Display,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// How a call ended. Negative is the caller's to deal with.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PfStatus {
    /// Done.
    Ok = 0,
    /// There is nothing, now.
    Nothing = 1,
    /// What the network brought could not be used; the session goes on.
    Refused = 2,
    /// Null, a size that is too small, or a value out of its range.
    InvalidArgument = -1,
    /// An access unit larger than the session allows.
    TooLarge = -2,
    /// Access units come faster than datagrams are taken.
    Backlog = -3,
    /// The buffer cannot hold what may come. Nothing was done.
    BufferTooSmall = -4,
    /// Too few shards to restore the block.
    TooFewShards = -5,
    /// The peer broke the ceremony, or sent it malformed.
    PeerMisbehaved = -6,
    /// The PIN is wrong, or somebody is between the two sides: ask for a new one.
    WrongPin = -7,
    /// A bug on this side. Free the handle.
    Panicked = -8,
}

/// A status and the words for it.
pub(crate) struct Fault(pub(crate) PfStatus, pub(crate) String);

impl Fault {
    pub(crate) fn new(status: PfStatus, words: impl Display) -> Self {
        Self(status, words.to_string())
    }

    pub(crate) fn argument(words: impl Display) -> Self {
        Self::new(PfStatus::InvalidArgument, words)
    }
}

thread_local! {
    static LAST_ERROR: RefCell<CString> = RefCell::new(CString::default());
}

/// What went wrong in the last call on this thread that did not return [`PfStatus::Ok`] or [`PfStatus::Nothing`]. Never
/// null; good until the next such call.
#[unsafe(no_mangle)]
pub extern "C" fn pf_last_error() -> *const c_char {
    LAST_ERROR.with_borrow(|text| text.as_ptr())
}

/// Runs the body of an export: faults and panics become a status and words.
pub(crate) fn guard(body: impl FnOnce() -> Result<PfStatus, Fault>) -> PfStatus {
    // What a panic leaves half-done is only ever freed, as the status says.
    let outcome = catch_unwind(AssertUnwindSafe(body));
    let Fault(status, words) = match outcome {
        Ok(Ok(status)) => return status,
        Ok(Err(fault)) => fault,
        Err(panic) => Fault::new(PfStatus::Panicked, format!("a bug in libpunktfunk_core: {}", payload(&*panic))),
    };
    let words = CString::new(words.replace('\0', " ")).unwrap_or_default();
    LAST_ERROR.with_borrow_mut(|text| *text = words);
    status
}

fn payload(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words")
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::{Fault, PfStatus, guard, pf_last_error};

    fn words() -> String {
        // SAFETY: never null, and nothing is called before the text is copied.
        unsafe { CStr::from_ptr(pf_last_error()) }.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_panic_does_not_cross_the_border() {
        assert_eq!(guard(|| panic!("number {}", 7)), PfStatus::Panicked);
        assert_eq!(words(), "a bug in libpunktfunk_core: number 7");
    }

    #[test]
    fn a_fault_leaves_its_words_and_success_leaves_them_alone() {
        assert_eq!(guard(|| Err(Fault::argument("with a \0 in it"))), PfStatus::InvalidArgument);
        assert_eq!(guard(|| Ok(PfStatus::Ok)), PfStatus::Ok);
        assert_eq!(words(), "with a   in it");
    }
}
