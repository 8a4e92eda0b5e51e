//! Running and ended sessions.

use std::sync::Arc;

use punktfunk_proto::{session::host_control::HostClosed, wire::CloseCode};

use super::{Order, error};
use crate::{
    admin::protocol::{AdminError, AdminErrorCode, EndedSession, Session},
    session::plan::codec_name,
    supervisor::{LiveSession, SessionId, host_clock},
};

impl Order<'_> {
    pub(in crate::supervisor) fn sessions(&self) -> Vec<Session> {
        let live = self.host.sessions().all();
        live.iter().map(described).collect()
    }

    pub(in crate::supervisor) fn session_history(&self) -> Vec<EndedSession> {
        self.host.sessions().ended().cloned().collect()
    }

    fn find_session(&self, id: u64) -> Result<Arc<LiveSession>, AdminError> {
        let session = self.host.sessions().find(SessionId(id));
        session.ok_or_else(|| error(AdminErrorCode::NotFound, "no session of this number is running"))
    }

    pub(in crate::supervisor) fn stop_session(&self, id: u64) -> Result<Session, AdminError> {
        let session = self.find_session(id)?;
        session.close(CloseCode::Ended, "the owner of the host ended the session");
        Ok(described(&session))
    }

    pub(in crate::supervisor) fn request_keyframe(&self, id: u64) -> Result<(), AdminError> {
        self.find_session(id)?.pipeline.request_keyframe();
        Ok(())
    }
}

/// The last word on a session, once its threads are gone.
pub(in crate::supervisor) fn obituary(session: &Arc<LiveSession>, end: &HostClosed) -> EndedSession {
    let end = match end {
        HostClosed::ByClient { code } => format!("closed by the client ({code:#04x})"),
        HostClosed::ByHost { code, reason } => format!("closed by the host ({:#04x}): {reason}", code.code()),
        HostClosed::Lost => "the connection was lost".into(),
    };
    EndedSession { session: described(session), ended_unix: host_clock().nanos() / 1_000_000_000, end }
}

fn described(session: &Arc<LiveSession>) -> Session {
    let stats = session.pipeline.stats();
    Session {
        id: session.id.0,
        device: session.name.clone(),
        fingerprint: session.fingerprint,
        peer: session.peer.to_string(),
        mode: stats.mode,
        codec: codec_name(session.plan.codec).into(),
        bitrate_kbps: stats.bitrate_kbps,
        age_seconds: session.started.elapsed().as_secs(),
        frames_captured: stats.frames_captured,
        frames_dropped: stats.frames_dropped,
        frames_sent: stats.units_encoded,
        fec_percent: u8::try_from(stats.fec_percent).unwrap_or(u8::MAX),
    }
}
