//! One QUIC connection: its control session, driven by one task, and its owner, another task that answers what the
//! session cannot answer by itself.

use std::sync::{Arc, OnceLock, Weak};

use punktfunk_proto::{
    session::host_control::{HostCommand, HostControl, HostEvent},
    wire::CloseCode,
};
use punktfunk_transport::{Link, Role, drive};
use tokio::sync::mpsc;

use super::{Supervisor, admission, host_clock, live::LiveSession, pairing, strangers::Place};

/// What the owner's task of a connection works with.
pub(super) struct Owner {
    pub(super) supervisor: Arc<Supervisor>,
    pub(super) peer: std::net::SocketAddr,
    pub(super) fingerprint: Option<punktfunk_proto::units::Fingerprint>,
    pub(super) commands: mpsc::Sender<HostCommand>,
    /// Handshake events, in order; ends with the connection.
    pub(super) events: mpsc::Receiver<HostEvent>,
    /// Where the control task finds the session once there is one.
    pub(super) live: Arc<OnceLock<Arc<LiveSession>>>,
    /// The connection, for as long as it is driven.
    pub(super) link: Weak<Link>,
    /// Held until the connection is admitted.
    pub(super) stranger: Option<Place>,
}

impl Owner {
    /// Tells the control session. Gone means that the connection is: nothing is left to do.
    pub(super) async fn tell(&self, command: HostCommand) {
        let _ = self.commands.send(command).await;
    }

    /// Closes the connection with a code and words for the client's user.
    pub(super) async fn refuse(&self, code: CloseCode, reason: impl Into<String>) {
        let reason = reason.into();
        tracing::info!(peer = %self.peer, code = code.code(), reason, "refused");
        self.tell(HostCommand::Refuse { code, reason }).await;
    }

    /// What the client says first; `None` if it leaves before, `Err` if it has to make room for others.
    async fn first(&mut self) -> Result<Option<HostEvent>, NoRoom> {
        let Some(place) = &self.stranger else { return Ok(self.events.recv().await) };
        tokio::select! {
            first = self.events.recv() => if place.speak() { Ok(first) } else { Err(NoRoom) },
            () = place.gives_way() => Err(NoRoom),
        }
    }

    async fn run(mut self) {
        let Ok(first) = self.first().await else { return self.refuse(CloseCode::Busy, CROWDED).await };
        match first {
            Some(HostEvent::Hello(hello)) => admission::run(self, *hello).await,
            Some(HostEvent::PairingRequested { name }) => pairing::run(self, name).await,
            // Closed before it said anything: a reachability check, harmless.
            _ => tracing::debug!(peer = %self.peer, "connection closed before its first message"),
        }
    }
}

/// A connection gave its place to a newer one.
struct NoRoom;

/// Serves a connection until it ends.
pub(super) async fn serve(supervisor: Arc<Supervisor>, link: Link) {
    supervisor.reach.came(link.peer.ip());
    let is_known = supervisor.is_known(link.peer_fingerprint);
    let stranger = if is_known { None } else { supervisor.strangers.enter(link.peer.ip()) };
    if stranger.is_none() && !is_known {
        link.close(CloseCode::Busy.code(), CROWDED);
        return;
    }
    let link = Arc::new(link);
    let (commands, inbox) = mpsc::channel(COMMANDS);
    let (asks, events) = mpsc::channel(HANDSHAKE_EVENTS);
    let live = Arc::new(OnceLock::new());
    let control = HostControl::new(std::time::Instant::now(), link.peer_fingerprint, supervisor.identity);
    let owner = Owner {
        peer: link.peer,
        fingerprint: link.peer_fingerprint,
        supervisor,
        commands,
        events,
        live: Arc::clone(&live),
        link: Arc::downgrade(&link),
        stranger,
    };
    let owner = tokio::spawn(owner.run());
    let on_event = move |event| route(event, &live, &asks);
    drive(control, host_clock, &link, Role::Accepts, inbox, on_event).await;
    if let Err(error) = owner.await {
        tracing::error!(%error, "the owner of a connection failed");
    }
}

/// Mid-stream events go straight to the session's threads, those of the handshake to the owner.
fn route(event: HostEvent, live: &OnceLock<Arc<LiveSession>>, asks: &mpsc::Sender<HostEvent>) {
    match event {
        HostEvent::Hello(_)
        | HostEvent::Started { .. }
        | HostEvent::PairingRequested { .. }
        | HostEvent::PairingAnswered
        | HostEvent::PairingMalformed
        | HostEvent::PairingProven { .. }
        | HostEvent::PairingFailed
        | HostEvent::Closed(_) => {
            // A handshake has fewer events than the channel has room for; a closed one has no owner any more.
            let _ = asks.try_send(event);
        }
        event => {
            if let Some(session) = live.get() {
                session.handle(&event);
            }
        }
    }
}

/// Said to who finds no place, or has to give it up.
const CROWDED: &str = "too many connections are waiting";
/// Commands on their way to a control session.
const COMMANDS: usize = 64;
/// More events than a handshake can have.
const HANDSHAKE_EVENTS: usize = 16;
