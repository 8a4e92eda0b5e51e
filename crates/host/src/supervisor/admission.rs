//! From a Hello to a stream: who is it, may it, can it, then the session until it ends.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use punktfunk_proto::{
    session::host_control::{Admission, HostClosed, HostCommand, HostEvent},
    units::Fingerprint,
    wire::{CloseCode, Hello},
};
use punktfunk_trust::{Actor, AuditEvent, Grants, KnockRefusal, Origin, ParkedEnd, Refusal, Subject, Verdict};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{
    connection::Owner,
    kept::Keepsake,
    live::{LiveSession, wire_grants},
    order::obituary,
    probe,
    samples::Samples,
};
use crate::session::{
    input::InputPath,
    pipeline::{Display, Pipeline, Prepared, Told},
    plan::{HostPorts, SessionKeys, SessionPlan},
};

/// A client that may stream.
pub(super) struct Guest {
    pub(super) name: String,
    pub(super) fingerprint: Option<Fingerprint>,
    pub(super) grants: Grants,
    pub(super) remaining: Option<std::time::Duration>,
}

/// Why a connection is closed before it streams.
pub(super) struct Turned(pub(super) CloseCode, pub(super) String);

/// Takes a connection from its Hello to its end.
pub(super) async fn run(mut owner: Owner, hello: Hello) {
    if owner.supervisor.take_probe(owner.fingerprint) {
        return probe::serve(owner, hello).await;
    }
    let guest = match admit(&mut owner, &hello).await {
        Ok(Some(guest)) => guest,
        // The client left while it waited.
        Ok(None) => return,
        Err(Turned(code, reason)) => return owner.refuse(code, reason).await,
    };
    owner.stranger = None;
    let supervisor = Arc::clone(&owner.supervisor);
    let plan = match SessionPlan::decide(&supervisor.config, &hello, owner.peer.ip()) {
        Ok(plan) => plan,
        Err(refusal) => return owner.refuse(CloseCode::SetupFailed, refusal.to_string()).await,
    };
    let (kept, slot) = match guest.fingerprint.and_then(|fingerprint| supervisor.take_kept(fingerprint)) {
        Some(kept) => {
            let (display, slot) = kept.open();
            (Some(display), slot)
        }
        None => match take_slot(&owner.supervisor).await {
            Ok(slot) => (None, slot),
            Err(Turned(code, reason)) => return owner.refuse(code, reason).await,
        },
    };
    match open(&owner, plan, &guest, kept).await {
        Ok((session, pipeline, admission)) => {
            let display = stream(owner, session, pipeline, admission).await;
            if let (Some(display), Some(fingerprint), Some(time)) = (display, guest.fingerprint, supervisor.keeps_for())
            {
                supervisor.keep(Keepsake { fingerprint, display, slot, lease: None }, time);
            }
        }
        Err(Turned(code, reason)) => owner.refuse(code, reason).await,
    }
}

/// Trust's word on the client; waits for the owner's approval where it needs one. `None`: the client left.
async fn admit(owner: &mut Owner, hello: &Hello) -> Result<Option<Guest>, Turned> {
    let fingerprint = owner.fingerprint;
    loop {
        match owner.supervisor.with_trust(|trust, now| trust.assess(now, fingerprint)) {
            Verdict::Admit(device) => {
                let remaining = owner.supervisor.with_trust(|trust, now| device.access.remaining(trust.time(now)));
                let name = device.name.to_string();
                return may_launch(device.access.grants, hello)
                    .map(|grants| Some(Guest { name, fingerprint, grants, remaining }));
            }
            Verdict::AdmitOpen => {
                let name = hello.name.clone().unwrap_or_else(|| "unnamed device".into());
                tracing::warn!(peer = %owner.peer, "an unpaired device is let in: the pairing policy is open");
                return Ok(Some(Guest { name, fingerprint, grants: Grants::FULL, remaining: None }));
            }
            Verdict::Park => match park(owner, hello).await? {
                Some(()) => {}
                None => return Ok(None),
            },
            Verdict::Refuse(refusal) => return Err(turned(refusal)),
        }
    }
}

pub(super) fn turned(refusal: Refusal) -> Turned {
    let code = match refusal {
        Refusal::Anonymous => CloseCode::IdentityRequired,
        Refusal::Revoked => CloseCode::AccessDenied,
        Refusal::Expired => CloseCode::AccessExpired,
    };
    Turned(code, refusal.to_string())
}

fn may_launch(grants: Grants, hello: &Hello) -> Result<Grants, Turned> {
    let launches = wire_grants(grants).contains(punktfunk_proto::wire::Grants::LAUNCH);
    if hello.launch.is_some() && !launches {
        return Err(Turned(CloseCode::LaunchNotPermitted, "this device may not start applications".into()));
    }
    Ok(grants)
}

