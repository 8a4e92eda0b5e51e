//! `libpunktfunk_core`: the protocol without I/O, for C and everything that speaks C.
//!
//! Control and media sessions of both sides, the pairing ceremony and the erasure code, over `punktfunk-proto`. The header is
//! `crates/ffi/include/punktfunk_core.h`; `docs/how-to/embed.md` shows a program. Rules that hold everywhere:
//!
//! - Nothing here opens a socket, reads a clock or starts a thread. Times are nanoseconds on any monotonic clock of the
//!   caller's, the same for all calls on one handle.
//! - A handle belongs to one thread at a time. Handles are freed by their `_free`; freeing null does nothing.
//! - A pointer handed out stays good until the next call on its handle. Pointers handed in are not kept.
//! - Every call that can fail returns a [`PfStatus`] and leaves words in [`pf_last_error`]. A panic on this side becomes
//!   [`PfStatus::Panicked`]; free the handle then.

mod client;
mod control;
mod fec;
mod host;
mod options;
mod pairing;
mod pointers;
mod status;

use std::ffi::{CStr, c_char};

pub use client::{
    PfClientMedia, PfEventKind, PfMediaEvent, PfUnit, pf_client_media_decoder_stalled, pf_client_media_free,
    pf_client_media_handle_datagram, pf_client_media_handle_timeout, pf_client_media_new, pf_client_media_poll_event,
    pf_client_media_poll_timeout, pf_client_media_poll_unit,
};
pub use control::{
    PfCommandKind, PfControlCommand, PfControlEvent, PfControlEventKind, PfTransmit, PfTransmitKind,
    client::{
        PfClientControl, PfHelloOptions, pf_client_control_command, pf_client_control_free,
        pf_client_control_handle_closed, pf_client_control_handle_datagram, pf_client_control_handle_stream,
        pf_client_control_handle_stream_end, pf_client_control_handle_timeout, pf_client_control_media_options,
        pf_client_control_new, pf_client_control_poll_event, pf_client_control_poll_timeout,
        pf_client_control_poll_transmit,
    },
    host::{
        PfAdmission, PfHostControl, pf_host_control_accept, pf_host_control_command, pf_host_control_free,
        pf_host_control_handle_closed, pf_host_control_handle_datagram, pf_host_control_handle_stream,
        pf_host_control_handle_stream_end, pf_host_control_handle_timeout, pf_host_control_new,
        pf_host_control_poll_event, pf_host_control_poll_timeout, pf_host_control_poll_transmit,
    },
};
pub use fec::{PfFec, pf_fec_encode, pf_fec_free, pf_fec_new, pf_fec_recovery_count, pf_fec_restore};
pub use host::{
    PF_BATCH_BYTES, PfBatch, PfHostMedia, PfUnitKind, pf_host_media_begin_unit, pf_host_media_finish_unit,
    pf_host_media_free, pf_host_media_new, pf_host_media_on_loss_report, pf_host_media_on_recovery_request,
    pf_host_media_poll_timeout, pf_host_media_poll_transmit, pf_host_media_push_slice, pf_host_media_set_bitrate,
    pf_host_media_set_fec_percent, pf_host_media_submit,
};
pub use options::{PfCipher, PfMediaOptions, pf_media_options_init};
pub use pairing::{
    PF_ENTROPY_BYTES, PF_FINGERPRINT_BYTES, PF_PAIRING_MESSAGE_BYTES, PfPairing, pf_pairing_client, pf_pairing_free,
    pf_pairing_handle, pf_pairing_host, pf_pairing_is_paired,
};
pub use status::{PfStatus, pf_last_error};

/// Counts incompatible changes of this interface.
pub const PF_ABI_VERSION: u32 = 1;

/// [`PF_ABI_VERSION`] of the library that was loaded: compare it with that of the header.
#[unsafe(no_mangle)]
pub extern "C" fn pf_abi_version() -> u32 {
    PF_ABI_VERSION
}

/// The version that Hello and Welcome carry.
#[unsafe(no_mangle)]
pub extern "C" fn pf_protocol_version() -> u32 {
    punktfunk_proto::wire::VERSION
}

/// The library's release as text, such as `0.1.0`. Never freed.
#[unsafe(no_mangle)]
pub extern "C" fn pf_version() -> *const c_char {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => c"",
    };
    VERSION.as_ptr()
}
