//! The HTTPS server: TLS that asks for a certificate and needs none, and a bounded number of connections that cannot be
//! held by those who only wait.
//!
//! Runs on the control plane's runtime, a task a connection. [`Places`] decides who may stay, [`connection`] carries one
//! from its first byte to its last.

mod connection;
mod stall;

use std::{
    collections::HashMap,
    future::Future,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::Router;
use punktfunk_trust::{PlaceId, Places, Source};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use connection::Connection;

/// Bounds of the server. The defaults suit a home.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// Connections at once.
    pub connections: usize,
    /// Of those, from one source.
    pub per_source: usize,
    /// A TLS handshake takes at most this long.
    pub handshake: Duration,
    /// A request's head is there after at most this long; so long, too, may a connection be idle.
    pub head: Duration,
    /// From a request's head to the head of the answer.
    pub request: Duration,
    /// A peer that takes nothing of an answer for this long is gone.
    pub stall: Duration,
    /// Bytes of a request's head.
    pub head_bytes: usize,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: 256,
            per_source: 64,
            handshake: Duration::from_secs(5),
            head: Duration::from_secs(15),
            request: Duration::from_secs(30),
            stall: Duration::from_secs(20),
            head_bytes: 16 << 10,
        }
    }
}

/// Serves `app` to whoever connects to `listener`, until `stop` completes; then answers under way have a second to end.
///
/// `tls` has to ask for a client certificate, to accept any and none, and to check that its key is held: each request
/// carries the certificate's SHA-256 as [`crate::Peer`].
pub async fn serve(
    listener: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    app: Router,
    limits: ServerLimits,
    stop: impl Future<Output = ()>,
) {
    let (stopping, stopped) = watch::channel(false);
    let server = Server { tls: TlsAcceptor::from(tls), app, limits, guests: Guests::new(limits), stopped };
    let mut tasks = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            (stream, peer) = accept(&listener) => server.admit(&mut tasks, stream, peer),
            Some(_) = tasks.join_next() => {}
        }
    }
    drop(listener);
    let _ = stopping.send(true);
    let ended = async { while tasks.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(STOP_WITHIN, ended).await;
}

/// How long answers under way may take when the server stops.
const STOP_WITHIN: Duration = Duration::from_secs(1);

struct Server {
    tls: TlsAcceptor,
    app: Router,
    limits: ServerLimits,
    guests: Arc<Guests>,
    stopped: watch::Receiver<bool>,
}

impl Server {
    fn admit(&self, tasks: &mut JoinSet<()>, stream: TcpStream, peer: SocketAddr) {
        let Some(place) = Guests::enter(&self.guests, peer) else { return };
        let id = place.id;
        let connection = Connection {
            tls: self.tls.clone(),
            app: self.app.clone(),
            limits: self.limits,
            peer,
            place: Arc::new(place),
            stopped: self.stopped.clone(),
        };
        let task = tasks.spawn(connection.run(stream));
        self.guests.started(id, task);
    }
}

/// The next connection. An accept that fails (out of descriptors) is tried again after a while.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "the console could not accept a connection");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// Who is connected, and how to make them leave.
struct Guests {
    inner: Mutex<(Places, HashMap<PlaceId, AbortHandle>)>,
}

impl Guests {
    fn new(limits: ServerLimits) -> Arc<Self> {
        let places = Places::new(limits.connections, limits.per_source);
        Arc::new(Self { inner: Mutex::new((places, HashMap::new())) })
    }

    /// A place for somebody from `peer`; whoever gives way for it is gone.
    fn enter(guests: &Arc<Self>, peer: SocketAddr) -> Option<Place> {
        let mut inner = guests.lock();
        let entered = inner.0.enter(Instant::now(), Source::of(peer.ip()))?;
        if let Some(task) = entered.instead_of.and_then(|other| inner.1.remove(&other)) {
            task.abort();
        }
        Some(Place { id: entered.id, guests: Arc::clone(guests) })
    }

    /// The connection in this place is carried by `task`. It may have left already.
    fn started(&self, id: PlaceId, task: AbortHandle) {
        let mut inner = self.lock();
        if inner.0.is_taken(id) {
            inner.1.insert(id, task);
        }
    }

    fn lock(&self) -> MutexGuard<'_, (Places, HashMap<PlaceId, AbortHandle>)> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among the connections, given back when dropped.
struct Place {
    id: PlaceId,
    guests: Arc<Guests>,
}

impl Place {
    /// A request was answered: this one is no idler.
    fn answered(&self) {
        self.guests.lock().0.seen(self.id, Instant::now());
    }

    /// While `holds`, nobody takes this place: somebody who may be here is being served.
    fn hold(&self, holds: bool) {
        self.guests.lock().0.hold(self.id, holds);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = self.guests.lock();
        inner.0.leave(self.id);
        inner.1.remove(&self.id);
    }
}
