//! Who may connect: the host's identity, PIN windows, the approval queue, paired devices and what they may do.
//!
//! This crate is the security boundary of the product and fails closed: what cannot be read, parsed or stored
//! admits nobody. It opens no socket and starts no thread; time and randomness are parameters, the state
//! directory is the only thing outside it touches. Trust is decided by the SHA-256 of a client's leaf certificate
//! alone; that the client holds the certificate's key is the TLS layer's to prove.
//!
//! Read [`Trust`] first: it joins the parts, keeps memory behind the disk, and is what the host calls.

mod access;
mod admin;
mod approvals;
mod audit;
pub mod backup;
mod clock;
mod cooldown;
mod declared;
mod device;
mod identity;
mod level;
mod name;
mod pin;
mod places;
mod policy;
mod private;
mod source;
mod store;
mod trust;

pub use access::{Access, Grants, Offer};
pub use admin::{
    Action, AdminRefusal, Administrator, AdministratorState, CheckedPassword, ClaimCode, DeclaredPassword, NewPassword,
    Password, PasswordCheck, PasswordCost, PasswordHash, PasswordHashing, PasswordRefusal, SessionId, SessionToken,
    SetPasswordError,
};
pub use approvals::{ApprovalPath, ApprovalQueue, Knock, KnockId, KnockRefusal, ParkedEnd, ParkedId, Presence};
pub use audit::{
    Actor, AuditEvent, AuditFault, AuditHash, AuditHead, AuditRow, AuditText, AuditVerdict, HistoryFault, NoHash,
    Origin, PairedHow, Rights, Subject,
};
pub use clock::Moment;
pub use cooldown::Cooldown;
pub use declared::{DeclareError, DeclaredDevice};
pub use device::{Device, DeviceState, PairedBy, Standing};
pub use identity::{HostIdentity, IdentityError};
pub use level::{Level, UnknownAccess};
pub use name::DeviceName;
pub use pin::{Invitation, InvitedBy, InvitedDevice, PairRefusal, PinAttempt, PinWindow, SpentPin, WindowState};
pub use places::{Entered, PlaceId, Places};
pub use policy::{PairingPolicy, UnknownPolicy};
pub use private::FileError;
pub use source::{Source, is_private};
pub use store::StoreError;
pub use trust::{
    AccessEnd, Acting, ApproveError, ChangeError, Effective, ExportError, PairError, Refusal, RevokeError, RotateError,
    Trust, TrustError, TrustEvent, Verdict,
};
