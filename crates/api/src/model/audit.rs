//! The audit log.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Whether the audit log is what was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
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

/// Which rows of the audit log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Rows before this number; absent: the newest.
    pub before: Option<u64>,
    /// At most so many, 1 to 500.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
}

/// Rows of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditPage {
    /// The newest first: `number`, `hash`, `unix`, `origin` (`actor`, `source`), `what` (`event` and its fields).
    #[schema(value_type = Vec<Object>)]
    pub rows: Vec<serde_json::Value>,
}
