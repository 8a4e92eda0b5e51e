//! Sockets and clock for `punktfunk-proto`: nothing here decides, everything here moves bytes.
//!
//! Two planes that never meet: *control* ([`quic`], [`drive`]) is asynchronous and carries one QUIC connection per
//! peer; *media* ([`media`]) is one UDP socket per session on native threads. [`discovery`] tells the local network
//! that a host exists. Whether a peer is trusted is not decided here: a [`Link`] names the peer's fingerprint, and
//! what that is worth is `punktfunk-trust`'s business. Read [`Link`] first, then [`drive`].

mod driver;
mod error;
mod identity;

pub mod discovery;
pub mod media;
pub mod quic;

pub use driver::{Role, drive};
pub use error::{ConnectError, TransportError};
pub use identity::TlsIdentity;
pub use media::{MediaSocket, RecvBuffers};
pub use quic::{Client, Ended, Link, Loss, Server, ServerOptions, https, https_client, source_of};
