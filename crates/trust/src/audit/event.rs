//! What the audit log knows how to say.

use std::net::IpAddr;

use punktfunk_proto::units::Fingerprint;
use serde::{Deserialize, Serialize};

use super::{
    chain::{AuditHead, HistoryFault},
    text::{AuditText, by_text, by_text_or_null},
};
use crate::access::{Access, Grants, NANOS};

/// Who acted, and from where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Who.
    pub actor: Actor,
    /// The address it came from, if it came over a network.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<IpAddr>,
}

impl Origin {
    /// The host by itself: a timer, a start, a limit.
    pub const HOST: Self = Self { actor: Actor::Host, source: None };

    /// Nobody this release can name.
    pub(crate) const UNREADABLE: Self = Self { actor: Actor::Unreadable, source: None };

    /// The configuration, read at start.
    pub const CONFIGURATION: Self = Self { actor: Actor::Configuration, source: None };

    /// The user `uid` of this machine, over the admin socket.
    pub const fn ctl(uid: u32) -> Self {
        Self { actor: Actor::Ctl { uid }, source: None }
    }

    /// A device, over the network.
    pub const fn device(fingerprint: Fingerprint, source: IpAddr) -> Self {
        Self { actor: Actor::Device { fingerprint }, source: Some(source) }
    }

    /// A session of the web console.
    pub fn console(session: impl AsRef<str>, source: IpAddr) -> Self {
        Self { actor: Actor::Console { session: session.into() }, source: Some(source) }
    }
}

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Actor {
    /// The host by itself.
    Host,
    /// The configuration, as it was read at start.
    Configuration,
    /// A user of this machine over the admin socket.
    Ctl {
        /// Whose the calling process was.
        uid: u32,
    },
    /// A session of the web console, by a name that is no secret.
    Console {
        /// Which.
        session: AuditText,
    },
    /// A holder of an API token.
    Token {
        /// The token's name, never the token.
        name: AuditText,
    },
    /// A device that proved to hold its key.
    Device {
        /// Which.
        #[serde(with = "by_text")]
        fingerprint: Fingerprint,
    },
    /// Somebody on the network who proved nothing.
    Stranger,
    /// Written by a different release.
    Unreadable,
}

/// A device as an event names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Who it is.
    #[serde(with = "by_text")]
    pub fingerprint: Fingerprint,
    /// What it was called then.
    pub name: AuditText,
}

/// Rights as an event names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// The rights.
    #[serde(with = "by_text")]
    pub grants: Grants,
    /// When they end, seconds since 1970; absent is never.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_unix: Option<u64>,
}

impl From<Access> for Rights {
    fn from(access: Access) -> Self {
        Self { grants: access.grants, expires_unix: access.expires.map(|time| time.nanos() / NANOS) }
    }
}

