//! What can be launched.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An application that sessions can run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LibraryEntry {
    /// Names it, for good.
    pub id: String,
    /// For people.
    pub title: String,
    /// Name of its picture below `/api/v1/library/art/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub art: Option<String>,
}
