//! What goes over the admin socket. Times are in seconds, rates in kbit/s; instants are Unix times in seconds.

use std::collections::BTreeMap;

use punktfunk_proto::units::Fingerprint;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    select::{FingerprintPrefix, KnockSelector},
    text::{fingerprint, optional_fingerprint},
};

pub use punktfunk_api::model::{
    AccessWord, AdminError, AdminErrorCode, Administrator, AdministratorState, ApproveRequest, ArmRequest, AuditPage,
    AuditQuery, AuditVerdict, BackupKey, BackupWritten, Check, CheckOutcome, Device, DeviceChange, DoctorReport,
    EndedSession, ExpiresIn, HostIdentity, HostStatus, InvitedBy, Knock, MoonlightPin, MoonlightWaiting, Moonlights,
    NoDuration, PairedBy, Pending, PinDigits, PinWindowOpen, PinWindowState, QrCode, RestoreRequest, Restored,
    SecretText, Session, Setting, SettingKind, SettingLock, Settings,
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
        /// Make a link with a one-time token, for a device that scans it, in place of a PIN for a person that types it.
        #[serde(default)]
        join: bool,
        /// What a device gets that is new here; absent: everything a stream can carry.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        access: Option<AccessWord>,
        /// For how long; absent: until it is revoked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires: Option<ExpiresIn>,
    },
    /// Closes the PIN window. Answered by [`AdminResponse::Disarmed`].
    PairDisarm,
    /// The Moonlights that wait for their PIN. Answered by [`AdminResponse::Moonlights`].
    Moonlights,
    /// Types the PIN that a Moonlight shows; takes some seconds. Answered by [`AdminResponse::MoonlightPaired`].
    TypeMoonlightPin(MoonlightPin),
    /// The devices that knocked. Answered by [`AdminResponse::Pending`].
    Pending,
    /// Admits a device that knocked. Answered by [`AdminResponse::Approved`].
    Approve {
        /// Which.
        knock: KnockSelector,
        /// The name to keep it under, in place of the one it gave.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
        /// What it may do; absent: everything a stream can carry, or what it has if it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        access: Option<AccessWord>,
        /// For how long; absent: until it is revoked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires: Option<ExpiresIn>,
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
    /// Unpairs a device and forgets that it ever was: unlike a revoked one it may ask again. Answered by
    /// [`AdminResponse::Forgotten`].
    ForgetDevice {
        /// Which; revoked ones, too.
        device: FingerprintPrefix,
    },
    /// Changes what a device may do, for how long, or both; live sessions follow. Answered by
    /// [`AdminResponse::AccessSet`].
    SetAccess {
        /// Which.
        device: FingerprintPrefix,
        /// What it may do; absent: what it may now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        access: Option<AccessWord>,
        /// For how long from now; absent: as long as now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires: Option<ExpiresIn>,
    },
    /// Who administers the host, and the claim code while nobody does. Answered by [`AdminResponse::Administrator`].
    Administrator,
    /// Makes `password` the administrator's where there is none yet. Answered by [`AdminResponse::Administrator`].
    Claim {
        /// What the administrator will log in with.
        password: SecretText,
    },
    /// Removes the administrator's password and ends every login; the host waits for a claim again. Answered by
    /// [`AdminResponse::Administrator`].
    Unclaim,
    /// A page of the audit log. Answered by [`AdminResponse::AuditRows`].
    Audit {
        /// Rows after this number.
        after: u64,
        /// At most so many rows.
        limit: u32,
    },
    /// Looks at every row of the audit log. Answered by [`AdminResponse::AuditVerified`].
    AuditVerify,
    /// An encrypted backup. Answered by [`AdminResponse::Backup`].
    Backup {
        /// Who can read it.
        key: BackupKey,
    },
    /// The host's identity and the one that follows. Answered by [`AdminResponse::Identity`], as are the next three.
    Identity,
    /// Makes the identity that is to follow, and tells it to paired clients as they connect.
    PrepareIdentity,
    /// Gives that identity up.
    WithdrawIdentity,
    /// Changes to that identity.
    PromoteIdentity,
    /// The running sessions. Answered by [`AdminResponse::Sessions`].
    Sessions,
    /// The sessions that ended last. Answered by [`AdminResponse::SessionHistory`].
    SessionHistory,
    /// Ends a session. Answered by [`AdminResponse::SessionStopped`].
    StopSession {
        /// Which.
        session: u64,
    },
    /// Lets a device in once, within a minute, that is not paired and sees the test picture: for the health check. Answered
    /// by [`AdminResponse::ProbeExpected`].
    ExpectProbe {
        /// Which.
        #[serde(with = "fingerprint")]
        fingerprint: Fingerprint,
    },
    /// The host tests itself; takes some seconds. Answered by [`AdminResponse::Doctor`].
    Doctor,
    /// Every key of the configuration. Answered by [`AdminResponse::Settings`].
    Settings,
    /// Stores values for keys that the configuration file does not set. Answered by [`AdminResponse::Settings`].
    ChangeSettings {
        /// By key; null takes a stored value away.
        changes: BTreeMap<String, Value>,
    },
    /// Ends all sessions and starts the host anew. Answered by [`AdminResponse::Restarting`].
    Restart,
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
    /// To [`AdminRequest::Moonlights`].
    Moonlights(Moonlights),
    /// To [`AdminRequest::TypeMoonlightPin`].
    MoonlightPaired {
        /// The device as it is stored now.
        device: Device,
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
    /// To [`AdminRequest::ForgetDevice`].
    Forgotten {
        /// The device as it was.
        device: Device,
    },
    /// To [`AdminRequest::SetAccess`].
    AccessSet {
        /// The device as it is stored now.
        device: Device,
    },
    /// To [`AdminRequest::Administrator`], [`AdminRequest::Claim`] and [`AdminRequest::Unclaim`].
    Administrator(Administrator),
    /// To [`AdminRequest::Audit`].
    AuditRows {
        /// The oldest first: number, hash, unix, origin, what.
        rows: Vec<Value>,
    },
    /// To [`AdminRequest::AuditVerify`].
    AuditVerified(AuditVerdict),
    /// To [`AdminRequest::Backup`].
    Backup {
        /// The file, in base64.
        file: String,
        /// How many devices it holds.
        devices: u32,
    },
    /// To [`AdminRequest::Identity`] and those that change it.
    Identity(HostIdentity),
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
    /// To [`AdminRequest::ExpectProbe`].
    ProbeExpected,
    /// To [`AdminRequest::Doctor`].
    Doctor(DoctorReport),
    /// To [`AdminRequest::Settings`] and [`AdminRequest::ChangeSettings`].
    Settings(Settings),
    /// To [`AdminRequest::Restart`].
    Restarting,
    /// The request was not carried out.
    Error(AdminError),
}

impl AdminResponse {
    /// A refusal.
    pub fn error(code: AdminErrorCode, message: impl Into<String>) -> Self {
        Self::Error(AdminError { code, message: message.into() })
    }
}

#[cfg(test)]
mod tests {
    use punktfunk_proto::units::Fingerprint;

    use super::{AdminRequest, AdminResponse, Envelope, PinDigits, PinWindowOpen, VERSION};

    #[test]
    fn a_pin_is_sent_and_never_printed() {
        let pin: PinDigits = "0042".to_owned().try_into().unwrap();
        let armed = AdminResponse::Armed(PinWindowOpen {
            pin: Some(pin),
            link: None,
            qr: None,
            seconds_left: 120,
            bound_to: None,
        });
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
            line(AdminRequest::PairArm { bound_to, join: false, access: None, expires: "2h".parse().ok() }),
            format!(
                r#"{{"version":1,"body":{{"kind":"pair_arm","bound_to":"{}","join":false,"expires":"7200s"}}}}"#,
                "ab".repeat(32)
            )
        );
        assert_eq!(
            line(AdminRequest::Approve { knock: "7".parse().unwrap(), label: None, access: None, expires: None }),
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
