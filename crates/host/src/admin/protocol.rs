//! What goes over the admin socket. Times are in seconds, rates in kbit/s; instants are Unix times in seconds.

use std::fmt;

use punktfunk_proto::units::Fingerprint;
use serde::{Deserialize, Serialize};

use super::{
    select::{FingerprintPrefix, KnockSelector, SelectError},
    text::{fingerprint, optional_fingerprint},
};

/// The version of this protocol. Host and `ctl` are one program, so a host answers exactly its own version.
pub const VERSION: u32 = 1;

/// The longest line of a request, in bytes with its newline.
pub const REQUEST_LIMIT: usize = 16 << 10;
/// The longest line of an answer, in bytes with its newline.
pub const RESPONSE_LIMIT: usize = 4 << 20;

/// One line: a version and what is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// [`VERSION`].
    pub version: u32,
    /// An [`AdminRequest`] or an [`AdminResponse`].
    pub body: T,
}

/// What can be asked of the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum AdminRequest {
    /// How the host is. Answered by [`AdminResponse::Status`].
    Status,
    /// Opens the PIN window, in place of one that is open. Answered by [`AdminResponse::Armed`].
    PairArm {
        /// The only device the PIN is good for; absent: whoever types it.
        #[serde(default, with = "optional_fingerprint", skip_serializing_if = "Option::is_none")]
        bound_to: Option<Fingerprint>,
    },
    /// Closes the PIN window. Answered by [`AdminResponse::Disarmed`].
    PairDisarm,
    /// The devices that knocked. Answered by [`AdminResponse::Pending`].
    Pending,
    /// Admits a device that knocked. Answered by [`AdminResponse::Approved`].
    Approve {
        /// Which.
        knock: KnockSelector,
        /// The name to keep it under, in place of the one it gave.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
    },
    /// Refuses a device that knocked. Answered by [`AdminResponse::Denied`].
    Deny {
        /// Which.
        knock: KnockSelector,
    },
    /// The paired devices. Answered by [`AdminResponse::Devices`].
    Devices,
    /// Gives a paired device another name. Answered by [`AdminResponse::Renamed`].
    RenameDevice {
        /// Which.
        device: FingerprintPrefix,
        /// The new name.
        name: String,
    },
    /// Unpairs a device and ends its sessions. Answered by [`AdminResponse::Revoked`].
    RevokeDevice {
        /// Which.
        device: FingerprintPrefix,
    },
    /// The running sessions. Answered by [`AdminResponse::Sessions`].
    Sessions,
    /// The sessions that ended last. Answered by [`AdminResponse::SessionHistory`].
    SessionHistory,
    /// Ends a session. Answered by [`AdminResponse::SessionStopped`].
    StopSession {
        /// Which.
        session: u64,
    },
}

/// What the host answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AdminResponse {
    /// To [`AdminRequest::Status`].
    Status(HostStatus),
    /// To [`AdminRequest::PairArm`].
    Armed(PinWindowOpen),
    /// To [`AdminRequest::PairDisarm`].
    Disarmed {
        /// Whether a window was open.
        was_armed: bool,
    },
    /// To [`AdminRequest::Pending`].
    Pending {
        /// Newest last.
        knocks: Vec<Knock>,
        /// Knocks that were turned away because the list was full, since the host started.
        dropped: u64,
    },
    /// To [`AdminRequest::Approve`].
    Approved {
        /// The device as it is stored now.
        device: Device,
        /// Whether its connection was still waiting and goes on now; else it has to connect again.
        admitted: bool,
    },
    /// To [`AdminRequest::Deny`].
    Denied {
        /// The knock that was refused.
        knock: Knock,
    },
    /// To [`AdminRequest::Devices`].
    Devices {
        /// In the order they were paired.
        devices: Vec<Device>,
    },
    /// To [`AdminRequest::RenameDevice`].
    Renamed {
        /// The device with its new name.
        device: Device,
    },
    /// To [`AdminRequest::RevokeDevice`].
    Revoked {
        /// The device as it was.
        device: Device,
        /// Its sessions that were ended.
        sessions_ended: u32,
    },
    /// To [`AdminRequest::Sessions`].
    Sessions {
        /// Oldest first.
        sessions: Vec<Session>,
    },
    /// To [`AdminRequest::SessionHistory`].
    SessionHistory {
        /// The one that ended last comes last.
        sessions: Vec<EndedSession>,
    },
    /// To [`AdminRequest::StopSession`].
    SessionStopped {
        /// The session as it was.
        session: Session,
    },
    /// The request was not carried out.
    Error(AdminError),
}

