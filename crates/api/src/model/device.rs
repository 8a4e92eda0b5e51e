//! Paired devices.

use punktfunk_proto::units::Fingerprint;
use punktfunk_trust::Grants;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    access::{AccessWord, ExpiresIn},
    text::fingerprint,
};

/// A paired device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// The SHA-256 of its certificate.
    #[serde(with = "fingerprint")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
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

/// How a device became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PairedBy {
    /// By the PIN ceremony, with a PIN or a link.
    Pin,
    /// By approval of a knock.
    Approval,
    /// By the configuration.
    Declared,
}

/// What is to change about a device; what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceChange {
    /// Its new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it may do from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessWord>,
    /// For how long from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<ExpiresIn>,
}

/// A paired device that shows its certificate. Not sent over the network.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceStanding {
    /// Who it is.
    pub fingerprint: Fingerprint,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub grants: Grants,
}
