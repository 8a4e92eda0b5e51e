//! Whether the host can do what it is for, and what to do where it cannot.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AdministratorState;

/// How the host is. The one answer that everybody gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// The worst of what was found.
    pub state: HealthState,
    /// Whether somebody administers the host.
    pub administrator: AdministratorState,
    /// What is wrong, the worst first.
    pub faults: Vec<Fault>,
}

/// Whether devices can stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// Everything works.
    Ok,
    /// Devices can stream, but something is missing.
    Degraded,
    /// Devices cannot stream.
    Failed,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// For programs and translations.
    pub code: FaultCode,
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// How bad a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; everything works.
    Notice,
    /// Something is missing, or will be.
    Warning,
    /// Devices cannot stream.
    Error,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaultCode {
    /// No configured display backend works.
    NoDisplay,
    /// No configured encoder works.
    NoEncoder,
    /// No application is configured.
    NoApplication,
    /// No network interface but loopback has an address.
    NoNetwork,
    /// The control port cannot be listened on.
    PortUnavailable,
    /// The state directory's file system is nearly full.
    DiskFull,
    /// The state directory cannot be written.
    StateNotWritable,
    /// The clock is wrong, so that names of days and ends of access are.
    ClockWrong,
    /// There is no graphics card that could encode.
    NoGpu,
    /// Gamepads need `/dev/uinput`, and it cannot be opened.
    NoUinput,
    /// Sessions are silent.
    NoSound,
    /// Whoever reaches the host can use it.
    PairingOpen,
    /// The last update of the system did not stream and was taken back.
    UpdateTakenBack,
}
