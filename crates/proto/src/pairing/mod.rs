//! The pairing ceremony: both sides prove to each other that they know the PIN, or the token of a QR code, bound to
//! the two certificates they see, and nobody in between learns anything to guess with (spec section 3).
//!
//! [`ClientCeremony`] and [`HostCeremony`] are the two sides. Neither keeps time or counts attempts: that is the
//! PIN window's business, in `punktfunk-trust`. [`JoinLink`] is what the QR code says.

mod client;
mod host;
mod join_link;
mod pin;
mod secret;
mod spake;
mod token;

pub use client::ClientCeremony;
pub use host::{HostCeremony, Outcome};
pub use join_link::{JoinAddress, JoinHost, JoinLink, JoinLinkError};
pub use pin::{Pin, PinSyntax};
pub use secret::{PairingSecret, SecretSyntax};
pub use spake::ENTROPY_LEN;
pub use token::{JoinToken, TokenSyntax};

/// Why a ceremony ended without a paired device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairingError {
    /// The peer sent bytes that are no key exchange. The PIN has not been tried.
    #[error("the peer's key exchange is malformed")]
    Malformed,
    /// The host does not know the PIN the client was given, or someone sits in between.
    #[error("the PIN is wrong, or somebody is between this device and the host: ask for a new PIN")]
    WrongPin,
    /// The host saw the client's proof and refused it.
    #[error("the host refused the pairing: ask for a new PIN")]
    Refused,
    /// A message came that has no place at this point, such as a second one of its kind.
    #[error("the peer sent a pairing message out of order")]
    OutOfOrder,
}
