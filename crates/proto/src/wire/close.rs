//! Why a connection was closed (spec section 2.6).

use super::bytes::cut;

/// QUIC application error codes that end a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum CloseCode {
    /// Normal end; before a stream was opened, a reachability check.
    Ended = 0x00,
    /// The host failed; from a pairing client, the ceremony failed.
    Failed = 0x01,
    /// The host has no room for another session.
    Busy = 0x42,
    /// The user quit the client.
    UserQuit = 0x51,
    /// The launched application exited.
    ApplicationExited = 0x52,
    /// Nobody armed pairing, or its PIN is used up.
    PairingNotArmed = 0x60,
    /// Pairing is armed for another device.
    PairingOtherDevice = 0x61,
    /// Pairing attempts came too fast.
    PairingTooFast = 0x62,
    /// The client showed no certificate.
    IdentityRequired = 0x63,
    /// The owner denied the request.
    AccessDenied = 0x64,
    /// Nobody answered the request in time.
    AccessTimedOut = 0x65,
    /// A newer request from the same device took this one's place.
    Superseded = 0x66,
    /// Hello named another protocol version.
    VersionMismatch = 0x67,
    /// The session could not be set up; the reason is text for the user.
    SetupFailed = 0x68,
    /// The device's access has expired.
    AccessExpired = 0x69,
    /// The device may not start applications.
    LaunchNotPermitted = 0x6A,
}

impl CloseCode {
    const ALL: [Self; 16] = [
        Self::Ended,
        Self::Failed,
        Self::Busy,
        Self::UserQuit,
        Self::ApplicationExited,
        Self::PairingNotArmed,
        Self::PairingOtherDevice,
        Self::PairingTooFast,
        Self::IdentityRequired,
        Self::AccessDenied,
        Self::AccessTimedOut,
        Self::Superseded,
        Self::VersionMismatch,
        Self::SetupFailed,
        Self::AccessExpired,
        Self::LaunchNotPermitted,
    ];

    /// The number on the wire.
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// What happened and what to do, in one sentence for the client's user.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Ended => "The session ended.",
            Self::Failed => "The host ended the session because of an error; its log says which.",
            Self::Busy => "The host is busy with other sessions; try again when one has ended.",
            Self::UserQuit => "The user quit the session.",
            Self::ApplicationExited => "The application on the host exited.",
            Self::PairingNotArmed => "Pairing is not open on the host; ask its owner for a new PIN.",
            Self::PairingOtherDevice => "The PIN is meant for another device; ask the host's owner for one for this.",
            Self::PairingTooFast => "Pairing was tried too quickly; wait a few seconds and try again.",
            Self::IdentityRequired => "The host admits only devices with an identity; pair this one first.",
            Self::AccessDenied => "The host's owner denied the request.",
            Self::AccessTimedOut => "Nobody answered the request on the host; ask its owner and try again.",
            Self::Superseded => "A newer request from this device took the place of this one.",
            Self::VersionMismatch => "Host and client speak different versions; update the older one.",
            Self::SetupFailed => "The host could not set the session up.",
            Self::AccessExpired => "This device's access has expired; ask the host's owner to renew it.",
            Self::LaunchNotPermitted => "This device may not start applications on the host.",
        }
    }
}

/// A close code that this version does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown close code {0:#x}")]
pub struct UnknownCloseCode(pub u32);

impl TryFrom<u32> for CloseCode {
    type Error = UnknownCloseCode;

    fn try_from(code: u32) -> Result<Self, UnknownCloseCode> {
        Self::ALL.into_iter().find(|known| known.code() == code).ok_or(UnknownCloseCode(code))
    }
}

/// Resets a clipboard fetch **stream** that is cancelled. Not a connection's code.
pub const CLIPBOARD_FETCH_CANCELLED: u32 = 0x70;

/// `reason` cut to the 256 bytes a close may carry, at a character boundary (spec section 2.6).
pub fn cut_reason(reason: &str) -> &str {
    cut(reason, 256)
}

#[cfg(test)]
mod tests {
    use super::{CloseCode, UnknownCloseCode, cut_reason};

    #[test]
    fn every_code_is_found_by_its_number_and_gives_advice() {
        for code in CloseCode::ALL {
            assert_eq!(CloseCode::try_from(code.code()), Ok(code));
            assert!(code.advice().ends_with('.'));
        }
        assert_eq!(CloseCode::try_from(0x70), Err(UnknownCloseCode(0x70)));
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        assert_eq!(cut_reason(&"ü".repeat(200)).len(), 256);
        assert_eq!(cut_reason(&format!("x{}", "ü".repeat(200))).len(), 255);
        assert_eq!(cut_reason("short"), "short");
    }
}
