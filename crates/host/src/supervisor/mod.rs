//! Who gets in, what runs, and what the owner changes about it.
//!
//! [`Supervisor`] holds what outlives a connection: the trust store, the parked connections, the live sessions. Each
//! connection is a task of its own ([`connection`]) that asks it questions. Read [`connection`] next.

mod admin;
mod admission;
mod connection;
mod kept;
mod live;
mod pairing;
mod strangers;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use punktfunk_proto::{
    session::host_control::HostCommand,
    units::{Fingerprint, HostTime},
    wire::CloseCode,
};
use punktfunk_transport::Server;
use punktfunk_trust::{
    AccessEnd, Administrator, AuditEvent, Grants, Moment, Origin, ParkedEnd, ParkedId, PasswordCost, Trust, TrustEvent,
    Verdict,
};
use punktfunk_video::{display::Backend, encode::EncoderKind};
use tokio::sync::{Notify, Semaphore, oneshot};

use crate::config::Config;

use kept::KeptDisplays;
use live::LiveSessions;
pub use live::{LiveSession, SessionId};
use strangers::Strangers;

/// What every connection and the owner share.
pub struct Supervisor {
    config: Config,
    backend: Arc<dyn Backend>,
    encoder: EncoderKind,
    identity: Fingerprint,
    listen: SocketAddr,
    started: Instant,
    trust: Mutex<Trust>,
    trust_changed: Notify,
    administrator: Mutex<Administrator>,
    parked: Mutex<HashMap<ParkedId, oneshot::Sender<ParkedEnd>>>,
    sessions: Mutex<LiveSessions>,
    kept: Mutex<KeptDisplays>,
    /// One permit a session.
    slots: Arc<Semaphore>,
    /// One place a connection that has not been admitted.
    strangers: Arc<Strangers>,
}

/// What was found to work on this machine.
pub struct Media {
    /// Makes displays.
    pub backend: Arc<dyn Backend>,
    /// Encodes what they paint.
    pub encoder: EncoderKind,
}

/// Connections that are neither admitted nor refused yet: the approval queue's 32 and as many that handshake.
const STRANGERS: usize = 64;

impl Supervisor {
    /// A supervisor over an open trust store, with the display and the encoder that were found to work, for a server
    /// that listens on `listen`.
    pub fn new(config: Config, trust: Trust, media: Media, listen: SocketAddr) -> Arc<Self> {
        let Media { backend, encoder } = media;
        let stored = trust.administrator().cloned();
        let administrator = Administrator::new(Instant::now(), stored, PasswordCost::default(), &mut rand::rng());
        Arc::new(Self {
            listen,
            started: Instant::now(),
            slots: Arc::new(Semaphore::new(usize::from(config.session.max_sessions))),
            strangers: Strangers::new(STRANGERS),
            identity: trust.identity().fingerprint,
            config,
            backend,
            encoder,
            trust: Mutex::new(trust),
            trust_changed: Notify::new(),
            administrator: Mutex::new(administrator),
            parked: Mutex::default(),
            sessions: Mutex::default(),
            kept: Mutex::default(),
        })
    }

    /// Accepts connections until the server is closed.
    pub async fn serve(self: Arc<Self>, server: &Server) {
        self.record(Origin::HOST, AuditEvent::HostStarted { version: env!("CARGO_PKG_VERSION").into() });
        while let Some(link) = server.accept().await {
            let supervisor = Arc::clone(&self);
            tokio::spawn(async move { connection::serve(supervisor, link).await });
        }
    }