impl AdminResponse {
    /// A refusal.
    pub fn error(code: AdminErrorCode, message: impl Into<String>) -> Self {
        Self::Error(AdminError { code, message: message.into() })
    }
}

/// How the host is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostStatus {
    /// The host's program version.
    pub host_version: String,
    /// The name clients see.
    pub name: String,
    /// The id clients see in discovery.
    pub id: String,
    /// The SHA-256 of the host's certificate, to compare with what a client shows.
    #[serde(with = "fingerprint")]
    pub fingerprint: Fingerprint,
    /// Where the control port listens: `0.0.0.0:9777`.
    pub listen: String,
    /// `require` or `open`.
    pub pairing_policy: String,
    /// Whether discovery announces the host.
    pub mdns: bool,
    /// The chosen display backend.
    pub display: String,
    /// The chosen encoder.
    pub encoder: String,
    /// Since the host is ready, in seconds.
    pub uptime_seconds: u64,
    /// The open PIN window, if any, without its PIN.
    pub pin_window: Option<PinWindowState>,
    /// Knocks that wait for an answer.
    pub pending: u32,
    /// Paired devices.
    pub devices: u32,
    /// Running sessions.
    pub sessions: u32,
    /// The most sessions there may be.
    pub max_sessions: u32,
    /// What an operator ought to know: `pairing.policy is "open": …`.
    pub warnings: Vec<String>,
}

/// An open PIN window, to those who did not open it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PinWindowState {
    /// Until it closes by itself, in seconds.
    pub seconds_left: u32,
    /// The only device it is good for.
    #[serde(default, with = "optional_fingerprint")]
    pub bound_to: Option<Fingerprint>,
}

/// A PIN window that was just opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PinWindowOpen {
    /// What to type into the client.
    pub pin: PinDigits,
    /// Until it closes by itself, in seconds.
    pub seconds_left: u32,
    /// The only device it is good for.
    #[serde(default, with = "optional_fingerprint")]
    pub bound_to: Option<Fingerprint>,
}

/// Four decimal digits that `Debug` does not show.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct PinDigits(String);

impl PinDigits {
    /// The digits, to be shown to the operator and to nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PinDigits {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
        if fits { Ok(Self(text)) } else { Err("a PIN is four decimal digits") }
    }
}

impl fmt::Debug for PinDigits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinDigits(****)")
    }
}

/// A device that asks to be admitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Knock {
    /// Names it in [`AdminRequest::Approve`] and [`AdminRequest::Deny`].
    pub id: u64,
    /// The name the device gave itself: anybody can give any.
    pub name: String,
    /// The SHA-256 of its certificate.
    #[serde(with = "fingerprint")]
    pub fingerprint: Fingerprint,
    /// The address it knocked from.
    pub source: String,
    /// Since it knocked, in seconds.
    pub age_seconds: u64,
    /// Whether its connection is still open and waits.
    pub waiting: bool,
}

/// A paired device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// The SHA-256 of its certificate.
    #[serde(with = "fingerprint")]
    pub fingerprint: Fingerprint,
    /// What it may do, as grant bits (wire specification, section 2.5).
    pub grants: u32,
    /// When it was paired.
    pub paired_unix: u64,
    /// When it was last connected.
    pub last_seen_unix: Option<u64>,
    /// When its access ends; absent: never.
    pub expires_unix: Option<u64>,
    /// Whether it has a session now.
    pub connected: bool,
}