/// Holds the connection until the owner answers. `Some`: assess it again. `None`: the client left.
async fn park(owner: &mut Owner, hello: &Hello) -> Result<Option<()>, Turned> {
    let Some(fingerprint) = owner.fingerprint else { return Err(turned(Refusal::Anonymous)) };
    let (tell, answer) = oneshot::channel();
    let source = owner.peer.ip();
    let supervisor = Arc::clone(&owner.supervisor);
    let parked = {
        // Registered under the map's lock, so that an answer cannot come before somebody waits for it.
        let mut waiting = supervisor.parked();
        let knock =
            |trust: &mut punktfunk_trust::Trust, now| trust.knock(now, source, fingerprint, hello.name.as_deref());
        let mut trust = supervisor.trust.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let parked = knock(&mut trust, punktfunk_trust::Moment::now()).map_err(|refusal| full(&refusal))?;
        waiting.insert(parked, tell);
        parked
    };
    supervisor.change_trust(|_, _| ());
    tracing::info!(peer = %owner.peer, fingerprint = fingerprint.short(), "a device waits for approval");
    tokio::select! {
        end = answer => parked_end(end.unwrap_or(ParkedEnd::Unanswered)),
        _ = owner.events.recv() => {
            supervisor.parked().remove(&parked);
            supervisor.change_trust(|trust, _| trust.parked_left(parked));
            Ok(None)
        }
    }
}

fn parked_end(end: ParkedEnd) -> Result<Option<()>, Turned> {
    match end {
        ParkedEnd::Admitted => Ok(Some(())),
        ParkedEnd::Denied => Err(Turned(CloseCode::AccessDenied, "the owner of the host denied the request".into())),
        ParkedEnd::Unanswered => {
            Err(Turned(CloseCode::AccessTimedOut, "nobody answered the request on the host; try again".into()))
        }
        ParkedEnd::Superseded => {
            Err(Turned(CloseCode::Superseded, "a newer request from this device took its place".into()))
        }
    }
}

fn full(refusal: &KnockRefusal) -> Turned {
    Turned(CloseCode::Busy, refusal.to_string())
}

/// A session's place. A client waits for one a while, as it would for a Welcome; a display that is only kept gives way.
pub(super) async fn take_slot(supervisor: &super::Supervisor) -> Result<OwnedSemaphorePermit, Turned> {
    let slots = Arc::clone(&supervisor.slots);
    if let Ok(slot) = Arc::clone(&slots).try_acquire_owned() {
        return Ok(slot);
    }
    supervisor.end_oldest_kept();
    match tokio::time::timeout(SLOT_WITHIN, slots.acquire_owned()).await {
        Ok(Ok(slot)) => Ok(slot),
        _ => {
            let most = supervisor.config.session.max_sessions;
            Err(Turned(CloseCode::Busy, format!("all {most} sessions of this host are in use; end one of them")))
        }
    }
}

/// Makes encoder, socket and, unless one was kept, the display, and with them the session; nothing is sent yet.
pub(super) async fn open(
    owner: &Owner,
    mut plan: SessionPlan,
    guest: &Guest,
    kept: Option<Display>,
) -> Result<(Arc<LiveSession>, Pipeline, Box<Admission>), Turned> {
    let failed = |text: String| Turned(CloseCode::SetupFailed, text);
    let supervisor = Arc::clone(&owner.supervisor);
    let (backend, encoder) = supervisor.ready_media().map_err(failed)?;
    let changes_mode = backend.changes_mode();
    let prepared = {
        let (supervisor, plan) = (Arc::clone(&supervisor), plan.clone());
        tokio::task::spawn_blocking(move || {
            let display = || match kept.and_then(|kept| kept.resume(plan.mode)) {
                Some(display) => Ok(display),
                None => Display::open(&plan, &*backend),
            };
            Prepared::open(&plan, display, encoder, &supervisor.config.network)
        })
        .await
        .map_err(|error| failed(format!("the session could not be prepared: {error}")))?
        .map_err(|error| failed(error.to_string()))?
    };
    let media = prepared.media_port().map_err(|error| failed(error.to_string()))?;
    let ports = HostPorts { media, console: supervisor.console_port() };
    let keys = SessionKeys::draw(&mut rand::rng());
    let grants = wire_grants(guest.grants);
    plan.audio_channels = prepared.audio_channels().unwrap_or(plan.audio_channels);
    let welcome = plan.welcome(ports, keys, grants, guest.remaining);
    let input = InputPath::new(grants, prepared.display());
    let told = Told { control: owner.commands.clone(), sound: supervisor.hear_of_sound() };
    let pipeline = Pipeline::start(prepared, &plan, &welcome, told).map_err(|error| failed(error.to_string()))?;
    let link = owner.link.clone();
    let session = Arc::new(LiveSession {
        id: supervisor.sessions().next_id(),
        fingerprint: guest.fingerprint,
        name: guest.name.clone(),
        peer: owner.peer,
        started: Instant::now(),
        input,
        pipeline: pipeline.handle(),
        commands: owner.commands.clone(),
        plan: plan.clone(),
        rtt: Box::new(move || link.upgrade().map(|link| link.rtt())),
        samples: Mutex::new(Samples::new(Instant::now())),
    });
    let admission = Admission {
        welcome,
        default_bitrate: plan.default_bitrate,
        bitrate_ceiling: plan.bitrate_ceiling,
        mode_is_fixed: !changes_mode,
    };
    Ok((session, pipeline, Box::new(admission)))
}

