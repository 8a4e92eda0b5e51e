//! Who gets in, what runs, and what the owner changes about it.
//!
//! [`Supervisor`] holds what outlives a connection: the trust store, the parked connections, the live sessions. Each
//! connection is a task of its own ([`connection`]) that asks it questions. Read [`connection`] next.

mod admin;
mod admission;
mod api;
mod connection;
mod doctor;
pub(crate) mod health;
mod kept;
mod live;
mod moonlight;
mod order;
mod pairing;
mod probe;
mod reach;
mod samples;
mod strangers;
mod streams;
mod topics;

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use punktfunk_api::{
    HostEvent, Topic,
    model::{DoctorReport, Fault, Severity},
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
use tokio::sync::{Notify, Semaphore, broadcast, oneshot};

use crate::{
    config::Config,
    console::Secrets,
    gamestream::{self, Moonlight},
    log::LogRing,
    media::Media,
    settings::SettingsStore,
};

pub use admin::AdminDesk;
use kept::KeptDisplays;
use live::LiveSessions;
pub use live::{LiveSession, SessionId};
pub use order::UpdatePlaces;
use reach::Reach;
use strangers::Strangers;
use topics::Topics;

/// What every connection and the owner share.
pub struct Supervisor {
    config: Config,
    settings: SettingsStore,
    state_dir: PathBuf,
    updates: UpdatePlaces,
    media: Media,
    identity: Fingerprint,
    listen: SocketAddr,
    /// Where the console is served, once it is.
    console: OnceLock<SocketAddr>,
    token: Option<[u8; 32]>,
    started: Instant,
    trust: Mutex<Trust>,
    trust_changed: Notify,
    administrator: Mutex<Administrator>,
    failed_logins: Mutex<FailedLogins>,
    parked: Mutex<HashMap<ParkedId, oneshot::Sender<ParkedEnd>>>,
    sessions: Mutex<LiveSessions>,
    kept: Mutex<KeptDisplays>,
    /// Held by a device's Moonlight session; the next of the device waits for it.
    moonlight_turns: Mutex<HashMap<Fingerprint, Arc<tokio::sync::Mutex<()>>>>,
    session_began: Notify,
    /// One permit a session.
    slots: Arc<Semaphore>,
    /// One place a connection that has not been admitted.
    strangers: Arc<Strangers>,
    reach: Reach,
    faults: Mutex<Vec<Fault>>,
    console_fault: Mutex<Option<Fault>>,
    log: Arc<LogRing>,
    listeners: broadcast::Sender<HostEvent>,
    topics: Mutex<Topics>,
    last_doctor: Mutex<Option<DoctorReport>>,
    /// When the last self test ended; held while one runs.
    examining: Mutex<Option<Instant>>,
    restart: Notify,
    /// The device with which the host is checked from outside, while it is expected.
    probe: Mutex<Option<probe::Expected>>,
    /// Held while a backup is read.
    restoring: Mutex<()>,
    moonlight: Moonlight,
}

/// What a supervisor is made of.
pub struct Parts {
    /// The configuration in force.
    pub config: Config,
    /// What the owner set in the console, and what the file sets.
    pub settings: SettingsStore,
    /// Where the host keeps what must survive it.
    pub state_dir: PathBuf,
    /// Where the update service is found.
    pub updates: UpdatePlaces,
    /// The open trust store.
    pub trust: Trust,
    /// What was found to work on this machine.
    pub media: Media,
    /// Where the control port listens.
    pub listen: SocketAddr,
    /// What the console's configuration keeps in files.
    pub secrets: Secrets,
    /// The last lines of the log.
    pub log: Arc<LogRing>,
    /// Who hears what happens.
    pub listeners: broadcast::Sender<HostEvent>,
}

/// Wrong passwords that the audit log does not say yet.
#[derive(Default)]
struct FailedLogins {
    unsaid: u64,
    said: Option<Instant>,
}

/// Connections that are neither admitted nor refused yet: the approval queue's 32 and as many that handshake.
const STRANGERS: usize = 64;

impl Supervisor {
    /// A supervisor that serves nobody yet.
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { config, settings, state_dir, updates, trust, media, listen, secrets, log, listeners } = parts;
        let (now, cost) = (Instant::now(), PasswordCost::default());
        let administrator = match secrets.password {
            Some(hash) => Administrator::declared(now, hash, cost, &mut rand::rng()),
            None => Administrator::new(now, trust.administrator().cloned(), cost, &mut rand::rng()),
        };
        Arc::new(Self {
            moonlight: Moonlight::new(usize::from(config.session.max_sessions)),
            listen,
            started: now,
            slots: Arc::new(Semaphore::new(usize::from(config.session.max_sessions))),
            strangers: Strangers::new(STRANGERS),
            reach: Reach::default(),
            identity: trust.identity().fingerprint,
            token: secrets.token,
            console: OnceLock::new(),
            config,
            settings,
            state_dir,
            updates,
            media,
            log,
            listeners,
            trust: Mutex::new(trust),
            trust_changed: Notify::new(),
            administrator: Mutex::new(administrator),
            failed_logins: Mutex::default(),
            parked: Mutex::default(),
            sessions: Mutex::default(),
            kept: Mutex::default(),
            moonlight_turns: Mutex::default(),
            session_began: Notify::new(),
            faults: Mutex::default(),
            console_fault: Mutex::default(),
            topics: Mutex::default(),
            last_doctor: Mutex::default(),
            examining: Mutex::default(),
            restart: Notify::new(),
            probe: Mutex::default(),
            restoring: Mutex::new(()),
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
        self.moonlight.desk().end_all(gamestream::End::Stopping);
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
        let sessions = self.sessions().count();
        let waiting = self.with_trust(|trust, now| trust.knocks(now).count());
        let line = format!("{sessions} streaming, {waiting} waiting for approval");
        match self.faults().first().filter(|fault| fault.severity > Severity::Notice) {
            Some(Fault { severity: Severity::Error, what, .. }) => format!("failed: {what}; {line}"),
            Some(fault) => format!("degraded: {}; {line}", fault.what),
            None => line,
        }
    }

    /// Runs `act` on the trust store, then carries out what it led to.
    fn with_trust<T>(&self, act: impl FnOnce(&mut Trust, Moment) -> T) -> T {
        let mut trust = self.trust.lock().unwrap_or_else(PoisonError::into_inner);
        let result = act(&mut trust, Moment::now());
        let events: Vec<TrustEvent> = std::iter::from_fn(|| trust.poll_event()).collect();
        let changed = self.changed_topics(&trust);
        drop(trust);
        changed.into_iter().for_each(|topic| self.tell(HostEvent::Changed(topic)));
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

    /// Tells those who listen, if anybody does.
    fn tell(&self, event: HostEvent) {
        if self.listeners.receiver_count() > 0 {
            let _ = self.listeners.send(event);
        }
    }

    /// Display and encoder for a session, or what a client's user is told.
    fn ready_media(&self) -> Result<(Arc<dyn Backend>, EncoderKind), String> {
        let found = self.media.chosen();
        match (found.backend, found.encoder) {
            (Some(backend), Some(encoder)) => Ok((backend, encoder)),
            (None, _) => Err("the host has no working display; its console says why".into()),
            (_, None) => Err("the host has no working encoder; its console says why".into()),
        }
    }

    /// The session streams from now on.
    fn begin_session(&self, session: Arc<LiveSession>) {
        self.sessions().insert(session);
        self.session_began.notify_one();
        self.tell(HostEvent::Changed(Topic::Sessions));
    }

    /// The port that the console is served on, once it is.
    pub fn console_port(&self) -> Option<u16> {
        self.console.get().map(SocketAddr::port)
    }

    /// The console is served here from now on.
    pub(crate) fn set_console(&self, address: SocketAddr) {
        let _ = self.console.set(address);
    }

    /// What the configuration in force says.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Waits until somebody asks for a restart.
    pub async fn restart_requested(&self) {
        self.restart.notified().await;
    }

    /// A wrong password was tried: the audit log says so, at most once in a while.
    fn count_failed_login(&self, source: IpAddr) {
        let attempts = {
            let mut failed = self.failed_logins.lock().unwrap_or_else(PoisonError::into_inner);
            failed.unsaid += 1;
            if failed.said.is_some_and(|said| said.elapsed() < FAILED_LOGINS_EVERY) {
                return;
            }
            failed.said = Some(Instant::now());
            std::mem::take(&mut failed.unsaid)
        };
        tracing::warn!(%source, attempts, "a wrong password was typed into the console");
        let origin = Origin { actor: punktfunk_trust::Actor::Stranger, source: Some(source) };
        self.record(origin, AuditEvent::LoginFailed { attempts });
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
                let end = match end {
                    AccessEnd::Revoked => gamestream::End::Revoked,
                    AccessEnd::Expired => gamestream::End::Expired,
                };
                self.moonlight.desk().end(fingerprint, end);
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
        self.moonlight.desk().set_grants(fingerprint, grants);
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

    fn moonlight_turns(&self) -> MutexGuard<'_, HashMap<Fingerprint, Arc<tokio::sync::Mutex<()>>>> {
        self.moonlight_turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn probe(&self) -> MutexGuard<'_, Option<probe::Expected>> {
        self.probe.lock().unwrap_or_else(PoisonError::into_inner)
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
/// How often the audit log says that wrong passwords were typed.
const FAILED_LOGINS_EVERY: Duration = Duration::from_secs(10);
