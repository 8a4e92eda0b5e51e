//! The host's log: nothing secret ever gets into it.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// A fault of the host.
    Error,
    /// Possible but bad.
    Warn,
    /// What an operator wants to see.
    Info,
    /// What developers want to see.
    Debug,
    /// Everything.
    Trace,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// Counts lines since the host started.
    pub number: u64,
    /// When, in milliseconds since 1970.
    pub unix_ms: u64,
    /// How much it matters.
    pub level: LogLevel,
    /// The part of the program: `punktfunk_host::serve`.
    pub target: String,
    /// The message and its fields.
    pub text: String,
}

/// Which lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// This level and what matters more.
    pub level: Option<LogLevel>,
    /// Only lines that hold this text, in either case.
    #[param(max_length = 200)]
    pub contains: Option<String>,
    /// Lines after this number.
    pub after: Option<u64>,
    /// At most so many, the newest of them; 1 to 1000.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
}
