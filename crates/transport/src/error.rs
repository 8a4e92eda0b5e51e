//! What can go wrong before there is a [`Link`](crate::Link). The texts are shown to users as they stand.

use std::{io, net::SocketAddr, time::Duration};

use punktfunk_proto::units::Fingerprint;

/// Why an endpoint of ours could not be made. The fault is on this machine.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// Another program, or a second host, holds the port.
    #[error(
        "UDP port {port} on {ip} is already in use. Stop the other program (`ss -ulpn 'sport = :{port}'` names it) \
         or choose another port",
        ip = .0.ip(), port = .0.port()
    )]
    PortInUse(SocketAddr),
    /// The address belongs to no interface of this machine.
    #[error("{0} is not an address of this machine. Bind 0.0.0.0 to listen on every interface")]
    NoSuchAddress(std::net::IpAddr),
    /// Not allowed, usually a port below 1024.
    #[error("not allowed to bind {0}. Ports below 1024 need privileges; choose a higher one")]
    NotAllowed(SocketAddr),
    /// Certificate and key cannot be used.
    #[error("the certificate or its key cannot be used: {0}")]
    Identity(rustls::Error),
    /// TLS or QUIC could not be set up with parameters of our own. A bug on our side.
    #[error("the QUIC endpoint could not be set up: {0}")]
    Setup(String),
    /// The socket failed otherwise.
    #[error("UDP socket for {0}: {1}")]
    Socket(SocketAddr, io::Error),
}

impl TransportError {
    pub(crate) fn from_bind(addr: SocketAddr, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::PortInUse(addr),
            io::ErrorKind::AddrNotAvailable => Self::NoSuchAddress(addr.ip()),
            io::ErrorKind::PermissionDenied => Self::NotAllowed(addr),
            _ => Self::Socket(addr, error),
        }
    }
}

/// Why a connection to a host did not come about.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing answered within the budget.
    #[error(
        "no answer from {addr} within {} s. Is the host running, and does its firewall let UDP port {} in?",
        .budget.as_secs_f32().ceil(), .addr.port()
    )]
    NoAnswer {
        /// Who was called.
        addr: SocketAddr,
        /// For how long.
        budget: Duration,
    },
    /// Somebody with another certificate answered: a replaced host key, or an impostor. Never to be waved through.
    #[error("the host at this address shows the certificate {presented}, but {expected} is pinned. Pair again by PIN")]
    PinMismatch {
        /// What was pinned.
        expected: Fingerprint,
        /// What the peer showed.
        presented: Fingerprint,
    },
    /// The host closed the connection with an application code (spec section 2.6) before it was up.
    #[error("the host closed the connection (0x{code:02x}): {reason}")]
    Closed {
        /// QUIC application error code.
        code: u32,
        /// The host's words.
        reason: String,
    },
    /// Something answered, but not as a punktfunk host does: no `pkf1`, a failed handshake, another QUIC version.
    #[error("{addr} did not complete the handshake of a punktfunk host: {detail}")]
    Handshake {
        /// Who was called.
        addr: SocketAddr,
        /// What the handshake says.
        detail: String,
    },
    /// Our own endpoint could not be made.
    #[error(transparent)]
    Local(#[from] TransportError),
}
