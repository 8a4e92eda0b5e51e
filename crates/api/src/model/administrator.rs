//! Who administers the host.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::secret::SecretText;

/// Whether somebody administers the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Administrator {
    /// Whether there is somebody.
    pub state: AdministratorState,
    /// What the first administrator has to type, while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_code: Option<SecretText>,
}

/// The first administrator claims the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimRequest {
    /// The code that the machine shows.
    pub code: SecretText,
    /// What the administrator will log in with.
    pub password: SecretText,
}

/// The administrator logs in, or proves the password again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The administrator's password.
    pub password: SecretText,
}

/// The administrator wants another password.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The new one.
    pub password: SecretText,
}

/// Who is logged in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Login {
    /// Whether the password was proven within the last 15 minutes; what is sensitive needs it again otherwise.
    pub password_fresh: bool,
}
