//! What is asked of the host and what it answers. Times are in seconds, rates in kbit/s, unless a name says otherwise;
//! instants are Unix times in seconds.

mod access;
mod administrator;
mod audit;
mod backup;
mod device;
mod doctor;
mod error;
mod event;
mod health;
mod host;
mod library;
mod logs;
mod pairing;
mod secret;
pub mod select;
mod session;
mod settings;
pub mod text;
mod update;

pub use access::{AccessWord, ExpiresIn, NoDuration};
pub use administrator::{Administrator, AdministratorState, ClaimRequest, Login, LoginRequest, PasswordChange};
pub use audit::{AuditPage, AuditQuery, AuditVerdict};
pub use backup::{BackupKey, BackupWritten, RestoreRequest, Restored};
pub use device::{Device, DeviceChange, DeviceStanding, PairedBy};
pub use doctor::{Check, CheckOutcome, DoctorReport, Probe, Probes};
pub use error::{AdminError, AdminErrorCode};
pub use event::{SessionSample, StageLatency};
pub use health::{Fault, FaultCode, Health, HealthState, Severity};
pub use host::{HostIdentity, HostInfo, HostStatus};
pub use library::LibraryEntry;
pub use logs::{LogLevel, LogLine, LogQuery};
pub use pairing::{
    ApproveRequest, ArmRequest, InvitedBy, Knock, MoonlightPin, MoonlightWaiting, Moonlights, Pending, PinDigits,
    PinWindowOpen, PinWindowState, QrCode,
};
pub use punktfunk_update::model::{
    GatePart, OfferedBy, OtherSlot, PackageChange, SlotStanding, UpdateOffer, UpdateOutcome, UpdateRefusal,
    UpdateRefusalCode, UpdateStatus, UpdateStep, UpdateWork,
};
pub use secret::SecretText;
pub use session::{EndedSession, Session};
pub use settings::{Setting, SettingChoice, SettingKind, SettingLock, SettingProblem, Settings, SettingsChange};
pub use update::{PiecePlace, UpdateChoice, UpdatePiece, UpdateSource};
