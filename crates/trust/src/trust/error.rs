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
    /// Our disk. The device still waits.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a device could not be removed for good.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// Our disk.
    #[error("the device is shut out until the host restarts, but its removal is not stored: {0}")]
    NotStored(#[from] StoreError),
}
