//! The two ports of the pages: HTTP, where clients look and pair, and HTTPS, where those that are paired do the rest.
//!
//! Runs on the control plane's runtime, a task a connection, one request each. [`head`] reads the request, [`tls`] lets
//! any certificate in whose key is held, [`crate::pages`] answers. Connections are bounded in all and for each source, and
//! whoever floods pushes out himself ([`Places`]).

mod connection;
mod head;
mod pairing;
mod tls;

use std::{
    collections::HashMap,
    future::Future,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use punktfunk_trust::{PlaceId, Places, Source};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use crate::{HostKey, pages::Host};
use connection::Connection;
pub use pairing::Pairing;
pub use tls::TlsError;

/// Bounds of the server. The defaults suit a home.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// Connections at once, of both ports together.
    pub connections: usize,
    /// Of those, from one source.
    pub per_source: usize,
    /// A TLS handshake takes at most this long.
    pub handshake: Duration,
    /// A request is there after at most this long.
    pub request: Duration,
    /// An answer is taken after at most this long.
    pub answer: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connections: 128, per_source: 16, handshake: seconds(5), request: seconds(5), answer: seconds(10) }
    }
}

/// What the server works with.
pub struct Server {
    host: Arc<dyn Host>,
    key: Arc<HostKey>,
    pairing: Arc<Pairing>,
    tls: TlsAcceptor,
    limits: ServerLimits,
    guests: Guests,
}

impl Server {
    /// A server that listens nowhere yet.
    ///
    /// # Errors
    /// TLS does not take the key.
    pub fn new(
        host: Arc<dyn Host>,
        key: Arc<HostKey>,
        pairing: Arc<Pairing>,
        limits: ServerLimits,
    ) -> Result<Arc<Self>, TlsError> {
        let tls = TlsAcceptor::from(tls::config(&key)?);
        let guests = Guests::new(limits);
        Ok(Arc::new(Self { host, key, pairing, tls, limits, guests }))
    }

    /// Serves both ports until `stop` completes.
    pub async fn serve(self: Arc<Self>, http: TcpListener, https: TcpListener, stop: impl Future<Output = ()>) {
        let mut tasks = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                (stream, peer) = accept(&http) => self.admit(&mut tasks, (stream, peer), None),
                (stream, peer) = accept(&https) => self.admit(&mut tasks, (stream, peer), Some(self.tls.clone())),
                Some(_) = tasks.join_next() => {}
            }
        }
        tasks.shutdown().await;
    }

    fn admit(
        self: &Arc<Self>,
        tasks: &mut JoinSet<()>,
        (stream, peer): (TcpStream, SocketAddr),
        tls: Option<TlsAcceptor>,
    ) {
        let Some(id) = self.guests.enter(peer) else { return };
        let connection = Connection { server: Arc::clone(self), peer, place: Place { id, server: Arc::clone(self) } };
        let task = tasks.spawn(connection.run(stream, tls));
        self.guests.started(id, task);
    }
}

/// The next connection. An accept that fails (out of descriptors) is tried again after a while.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "GameStream could not accept a connection");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// Who is connected, and how to make them leave.
struct Guests(Mutex<(Places, HashMap<PlaceId, AbortHandle>)>);

impl Guests {
    fn new(limits: ServerLimits) -> Self {
        Self(Mutex::new((Places::new(limits.connections, limits.per_source), HashMap::new())))
    }

    /// A place for somebody from `peer`; whoever gives way for it is gone.
    fn enter(&self, peer: SocketAddr) -> Option<PlaceId> {
        let mut inner = self.lock();
        let entered = inner.0.enter(Instant::now(), Source::of(peer.ip()))?;
        if let Some(task) = entered.instead_of.and_then(|other| inner.1.remove(&other)) {
            task.abort();
        }
        Some(entered.id)
    }

    /// The connection in this place is carried by `task`. It may have left already.
    fn started(&self, id: PlaceId, task: AbortHandle) {
        let mut inner = self.lock();
        if inner.0.is_taken(id) {
            inner.1.insert(id, task);
        }
    }

    fn lock(&self) -> MutexGuard<'_, (Places, HashMap<PlaceId, AbortHandle>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among the connections, given back when dropped.
struct Place {
    id: PlaceId,
    server: Arc<Server>,
}

impl Place {
    /// Nobody takes this place any more: its device waits for a PIN, and such are few.
    fn hold(&self) {
        self.server.guests.lock().0.hold(self.id, true);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = self.server.guests.lock();
        inner.0.leave(self.id);
        inner.1.remove(&self.id);
    }
}
