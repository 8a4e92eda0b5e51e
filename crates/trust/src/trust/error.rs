//! Why the façade refuses, and whose fault it is.

use crate::{identity::IdentityError, pin::PairRefusal, private::FileError, store::StoreError};

/// Why trust cannot be established at all. The host does not serve then.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The state directory cannot be used.
    #[error(transparent)]
    StateDir(#[from] FileError),
    /// The host's identity cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a finished ceremony did not pair the device.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// The client took too long, or the owner took the PIN back.
    #[error("the PIN was taken back or is too old: {0}")]
    Lapsed(PairRefusal),
    /// Our disk. The PIN is used up all the same.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an approval or denial did nothing.
#[derive(Debug, thiserror::Error)]
pub enum ApproveError {
    /// Nobody is listed under this id: expired, answered, or never there.
    #[error("no device waits under this id; it may have been answered or have expired. List the waiting devices again")]
    Unknown,
    /// It knocked from outside the private ranges.
    #[error(
        "this device knocked from the internet, so approval is not enough: \
         arm a PIN bound to its fingerprint and type that on the device"
    )]
    NeedsBoundPin,
    /// The configuration says what it may do.
    #[error("{DECLARED}")]
    Declared,
    /// Our disk. The device still waits.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a device could not be removed for good.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// The configuration lets it in.
    #[error("{DECLARED}")]
    Declared,
    /// Our disk.
    #[error("the device is shut out until the host restarts, but its removal is not stored: {0}")]
    NotStored(#[from] StoreError),
}

/// Why a device stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The configuration says what it is called and what it may do.
    #[error("{DECLARED}")]
    Declared,
    /// Our disk.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why the host's identity stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// There is nothing to promote.
    #[error(
        "no successor of the host's identity is prepared; prepare one and give the paired devices time to learn it"
    )]
    NoSuccessor,
    /// The successor's files.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Our disk.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why the audit log could not be written out.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Our store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Where it was to go.
    #[error("cannot write the audit log out: {0}; check that there is room")]
    Output(#[from] std::io::Error),
}

const DECLARED: &str =
    "this device is declared in the configuration: change or remove it under devices there and restart the host";
