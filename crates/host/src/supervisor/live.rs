//! Sessions that are streaming, as the rest of the host sees them.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use punktfunk_proto::{
    session::host_control::{HostCommand, HostEvent},
    units::Fingerprint,
    wire::{CloseCode, Grants},
};
use tokio::sync::mpsc;

use super::samples::Samples;

use crate::{
    admin::protocol::EndedSession,
    session::{input::InputPath, pipeline::PipelineHandle, plan::SessionPlan},
};

/// Numbers sessions from 1, for as long as the host runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One live session.
pub struct LiveSession {
    /// Its number.
    pub id: SessionId,
    /// Whose it is; `None` for a client without certificate under an open policy.
    pub fingerprint: Option<Fingerprint>,
    /// What the owner calls the device, or what it calls itself.
    pub name: String,
    /// Where it streams to.
    pub peer: SocketAddr,
    /// What was decided for it.
    pub plan: SessionPlan,
    /// Since when.
    pub started: Instant,
    /// Keyboard and pointer.
    pub input: InputPath,
    /// Its media threads.
    pub pipeline: PipelineHandle,
    /// Its control session.
    pub commands: mpsc::Sender<HostCommand>,
    /// The round trip of its control connection; `None` once that is gone.
    pub rtt: Box<dyn Fn() -> Option<Duration> + Send + Sync>,
    /// How it did, second by second.
    pub samples: Mutex<Samples>,
}

impl LiveSession {
    /// Ends the session; the client is told why.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.tell(HostCommand::Refuse { code, reason: reason.into() });
    }

    /// Hands a command to the control session. Full means that the client has stopped reading: the connection's
    /// idle timeout ends it.
    pub fn tell(&self, command: HostCommand) {
        if self.commands.try_send(command).is_err() {
            tracing::debug!(session = self.id.0, "a control command was dropped: the connection is stuck or gone");
        }
    }

    /// Acts on what the client asked for mid-stream. The events of the handshake are not for a live session.
    pub fn handle(&self, event: &HostEvent) {
        match *event {
            HostEvent::Input(ref input) => self.input.handle(input),
            HostEvent::KeyframeRequested => self.pipeline.request_keyframe(),
            HostEvent::FramesLost { first, last } => self.pipeline.frames_lost(first, last),
            HostEvent::Loss { ppm } => self.pipeline.report_loss(ppm),
            HostEvent::BitrateChanged(bitrate) => self.pipeline.set_bitrate(bitrate),
            HostEvent::ModeChanged(mode) => self.pipeline.set_mode(mode),
            HostEvent::ProbeRequested { rate, duration } => self.pipeline.probe(rate, duration),
            HostEvent::PairingRequested { .. }
            | HostEvent::PairingAnswered
            | HostEvent::PairingMalformed
            | HostEvent::PairingProven { .. }
            | HostEvent::PairingFailed
            | HostEvent::Hello(_)
            | HostEvent::Started { .. }
            | HostEvent::Closed(_) => {}
        }
    }
}

/// The live sessions of the host.
#[derive(Default)]
pub(super) struct LiveSessions {
    sessions: BTreeMap<SessionId, Arc<LiveSession>>,
    last: u64,
    /// The last [`HISTORY`] that ended.
    ended: VecDeque<EndedSession>,
}

/// Ended sessions that are remembered.
const HISTORY: usize = 32;

impl LiveSessions {
    /// A number for a session about to be.
    pub(super) fn next_id(&mut self) -> SessionId {
        self.last += 1;
        SessionId(self.last)
    }

    pub(super) fn insert(&mut self, session: Arc<LiveSession>) {
        self.sessions.insert(session.id, session);
    }

    /// Forgets a session; whether there was one.
    pub(super) fn remove(&mut self, id: SessionId) -> bool {
        self.sessions.remove(&id).is_some()
    }

    /// Remembers a session that is over.
    pub(super) fn bury(&mut self, session: EndedSession) {
        if self.ended.len() == HISTORY {
            self.ended.pop_front();
        }
        self.ended.push_back(session);
    }

    /// The sessions that ended last, in the order they ended.
    pub(super) fn ended(&self) -> impl Iterator<Item = &EndedSession> {
        self.ended.iter()
    }

    pub(super) fn find(&self, id: SessionId) -> Option<Arc<LiveSession>> {
        self.sessions.get(&id).cloned()
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.sessions.len()
    }

    pub(super) fn all(&self) -> Vec<Arc<LiveSession>> {
        self.sessions.values().cloned().collect()
    }

    pub(super) fn of(&self, fingerprint: Fingerprint) -> Vec<Arc<LiveSession>> {
        self.sessions.values().filter(|session| session.fingerprint == Some(fingerprint)).cloned().collect()
    }
}

/// What trust grants, as the wire says it.
pub(super) fn wire_grants(grants: punktfunk_trust::Grants) -> Grants {
    Grants::from_bits(grants.bits()).shared(Grants::ALL)
}
