//! Who is at the other end of a connection.

use std::net::SocketAddr;

use punktfunk_proto::units::Fingerprint;

/// Who is at the other end of a connection. The server puts one into each request's extensions; headers such as
/// `X-Forwarded-For` are never asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Where the connection comes from.
    pub source: SocketAddr,
    /// The SHA-256 of the certificate whose key the peer proved to hold, if it showed one.
    pub certificate: Option<Fingerprint>,
}