    /// Lets grants and knocks expire in time. Never ends.
    pub async fn keep_time(self: Arc<Self>) {
        loop {
            let due = self.with_trust(|trust, now| trust.poll_timeout(now));
            let wait = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = wait => self.with_trust(|trust, now| trust.handle_timeout(now)),
                () = self.trust_changed.notified() => {}
            }
        }
    }

    /// Whether this is a paired device: it needs no place among the strangers.
    fn is_known(&self, fingerprint: Option<Fingerprint>) -> bool {
        matches!(self.with_trust(|trust, now| trust.assess(now, fingerprint)), Verdict::Admit(_))
    }

    /// Ends every session, telling the clients why, and waits until their displays and threads are gone.
    pub async fn stop(&self) {
        let live = self.sessions().all();
        for session in &live {
            session.close(CloseCode::Ended, "the host is stopping");
        }
        while self.end_oldest_kept() {}
        // Every session holds a permit until its threads have ended.
        let all = u32::from(self.config.session.max_sessions);
        let _ = tokio::time::timeout(STOP_WITHIN, self.slots.acquire_many(all)).await;
        self.record(Origin::HOST, AuditEvent::HostStopped);
    }

    /// Whether the control plane works: its locks are free.
    pub fn is_healthy(&self) -> bool {
        self.trust.try_lock().is_ok() || self.sessions.try_lock().is_ok()
    }

    /// One line on what the host is doing.
    pub fn status_line(&self) -> String {
        let sessions = self.sessions().all().len();
        let waiting = self.with_trust(|trust, now| trust.knocks(now).count());
        format!("{sessions} streaming, {waiting} waiting for approval")
    }

    /// Runs `act` on the trust store, then carries out what it led to.
    fn with_trust<T>(&self, act: impl FnOnce(&mut Trust, Moment) -> T) -> T {
        let mut trust = self.trust.lock().unwrap_or_else(PoisonError::into_inner);
        let result = act(&mut trust, Moment::now());
        let events: Vec<TrustEvent> = std::iter::from_fn(|| trust.poll_event()).collect();
        drop(trust);
        if !events.is_empty() {
            events.into_iter().for_each(|event| self.carry_out(event));
        }
        result
    }

    /// Like [`Supervisor::with_trust`], for changes that move the next deadline.
    fn change_trust<T>(&self, act: impl FnOnce(&mut Trust, Moment) -> T) -> T {
        let result = self.with_trust(act);
        self.trust_changed.notify_one();
        result
    }

    fn carry_out(&self, event: TrustEvent) {
        match event {
            TrustEvent::Parked { parked, end } => {
                if let Some(waiting) = self.parked().remove(&parked) {
                    // The connection may have gone meanwhile; then nobody waits.
                    let _ = waiting.send(end);
                }
            }
            TrustEvent::AccessEnded { fingerprint, end } => {
                let (code, reason) = match end {
                    AccessEnd::Revoked => (CloseCode::AccessDenied, "this device was removed from the host"),
                    AccessEnd::Expired => (CloseCode::AccessExpired, "this device's access has expired"),
                };
                for session in self.sessions().of(fingerprint) {
                    session.close(code, reason);
                }
                self.end_kept(fingerprint);
            }
            TrustEvent::AccessChanged { fingerprint, grants, remaining } => {
                self.tell_access(fingerprint, grants, remaining);
            }
            TrustEvent::AccessEnding { fingerprint, grants, remaining } => {
                self.tell_access(fingerprint, grants, Some(remaining));
            }
        }
    }

    fn tell_access(&self, fingerprint: Fingerprint, grants: Grants, remaining: Option<Duration>) {
        for session in self.sessions().of(fingerprint) {
            let grants = live::wire_grants(grants);
            session.input.set_grants(grants);
            session.tell(HostCommand::AccessChanged { grants, remaining });
        }
    }

    /// Tells every live session of a device which identity the host will have.
    fn announce_successor(&self, successor: Fingerprint) {
        for session in self.sessions().all().iter().filter(|session| session.fingerprint.is_some()) {
            session.tell(HostCommand::AnnounceSuccessor(successor));
        }
    }

    /// Writes what happened into the audit log. It has happened: a disk that refuses is told to the operator.
    fn record(&self, origin: Origin, event: AuditEvent) {
        if let Err(error) = self.with_trust(|trust, now| trust.acting(origin).record(now, event)) {
            tracing::warn!(%error, "the audit log lacks a row");
        }
    }

    fn parked(&self) -> MutexGuard<'_, HashMap<ParkedId, oneshot::Sender<ParkedEnd>>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn administrator(&self) -> MutexGuard<'_, Administrator> {
        self.administrator.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, KeptDisplays> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sessions(&self) -> MutexGuard<'_, LiveSessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The host's real-time clock.
pub fn host_clock() -> HostTime {
    Moment::now().wall
}

/// A display that does not end in this time is left behind.
const STOP_WITHIN: Duration = Duration::from_secs(5);
