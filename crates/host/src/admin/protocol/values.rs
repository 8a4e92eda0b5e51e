//! What requests and answers are made of.

use std::fmt;

use punktfunk_proto::units::Fingerprint;
use serde::{Deserialize, Serialize};

use super::{
    super::text::{fingerprint, optional_fingerprint},
    AccessWord, SecretText,
};

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
    /// Whether somebody administers the host.
    pub administrator: AdministratorState,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<PinDigits>,
    /// What to scan or open on the client, in place of a PIN: `punktfunk://…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<SecretText>,
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
    /// The same in words: `full`, `controller-only`, `view-only`, or rights with `+` between them.
    pub access: AccessWord,
    /// How it became known.
    pub paired_by: PairedBy,
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

/// How a device became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairedBy {
    /// By the PIN ceremony, with a PIN or a link.
    Pin,
    /// By approval of a knock.
    Approval,
    /// By the configuration.
    Declared,
}

/// Whether somebody administers the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdministratorState {
    /// Nobody yet.
    Unclaimed,
    /// Somebody, with a password of their own.
    Claimed,
    /// Somebody, with the password that the configuration declares.
    Declared,
}

/// Who administers the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Administrator {
    /// Whether there is somebody.
    pub state: AdministratorState,
    /// What the first administrator has to type, while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_code: Option<SecretText>,
}

/// Whether the audit log is what was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum AuditVerdict {
    /// Every row is.
    Sound {
        /// The number of the oldest row kept.
        first: u64,
        /// The number of the newest.
        last: u64,
        /// The newest row's hash: kept elsewhere, it shows later whether the log still holds that row.
        hash: String,
    },
    /// It is not.
    Broken {
        /// The first row that is wrong.
        row: u64,
        /// What is wrong with it.
        fault: String,
    },
}

/// Who can read a backup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupKey {
    /// Whoever knows this.
    Passphrase(SecretText),
    /// Whoever holds the key of this age recipient: `age1…`.
    Recipient(String),
}

/// The host's identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostIdentity {
    /// The one that clients meet now.
    #[serde(with = "fingerprint")]
    pub fingerprint: Fingerprint,
    /// The one that is announced to them.
    #[serde(default, with = "optional_fingerprint")]
    pub successor: Option<Fingerprint>,
    /// The one that clients meet once the host was restarted.
    #[serde(default, with = "optional_fingerprint")]
    pub after_restart: Option<Fingerprint>,
}
