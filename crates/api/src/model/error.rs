//! Why a request was not carried out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::select::SelectError;

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct AdminError {
    /// For programs.
    pub code: AdminErrorCode,
    /// For people.
    pub message: String,
}

impl AdminError {
    /// A refusal.
    pub fn new(code: AdminErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl From<SelectError> for AdminError {
    fn from(error: SelectError) -> Self {
        let code = match error {
            SelectError::NoMatch => AdminErrorCode::NotFound,
            SelectError::Ambiguous => AdminErrorCode::Ambiguous,
        };
        Self::new(code, error.to_string())
    }
}

/// Why a request was not carried out, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdminErrorCode {
    /// Not a request: no JSON, an unknown kind, a field too many, an impossible value.
    BadRequest,
    /// A line longer than the protocol allows.
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
