//! One established connection and who is at its other end.

use std::{
    net::{IpAddr, SocketAddr},
    sync::OnceLock,
    time::Duration,
};

use punktfunk_proto::units::Fingerprint;
use quinn::{Connection, ConnectionError, Endpoint, SendDatagramError, VarInt, rustls::pki_types::CertificateDer};

/// An established connection. Dropping it closes it with code 0.
#[derive(Debug)]
pub struct Link {
    /// Where the peer was when the handshake ended, IPv4 in its own notation. It may move (NAT rebinding).
    pub peer: SocketAddr,
    /// The certificate the peer proved to hold the key of, or `None` for an anonymous client.
    pub peer_fingerprint: Option<Fingerprint>,
    connection: Connection,
    endpoint: Endpoint,
    closed_by_us: OnceLock<(u32, String)>,
}

/// How a connection came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// This side closed it.
    Ours {
        /// QUIC application error code (spec section 2.6).
        code: u32,
        /// What the peer was told.
        reason: String,
    },
    /// The peer closed it.
    Peer {
        /// QUIC application error code (spec section 2.6).
        code: u32,
        /// The peer's words, whatever was not UTF-8 replaced.
        reason: String,
    },
    /// Nobody closed it.
    Lost(Loss),
}

/// Why a connection was lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// Nothing came from the peer for the idle timeout.
    #[error("the peer fell silent")]
    Silence,
    /// The peer does not know the connection: it was restarted.
    #[error("the peer was restarted")]
    Restarted,
    /// QUIC or TLS was violated by either side; also how a host refuses a client that cannot prove its key.
    #[error("{0}")]
    Protocol(String),
}

/// The longest reason the protocol has room for, in bytes (spec section 2.6).
const REASON_MAX: usize = 256;

impl Link {
    pub(super) fn new(connection: Connection, endpoint: Endpoint) -> Self {
        let remote = connection.remote_address();
        let peer = SocketAddr::new(remote.ip().to_canonical(), remote.port());
        let peer_fingerprint = fingerprint_of_peer(&connection);
        Self { peer, peer_fingerprint, connection, endpoint, closed_by_us: OnceLock::new() }
    }

    /// The local address the peer reached, where the kernel says so.
    pub fn local_ip(&self) -> Option<IpAddr> {
        self.connection.local_ip().map(|ip| ip.to_canonical())
    }

    /// The current estimate of the round-trip time.
    pub fn rtt(&self) -> Duration {
        self.connection.rtt()
    }

    /// Closes the connection at once; what was written but not yet sent is lost. `reason` is cut to 256 bytes.
    pub fn close(&self, code: u32, reason: &str) {
        let reason = &reason[..reason.floor_char_boundary(REASON_MAX)];
        if self.connection.close_reason().is_none() {
            // A second close says nothing to the peer, so the first one is what is remembered.
            self.closed_by_us.get_or_init(|| (code, reason.to_owned()));
        }
        self.connection.close(VarInt::from_u32(code), reason.as_bytes());
    }

    /// Waits for the end of the connection.
    pub async fn closed(&self) -> Ended {
        let error = self.connection.closed().await;
        self.ended(&error)
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Queues a QUIC datagram; older unsent ones give way (spec section 1.2). Never blocks.
    pub fn send_datagram(&self, datagram: Vec<u8>) {
        let bytes = datagram.len();
        match self.connection.send_datagram(datagram.into()) {
            // The end of the connection is reported once, by `closed`.
            Ok(()) | Err(SendDatagramError::ConnectionLost(_)) => {}
            Err(error) => tracing::debug!(%error, bytes, "datagram not sent"),
        }
    }

    /// Gives the close packet up to `patience` to leave. For the side whose endpoint is its own: a client.
    pub(crate) async fn drained(&self, patience: Duration) {
        let _ = tokio::time::timeout(patience, self.endpoint.wait_idle()).await;
    }

    fn ended(&self, error: &ConnectionError) -> Ended {
        match error {
            ConnectionError::ApplicationClosed(close) => {
                // Codes beyond 32 bits are nobody's; saturating keeps them unknown.
                let code = u32::try_from(close.error_code.into_inner()).unwrap_or(u32::MAX);
                Ended::Peer { code, reason: String::from_utf8_lossy(&close.reason).into_owned() }
            }
            ConnectionError::LocallyClosed => {
                let (code, reason) = self.closed_by_us.get().cloned().unwrap_or_default();
                Ended::Ours { code, reason }
            }
            ConnectionError::TimedOut => Ended::Lost(Loss::Silence),
            ConnectionError::Reset => Ended::Lost(Loss::Restarted),
            error => Ended::Lost(Loss::Protocol(error.to_string())),
        }
    }
}

fn fingerprint_of_peer(connection: &Connection) -> Option<Fingerprint> {
    let chain = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    chain.first().map(|leaf| Fingerprint::of_certificate(leaf))
}
