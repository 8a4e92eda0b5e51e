//! What was tried on this machine, and what came of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A candidate that was tried at start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Probe {
    /// Its name, as the configuration has it.
    pub name: String,
    /// Whether sessions use it.
    pub chosen: bool,
    /// Why it cannot be used; absent: it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// Displays and encoders, in the order they were tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Probes {
    /// What makes a session's display.
    pub displays: Vec<Probe>,
    /// What compresses its picture.
    pub encoders: Vec<Probe>,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// As it should be.
    Passed,
    /// It works, but not as it should.
    Warned,
    /// It does not work.
    Failed,
    /// It was not tried: what it needs failed, or is not configured.
    Skipped,
}

/// One check of the self test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// For programs and translations: `stream`, `display`, `encoder`, `disk`, `clock`, …
    pub id: String,
    /// What came of it.
    pub outcome: CheckOutcome,
    /// What was found, with figures.
    pub found: String,
    /// What to do about it; absent where there is nothing to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// A self test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DoctorReport {
    /// When it ended.
    pub unix: u64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// In the order they were made.
    pub checks: Vec<Check>,
}