/// One thing that happened. The trust store writes its own changes, each together with the change; the host reports
/// the rest through [`crate::Trust::record`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AuditEvent {
    /// The log begins.
    LogBegan {
        /// The identity of the host.
        #[serde(with = "by_text")]
        host: Fingerprint,
    },
    /// Old rows were removed to bound the log.
    Pruned {
        /// The last of them.
        through: AuditHead,
    },
    /// At start the log was not what was last written. Rows before this one may be missing or forged.
    HistoryBroken {
        /// What was found.
        fault: HistoryFault,
    },
    /// The state directory was made from a backup.
    Restored {
        /// When the backup was written, seconds since 1970.
        written_unix: u64,
        /// The last row of the log when it was.
        head: AuditHead,
    },
    /// A backup was written.
    BackupWritten {
        /// The age recipient; absent is a passphrase.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        recipient: Option<AuditText>,
    },
    /// A PIN was armed.
    PinArmed {
        /// For whom; absent is anyone.
        #[serde(with = "by_text_or_null", skip_serializing_if = "Option::is_none", default)]
        device: Option<Fingerprint>,
        /// What a new device gets.
        #[serde(with = "by_text")]
        grants: Grants,
        /// For how long, in seconds; absent is without end.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        lifetime_seconds: Option<u64>,
    },
    /// The PIN was taken back.
    PinWithdrawn,
    /// A device used a PIN up. If it was right, `Paired` follows.
    PinGuessed {
        /// Which.
        #[serde(with = "by_text")]
        device: Fingerprint,
    },
    /// A device was paired, or paired again.
    Paired {
        /// Which.
        device: Subject,
        /// How.
        by: PairedHow,
        /// What it may do now.
        access: Rights,
    },
    /// A knock was turned away.
    Denied {
        /// Whose.
        device: Subject,
    },
    /// A device was removed.
    Revoked {
        /// Which.
        device: Subject,
    },
    /// A device was forgotten.
    Forgotten {
        /// Which.
        device: Subject,
    },
    /// The time of a device ran out.
    Expired {
        /// Which.
        device: Subject,
    },
    /// The owner changed what a device may do.
    AccessChanged {
        /// Which.
        device: Subject,
        /// What it could do.
        before: Rights,
        /// What it can do now.
        after: Rights,
    },
    /// The owner calls a device something else.
    Renamed {
        /// Which, by its earlier name.
        device: Subject,
        /// Its name now.
        name: AuditText,
    },
    /// The configuration declares a device, or declares it differently.
    Declared {
        /// Which.
        device: Subject,
        /// What it may do.
        access: Rights,
    },
    /// The configuration no longer declares a device.
    Undeclared {
        /// Which.
        device: Subject,
    },
    /// A successor of the host's identity was made.
    SuccessorPrepared {
        /// Its fingerprint.
        #[serde(with = "by_text")]
        successor: Fingerprint,
    },
    /// The successor was given up.
    SuccessorWithdrawn {
        /// Its fingerprint.
        #[serde(with = "by_text")]
        successor: Fingerprint,
    },
    /// The successor became the host's identity.
    IdentityRotated {
        /// The identity before.
        #[serde(with = "by_text")]
        from: Fingerprint,
        /// The identity now.
        #[serde(with = "by_text")]
        to: Fingerprint,
    },
    /// The host started.
    HostStarted {
        /// Its version.
        version: AuditText,
    },
    /// The host stopped in order.
    HostStopped,
    /// The configuration differs from that of the last start, or was changed while running.
    ConfigurationChanged {
        /// What, in the words of the file; no secrets.
        what: AuditText,
    },
    /// An update of the system was accepted: it is put into the slot that does not run.
    UpdateAccepted {
        /// Its version.
        version: AuditText,
    },
    /// The machine is started anew, with an update of the system if one is staged.
    UpdateStarted {
        /// Its version.
        version: AuditText,
    },
    /// A session began.
    SessionStarted {
        /// Its number.
        session: u64,
        /// Whose; absent is an anonymous client of an open host.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        device: Option<Subject>,
    },
    /// A session ended.
    SessionEnded {
        /// Its number.
        session: u64,
        /// Why.
        reason: AuditText,
    },
    /// The host was claimed: it has an administrator now.
    Claimed,
    /// The administrator's password was set.
    PasswordChanged,
    /// The owner, at the machine, removed the administrator's password: the host waits for a claim again.
    Unclaimed,
    /// The administrator logged in.
    LoggedIn,
    /// Somebody failed to log in.
    LoginFailed {
        /// How often since the last such row.
        attempts: u64,
    },
    /// The administrator logged out.
    LoggedOut,
    /// A row that a different release wrote.
    Unreadable {
        /// As it is stored.
        written: String,
    },
}

/// How a device was paired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum PairedHow {
    /// By the PIN ceremony.
    Pin {
        /// Who armed the PIN.
        armed_by: Origin,
    },
    /// By approval of a knock.
    Approval {
        /// Where it knocked from.
        from: IpAddr,
    },
}
