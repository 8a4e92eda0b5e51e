//! How the host is and who it is.

use punktfunk_proto::units::Fingerprint;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    administrator::AdministratorState,
    pairing::PinWindowState,
    text::{fingerprint, optional_fingerprint},
};

/// How the host is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HostStatus {
    /// The host's program version.
    pub host_version: String,
    /// The name clients see.
    pub name: String,
    /// The id clients see in discovery.
    pub id: String,
    /// The SHA-256 of the host's certificate, to compare with what a client shows.
    #[serde(with = "fingerprint")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub fingerprint: Fingerprint,
    /// Where the control port listens: `0.0.0.0:9777`.
    pub listen: String,
    /// Where the console listens: `0.0.0.0:47990`; absent: it is off, or could not listen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console: Option<String>,
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

/// The host's identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HostIdentity {
    /// The one that clients meet now.
    #[serde(with = "fingerprint")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub fingerprint: Fingerprint,
    /// The one that is announced to them.
    #[serde(default, with = "optional_fingerprint")]
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{64}$")]
    pub successor: Option<Fingerprint>,
    /// The one that clients meet once the host was restarted.
    #[serde(default, with = "optional_fingerprint")]
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{64}$")]
    pub after_restart: Option<Fingerprint>,
}

/// What a paired device may know of the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HostInfo {
    /// The host's program version.
    pub host_version: String,
    /// The name clients see.
    pub name: String,
    /// The id clients see in discovery.
    pub id: String,
    /// The SHA-256 of the host's certificate.
    #[serde(with = "fingerprint")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub fingerprint: Fingerprint,
    /// UDP port of the control connection.
    pub port: u16,
    /// Sessions that run now.
    pub sessions: u32,
    /// The most there may be.
    pub max_sessions: u32,
}