/// Welcomes the client and streams until the connection ends. Returns the display if it may be kept for this client.
async fn stream(
    mut owner: Owner,
    session: Arc<LiveSession>,
    pipeline: Pipeline,
    admission: Box<Admission>,
) -> Option<Display> {
    let supervisor = Arc::clone(&owner.supervisor);
    supervisor.begin_session(Arc::clone(&session));
    // Set before the Welcome leaves: whatever the client asks for after it finds the session.
    let _ = owner.live.set(Arc::clone(&session));
    if let Some(fingerprint) = session.fingerprint
        && let Err(error) = supervisor.change_trust(|trust, now| trust.note_seen(now, fingerprint))
    {
        tracing::warn!(%error, "when the device was last seen could not be stored");
    }
    let id = session.id.0;
    let device = session.fingerprint.map(|fingerprint| Subject { fingerprint, name: session.name.as_str().into() });
    supervisor.record(origin_of(&session), AuditEvent::SessionStarted { session: id, device });
    tracing::info!(session = id, device = session.name, peer = %session.peer, mode = %session.plan.mode, "session");
    owner.tell(HostCommand::Accept(admission)).await;
    // A revocation between the verdict and the insertion above found no session to end.
    let verdict = supervisor.with_trust(|trust, now| trust.assess(now, session.fingerprint));
    if let Verdict::Refuse(refusal) = verdict {
        let Turned(code, reason) = turned(refusal);
        session.close(code, &reason);
    }
    let end = loop {
        match owner.events.recv().await {
            Some(HostEvent::Started { media_port }) => {
                session.begin(media_port, owner.link.clone());
                announce_successor(&supervisor, &session);
            }
            Some(HostEvent::Closed(how)) => break how,
            Some(_) => {}
            None => break HostClosed::Lost,
        }
    };
    tracing::info!(session = id, ?end, "session ended");
    supervisor.sessions().remove(session.id);
    session.input.release_all();
    let keeps = supervisor.keeps_for().is_some() && may_return(&end) && supervisor.is_known(session.fingerprint);
    let stopped = tokio::task::spawn_blocking(move || pipeline.stop().filter(|_| keeps)).await;
    let display = stopped.unwrap_or_else(|error| {
        tracing::error!(session = id, %error, "the session's threads did not end cleanly");
        None
    });
    // Only now are the counters final.
    let ended = obituary(&session, &end);
    supervisor.record(origin_of(&session), AuditEvent::SessionEnded { session: id, reason: ended.end.as_str().into() });
    supervisor.sessions().bury(ended);
    supervisor.tell(punktfunk_api::HostEvent::Changed(punktfunk_api::Topic::Sessions));
    display
}

/// Whether a client that left so may come back: its user did not quit, and nobody here sent it away.
fn may_return(end: &HostClosed) -> bool {
    match end {
        HostClosed::ByClient { code } => *code != CloseCode::UserQuit.code(),
        HostClosed::ByHost { .. } => false,
        HostClosed::Lost => true,
    }
}

/// Tells a paired device which identity the host will have, if a change is planned.
fn announce_successor(supervisor: &super::Supervisor, session: &LiveSession) {
    let successor = supervisor.with_trust(|trust, _| trust.successor().map(|successor| successor.fingerprint));
    if let Some(successor) = successor.filter(|_| session.fingerprint.is_some()) {
        session.tell(HostCommand::AnnounceSuccessor(successor));
    }
}

/// Whom the audit log puts a session down to.
pub(super) fn origin_of(session: &LiveSession) -> Origin {
    match session.fingerprint {
        Some(fingerprint) => Origin::device(fingerprint, session.peer.ip()),
        None => Origin { actor: Actor::Stranger, source: Some(session.peer.ip()) },
    }
}

/// How long a client waits for a place when all sessions are taken.
const SLOT_WITHIN: std::time::Duration = std::time::Duration::from_secs(10);
