//! The host's endpoint.

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::Arc,
    time::{Duration, Instant},
};

use quinn::{Endpoint, EndpointConfig, Incoming, ServerConfig, TokioRuntime, VarInt};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    sync::{Mutex, mpsc},
    task::{AbortHandle, JoinError, JoinSet},
    time::MissedTickBehavior,
};

pub use super::gate::HandshakeLimits;
use super::{
    gate::{Decision, Gate, HandshakeId},
    link::Link,
    parameters::{self, IDLE_TIMEOUT},
    tls,
};
use crate::{TlsIdentity, TransportError, media::enlarge_receive_buffer};

/// How a host listens.
#[derive(Clone, Copy, Debug)]
pub struct ServerOptions {
    /// Silence after which a connection is lost; held to 1 s … 1 h.
    pub idle_timeout: Duration,
    /// Bounds on peers that have proven nothing yet.
    pub handshakes: HandshakeLimits,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self { idle_timeout: IDLE_TIMEOUT, handshakes: HandshakeLimits::default() }
    }
}

/// A listening host. Links that were accepted outlive it.
#[derive(Debug)]
pub struct Server {
    endpoint: Endpoint,
    links: Mutex<mpsc::Receiver<Link>>,
    reception: AbortHandle,
}

/// Established connections that [`Server::accept`] has not fetched yet; further ones are turned away as busy.
const WAITING_LINKS: usize = 64;
/// Callers that wait for a stalled handshake to give way; beyond these the oldest is forgotten and calls again.
const WAITING_CALLERS: usize = 64;
/// How often they are looked at for that.
const WAITING_LOOK: Duration = Duration::from_millis(10);
/// Room for the first packets of a thousand callers at once, in bytes, as far as the system grants it.
const RECEIVE_BUFFER: usize = 4 * 1_024 * 1_024;
/// The close code for "busy" (spec section 2.6).
const BUSY: u32 = 0x42;
/// First packets that arrived but were not yet looked at; each is looked at within a moment.
const WAITING_FIRST_PACKETS: usize = 1_024;
/// What is kept of a peer's further packets until its first one was looked at, in bytes, and over all such peers.
const EARLY_PACKETS: (u64, u64) = (16 * 1_024, 4 * 1_024 * 1_024);
/// How long [`Server::shutdown`] waits for close packets to leave.
const SHUTDOWN_PATIENCE: Duration = Duration::from_millis(500);

impl Server {
    /// Listens on `addr`. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The port is in use, the address is not ours or certificate and key do not fit; the text says what to do.
    pub fn bind(addr: SocketAddr, identity: &TlsIdentity, options: ServerOptions) -> Result<Self, TransportError> {
        let mut config = ServerConfig::with_crypto(Arc::new(tls::server(identity)?));
        config
            .transport_config(parameters::transport(options.idle_timeout))
            .max_incoming(WAITING_FIRST_PACKETS)
            .incoming_buffer_size(EARLY_PACKETS.0)
            .incoming_buffer_size_total(EARLY_PACKETS.1);
        let socket = bind(addr).map_err(|error| TransportError::from_bind(addr, error))?;
        let endpoint = Endpoint::new(EndpointConfig::default(), Some(config), socket, Arc::new(TokioRuntime))
            .map_err(|error| TransportError::Socket(addr, error))?;
        let (ready, links) = mpsc::channel(WAITING_LINKS);
        let reception = Reception::new(endpoint.clone(), options.handshakes, ready);
        let reception = tokio::spawn(reception.run()).abort_handle();
        Ok(Self { endpoint, links: Mutex::new(links), reception })
    }

    /// The address listened on, with the port that was chosen when 0 was asked for.
    ///
    /// # Errors
    /// The socket cannot be asked.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// The next established connection, or `None` after [`Server::shutdown`].
    pub async fn accept(&self) -> Option<Link> {
        self.links.lock().await.recv().await
    }

    /// Closes every connection with `code` and `reason` and stops listening.
    pub async fn shutdown(&self, code: u32, reason: &str) {
        self.endpoint.close(VarInt::from_u32(code), reason.as_bytes());
        let _ = tokio::time::timeout(SHUTDOWN_PATIENCE, self.endpoint.wait_idle()).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.reception.abort();
    }
}