/// A running session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Names it in [`AdminRequest::StopSession`].
    pub id: u64,
    /// The device's name.
    pub device: String,
    /// The SHA-256 of its certificate; absent for an anonymous client of an open host.
    #[serde(default, with = "optional_fingerprint")]
    pub fingerprint: Option<Fingerprint>,
    /// The address it connected from.
    pub peer: String,
    /// Size and rate: `1280x720@60`.
    pub mode: String,
    /// The codec in use.
    pub codec: String,
    /// The video rate in force, in kbit/s.
    pub bitrate_kbps: u32,
    /// Since it began, in seconds.
    pub age_seconds: u64,
    /// Frames the display painted so far.
    pub frames_captured: u64,
    /// Of those, frames that a newer one replaced before the encoder was ready.
    pub frames_dropped: u64,
    /// Frames sent so far; a still picture is sent again now and then, so these may be more than were captured.
    pub frames_sent: u64,
    /// Parity sent along, in percent of the video.
    pub fec_percent: u8,
}

/// A session that is over. Its counters are final, `age_seconds` is how long it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndedSession {
    /// As it was at its end.
    #[serde(flatten)]
    pub session: Session,
    /// When it ended.
    pub ended_unix: u64,
    /// Why: `closed by the client (0x51)`.
    pub end: String,
}

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct AdminError {
    /// For programs.
    pub code: AdminErrorCode,
    /// For people.
    pub message: String,
}

impl From<SelectError> for AdminError {
    fn from(error: SelectError) -> Self {
        let code = match error {
            SelectError::NoMatch => AdminErrorCode::NotFound,
            SelectError::Ambiguous => AdminErrorCode::Ambiguous,
        };
        Self { code, message: error.to_string() }
    }
}

/// Why a request was not carried out, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminErrorCode {
    /// Not a request: no JSON, an unknown kind, a field too many, an impossible value.
    BadRequest,
    /// A line longer than [`REQUEST_LIMIT`].
    TooLarge,
    /// Another version of this protocol.
    UnsupportedVersion,
    /// Not root and not the host's user.
    Forbidden,
    /// Too many connections at once, or no answer in time.
    Busy,
    /// There is no such knock, device or session, perhaps no longer.
    NotFound,
    /// A prefix fits several.
    Ambiguous,
    /// It cannot be done as the host is configured or at this moment; the message says why.
    Refused,
    /// It could not be stored; nothing was changed.
    NotStored,
    /// A fault of the host.
    Internal,
}

#[cfg(test)]
mod tests {
    use punktfunk_proto::units::Fingerprint;

    use super::{AdminRequest, AdminResponse, Envelope, PinDigits, PinWindowOpen, VERSION};

    #[test]
    fn a_pin_is_sent_and_never_printed() {
        let pin: PinDigits = "0042".to_owned().try_into().unwrap();
        let armed = AdminResponse::Armed(PinWindowOpen { pin, seconds_left: 120, bound_to: None });
        assert!(!format!("{armed:?}").contains("0042"));
        let line = serde_json::to_string(&armed).unwrap();
        assert!(line.contains(r#""pin":"0042""#), "{line}");
        assert_eq!(serde_json::from_str::<AdminResponse>(&line).unwrap(), armed);
    }

    #[test]
    fn a_pin_of_other_than_four_digits_is_refused() {
        for wrong in ["", "123", "12345", "12a4", "１２３４"] {
            assert!(PinDigits::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn requests_look_as_documented() {
        let line = |body: AdminRequest| serde_json::to_string(&Envelope { version: VERSION, body }).unwrap();
        let bound_to = Some(Fingerprint::from_bytes([0xab; 32]));
        assert_eq!(line(AdminRequest::Status), r#"{"version":1,"body":{"kind":"status"}}"#);
        assert_eq!(
            line(AdminRequest::PairArm { bound_to }),
            format!(r#"{{"version":1,"body":{{"kind":"pair_arm","bound_to":"{}"}}}}"#, "ab".repeat(32))
        );
        assert_eq!(
            line(AdminRequest::Approve { knock: "7".parse().unwrap(), label: None }),
            r#"{"version":1,"body":{"kind":"approve","knock":{"id":7}}}"#
        );
    }

    #[test]
    fn unknown_fields_and_kinds_are_refused() {
        for wrong in [r#"{"kind":"reboot"}"#, r#"{"kind":"stop_session","session":1,"force":true}"#, "{}", "7"] {
            assert!(serde_json::from_str::<AdminRequest>(wrong).is_err(), "{wrong}");
        }
    }
}
