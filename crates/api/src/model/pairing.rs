//! PIN windows, links and knocks.

use std::{fmt, net::IpAddr};

use punktfunk_proto::units::Fingerprint;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    access::{AccessWord, ExpiresIn},
    secret::SecretText,
    text::{fingerprint, optional_fingerprint},
};

/// An open PIN window, to those who did not open it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PinWindowState {
    /// Until it closes by itself, in seconds.
    pub seconds_left: u32,
    /// The only device it is good for.
    #[serde(default, with = "optional_fingerprint")]
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{64}$")]
    pub bound_to: Option<Fingerprint>,
}

/// A PIN window that was just opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PinWindowOpen {
    /// What to type into the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<PinDigits>,
    /// What to scan or open on the client, in place of a PIN: `punktfunk://…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<SecretText>,
    /// The link as a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qr: Option<QrCode>,
    /// Until it closes by itself, in seconds.
    pub seconds_left: u32,
    /// The only device it is good for.
    #[serde(default, with = "optional_fingerprint")]
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{64}$")]
    pub bound_to: Option<Fingerprint>,
}

/// Four decimal digits that `Debug` does not show.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

/// A Moonlight that shows a PIN and waits until it is typed here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MoonlightWaiting {
    /// The address it comes from: nothing else is known of it yet.
    pub address: String,
    /// Since it waits, in seconds.
    pub age_seconds: u64,
}

/// The Moonlights that wait for their PIN.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Moonlights {
    /// Whether the host speaks with Moonlight at all.
    pub enabled: bool,
    /// The longest waiting first.
    pub waiting: Vec<MoonlightWaiting>,
}

/// The PIN that a Moonlight shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoonlightPin {
    /// The four digits.
    pub pin: PinDigits,
    /// The address of the device that shows them; absent: the only one that waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub address: Option<IpAddr>,
    /// The name to keep it under; absent: one made of its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What it may do if it is new here; absent: everything a stream can carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessWord>,
    /// For how long; absent: until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<ExpiresIn>,
}

/// A device that asks to be admitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Knock {
    /// Names it in approving and denying.
    pub id: u64,
    /// The name the device gave itself: anybody can give any.
    pub name: String,
    /// The SHA-256 of its certificate.
    #[serde(with = "fingerprint")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub fingerprint: Fingerprint,
    /// The address it knocked from.
    pub source: String,
    /// Since it knocked, in seconds.
    pub age_seconds: u64,
    /// Whether its connection is still open and waits.
    pub waiting: bool,
}

/// A picture of a link, to be scanned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QrCode {
    /// Rows from the top, `1` is dark; all have as many characters as there are rows. Without the quiet zone of four
    /// modules around it.
    pub rows: Vec<String>,
}

/// How a device is invited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvitedBy {
    /// A person types four digits.
    #[default]
    Pin,
    /// The device scans or opens a link.
    Link,
}

/// A PIN window is to be opened, in place of one that is open.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArmRequest {
    /// With what.
    #[serde(default)]
    pub by: InvitedBy,
    /// The only device it is good for; absent: whoever types it.
    #[serde(default, with = "optional_fingerprint", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{64}$")]
    pub bound_to: Option<Fingerprint>,
    /// What a device gets that is new here; absent: everything a stream can carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessWord>,
    /// For how long; absent: until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<ExpiresIn>,
}

/// The devices that knocked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Pending {
    /// Newest last.
    pub knocks: Vec<Knock>,
    /// Knocks that were turned away because the list was full, since the host started.
    pub dropped: u64,
}

/// A device that knocked is to be admitted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveRequest {
    /// The name to keep it under, in place of the one it gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What it may do; absent: everything a stream can carry, or what it has if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessWord>,
    /// For how long; absent: until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<ExpiresIn>,
}