/// A socket for `addr`; the unspecified IPv6 address takes IPv4 as well, whatever the system's default.
fn bind(addr: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    if matches!(addr.ip(), IpAddr::V6(ip) if ip.is_unspecified()) {
        socket.set_only_v6(false)?;
    }
    enlarge_receive_buffer(&socket, RECEIVE_BUFFER);
    socket.bind(&addr.into())?;
    Ok(socket.into())
}

type Handshake = (HandshakeId, Option<Link>);

/// The task that takes first packets and leads each handshake to its end.
struct Reception {
    endpoint: Endpoint,
    gate: Gate,
    deadline: Duration,
    handshakes: JoinSet<Handshake>,
    aborts: HashMap<HandshakeId, AbortHandle>,
    /// Newest at the back, and served from there.
    waiting: VecDeque<Incoming>,
    ready: mpsc::Sender<Link>,
}

impl Reception {
    fn new(endpoint: Endpoint, limits: HandshakeLimits, ready: mpsc::Sender<Link>) -> Self {
        let (gate, deadline) = (Gate::new(limits), limits.deadline);
        let (handshakes, aborts, waiting) = (JoinSet::new(), HashMap::new(), VecDeque::new());
        Self { endpoint, gate, deadline, handshakes, aborts, waiting, ready }
    }

    async fn run(mut self) {
        let mut look = tokio::time::interval(WAITING_LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                incoming = self.endpoint.accept() => match incoming {
                    Some(incoming) => self.admit(incoming),
                    None => return,
                },
                Some(ended) = self.handshakes.join_next() => {
                    self.ended(ended);
                    self.admit_waiting();
                }
                _ = look.tick(), if !self.waiting.is_empty() => self.admit_waiting(),
            }
        }
    }

    fn admit(&mut self, incoming: Incoming) {
        if let Some(incoming) = self.try_admit(incoming) {
            self.waiting.push_back(incoming);
            if self.waiting.len() > WAITING_CALLERS {
                self.waiting.pop_front().into_iter().for_each(Incoming::ignore);
            }
        }
    }

    fn admit_waiting(&mut self) {
        for _ in 0..self.waiting.len() {
            let refused = self.waiting.pop_back().and_then(|newest| self.try_admit(newest));
            // Each is asked once, newest first, and those refused keep their order.
            refused.into_iter().for_each(|incoming| self.waiting.push_front(incoming));
        }
    }

    /// Starts a handshake or asks for proof; gives the caller back when it has to wait.
    fn try_admit(&mut self, incoming: Incoming) -> Option<Incoming> {
        let source = incoming.remote_address();
        match self.gate.assess(Instant::now(), source.ip(), incoming.remote_address_validated()) {
            Decision::Start { id, instead_of } => {
                if let Some(stalled) = instead_of.and_then(|id| self.aborts.remove(&id)) {
                    tracing::debug!(%source, "a stalled handshake gives way");
                    stalled.abort();
                }
                let handshake = handshake(incoming, self.endpoint.clone(), self.deadline);
                let abort = self.handshakes.spawn(async move { (id, handshake.await) });
                self.aborts.insert(id, abort);
            }
            Decision::Retry => {
                if incoming.retry().is_err() {
                    tracing::error!(%source, "an address that was proven was asked to prove itself");
                }
            }
            Decision::Wait => return Some(incoming),
        }
        None
    }

    fn ended(&mut self, ended: Result<Handshake, JoinError>) {
        // A handshake that was aborted has left the tables already.
        let Ok((id, link)) = ended else { return };
        self.gate.finished(id);
        self.aborts.remove(&id);
        let Some(link) = link else { return };
        match self.ready.try_reserve() {
            Ok(place) => place.send(link),
            Err(_) => {
                tracing::warn!(peer = %link.peer, "turned away: too many connections wait to be served");
                link.close(BUSY, "the host is busy");
            }
        }
    }
}

async fn handshake(incoming: Incoming, endpoint: Endpoint, deadline: Duration) -> Option<Link> {
    let source = incoming.remote_address();
    match tokio::time::timeout(deadline, async { incoming.accept()?.await }).await {
        Ok(Ok(connection)) => Some(Link::new(connection, endpoint)),
        Ok(Err(error)) => {
            tracing::debug!(%source, %error, "handshake failed");
            None
        }
        Err(_) => {
            tracing::debug!(%source, "handshake given up");
            None
        }
    }
}
