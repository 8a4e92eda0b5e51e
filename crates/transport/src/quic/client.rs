//! The client's side of connecting.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::Arc,
    time::{Duration, Instant},
};

use punktfunk_proto::units::Fingerprint;
use quinn::{ClientConfig, ConnectionError, Endpoint, EndpointConfig, TokioRuntime};

use super::{
    link::Link,
    parameters::{self, IDLE_TIMEOUT},
    tls::{self, HostCertificate},
};
use crate::{ConnectError, TlsIdentity, TransportError};

/// Connects to hosts.
#[derive(Debug)]
pub struct Client;

/// How long an attempt waits for an answer before a fresh one is made (spec section 1.2).
const ATTEMPT: Duration = Duration::from_secs(3);

impl Client {
    /// Connects to the host at `addr`, in fresh attempts until `budget` is used up.
    ///
    /// Without an `identity` the client is anonymous. With a `pin` nobody but the holder of that certificate is
    /// talked to; without one any host is accepted and named in [`Link::peer_fingerprint`].
    ///
    /// # Errors
    /// See [`ConnectError`]. [`ConnectError::PinMismatch`] must never lead to "connect anyway".
    pub async fn connect(
        addr: SocketAddr,
        identity: Option<&TlsIdentity>,
        pin: Option<Fingerprint>,
        budget: Duration,
    ) -> Result<Link, ConnectError> {
        let host = HostCertificate::new(pin);
        let mut config = ClientConfig::new(Arc::new(tls::client(identity, host.clone())?));
        config.transport_config(parameters::transport(IDLE_TIMEOUT));
        let endpoint = endpoint_towards(addr)?;
        let started = Instant::now();
        while let Some(left) = budget.checked_sub(started.elapsed()).filter(|left| !left.is_zero()) {
            let connecting = endpoint
                .connect_with(config.clone(), addr, tls::SERVER_NAME)
                .map_err(|error| ConnectError::Handshake { addr, detail: error.to_string() })?;
            match tokio::time::timeout(left.min(ATTEMPT), connecting).await {
                Ok(Ok(connection)) => return Ok(Link::new(connection, endpoint)),
                Ok(Err(error)) => {
                    if let Some(error) = failure(addr, error, &host) {
                        return Err(error);
                    }
                }
                Err(_) => tracing::debug!(%addr, "no answer, asking afresh"),
            }
        }
        Err(ConnectError::NoAnswer { addr, budget })
    }
}

/// What a failed attempt means, or `None` when it means silence and a fresh attempt may do better.
fn failure(addr: SocketAddr, error: ConnectionError, host: &HostCertificate) -> Option<ConnectError> {
    if let Some((expected, presented)) = host.mismatch() {
        return Some(ConnectError::PinMismatch { expected, presented });
    }
    match error {
        ConnectionError::TimedOut | ConnectionError::Reset => None,
        ConnectionError::ApplicationClosed(close) => Some(ConnectError::Closed {
            code: u32::try_from(close.error_code.into_inner()).unwrap_or(u32::MAX),
            reason: String::from_utf8_lossy(&close.reason).into_owned(),
        }),
        error => Some(ConnectError::Handshake { addr, detail: error.to_string() }),
    }
}

/// A socket of the same address family as `addr`.
fn endpoint_towards(addr: SocketAddr) -> Result<Endpoint, TransportError> {
    let any: IpAddr = match addr.ip() {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let local = SocketAddr::new(any, 0);
    let socket = UdpSocket::bind(local).map_err(|error| TransportError::from_bind(local, error))?;
    Endpoint::new(EndpointConfig::default(), None, socket, Arc::new(TokioRuntime))
        .map_err(|error| TransportError::Socket(local, error))
}
