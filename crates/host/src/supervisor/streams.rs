//! A Moonlight session from its ANNOUNCE to its end. The counterpart of [`super::admission`] for GameStream.
//!
//! Users of Moonlight leave and come back, and expect to find the application as it was until they choose Quit. So it is kept
//! as [`super::kept`] keeps displays, but until the device quits, another needs the place or [`UNTIL_QUIT`] has passed,
//! unless the owner set `session.keep_alive_s`.

use std::{
    net::UdpSocket,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use punktfunk_gamestream::{
    Launch,
    audio::{self, AudioParams},
    control::EndReason,
    rtsp::{Marks, Status, StreamRequest},
    video::{Packetizer, VideoParams},
};
use punktfunk_proto::{
    session::host_control::{HostClosed, HostCommand},
    units::Fingerprint,
    video::protection::FecController,
    wire::CloseCode,
};
use punktfunk_trust::{AuditEvent, Device, Subject, Verdict};
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, mpsc};

use super::{
    LiveSession, Supervisor,
    admission::{origin_of, take_slot, turned},
    kept::Keepsake,
    live::wire_grants,
    order::obituary,
    samples::Samples,
};
use crate::{
    gamestream::{
        End, Running,
        control::{ControlHandle, Expected},
        rtsp_server::{Media, Refused, Wanted},
        send::VideoSend,
        session::{MoonlightPeer, Presence, end_reason},
        sound::SoundSend,
    },
    session::{
        input::InputPath,
        pipeline::{Display, Pipeline, Source, Told},
        plan::SessionPlan,
    },
};

/// How long an application waits for its user when nothing else is configured.
const UNTIL_QUIT: Duration = Duration::from_secs(24 * 60 * 60);
/// From the answer to ANNOUNCE to the control connection: clients try for ten seconds.
const CONNECTED_WITHIN: Duration = Duration::from_secs(15);
/// For the session that a new one takes over to end.
const HANDED_OVER_WITHIN: Duration = Duration::from_secs(4);
/// How often what the client lost is summed up.
const LOSS_EVERY: Duration = Duration::from_secs(1);

/// A session that is set up and waits for its client.
struct Opened {
    session: Arc<LiveSession>,
    pipeline: Pipeline,
    peer: Arc<MoonlightPeer>,
    commands: mpsc::Receiver<HostCommand>,
    control: ControlHandle,
    connect: u32,
    device: Fingerprint,
    running: Running,
    slot: OwnedSemaphorePermit,
    /// Only one session of a device at a time; the next waits for this.
    turn: OwnedMutexGuard<()>,
    /// Where its sound goes, until it streams.
    sound: Option<SoundSend>,
}

/// How a session ended.
struct Ended {
    how: HostClosed,
    /// The application stays for the device.
    stays: bool,
}

impl Supervisor {
    /// Makes what a client announced: display, encoder, threads. It streams once the client has connected.
    pub(crate) async fn open_moonlight(
        self: &Arc<Self>,
        wanted: Wanted,
        control: ControlHandle,
    ) -> Result<(), Refused> {
        let device = self.admit_moonlight(&wanted)?;
        let plan = SessionPlan::for_moonlight(&self.config, &wanted.request)
            .map_err(|refusal| refused(Status::BadRequest, refusal.to_string()))?;
        let turn = self.turn_of(wanted.slot.launch.device).await?;
        let opened = self.set_up(wanted, &device, plan, turn, control).await?;
        tokio::spawn(Arc::clone(self).run_moonlight(opened));
        Ok(())
    }

    /// Trust's word, once more: between a launch and this the owner may have changed it.
    fn admit_moonlight(&self, wanted: &Wanted) -> Result<Device, Refused> {
        let ordered_to_end = wanted.running.orders().borrow().end.is_some();
        match self.with_trust(|trust, now| trust.assess(now, Some(wanted.slot.launch.device))) {
            Verdict::Admit(device) if !ordered_to_end => Ok(device),
            Verdict::Admit(_) => Err(refused(Status::Forbidden, "it was ended before it began".into())),
            Verdict::Refuse(refusal) => Err(refused(Status::Forbidden, turned(refusal).1)),
            Verdict::AdmitOpen | Verdict::Park => {
                Err(refused(Status::Forbidden, "the device is not paired any more".into()))
            }
        }
    }

    /// Waits for the session of the device that this one takes over.
    async fn turn_of(&self, device: Fingerprint) -> Result<OwnedMutexGuard<()>, Refused> {
        let turn = Arc::clone(self.moonlight_turns().entry(device).or_default());
        let taken = tokio::time::timeout(HANDED_OVER_WITHIN, turn.lock_owned()).await;
        taken.map_err(|_| refused(Status::Busy, "the device's earlier session does not end".into()))
    }

    async fn set_up(
        self: &Arc<Self>,
        wanted: Wanted,
        device: &Device,
        plan: SessionPlan,
        turn: OwnedMutexGuard<()>,
        control: ControlHandle,
    ) -> Result<Opened, Refused> {
        let Wanted { slot: launched, running, media: Media { video, audio }, marks, request } = wanted;
        let launch = launched.launch;
        let (source, slot) = self.source_for(launch.device, &plan).await?;
        let input = InputPath::new(wire_grants(device.access.grants), source.display());
        let (tell, commands) = mpsc::channel(COMMANDS);
        let params = VideoParams {
            packet_size: request.packet_size,
            fec_percent: plan.fec_percent,
            min_parity: request.min_parity,
        };
        let packetizer = Packetizer::new(params, request.video_encrypted.then_some(&launch.key));
        let sound = sound_of(&request, &launch, &marks, audio)?;
        let (ping, bitrate, fec) = (marks.ping_payload(), plan.bitrate, FecController::new(plan.fec_percent));
        let told = Told { control: tell.clone(), sound: self.hear_of_sound() };
        let pipeline = Pipeline::start_with(source, &plan, told, move |ends| {
            VideoSend { packetizer, socket: video, ping, bitrate, fec, ends }.run();
        })
        .map_err(|error| refused(Status::Failed, error.to_string()))?;
        let peer = MoonlightPeer::new();
        let heard = Arc::downgrade(&peer);
        let session = Arc::new(LiveSession {
            id: self.sessions().next_id(),
            fingerprint: Some(launch.device),
            name: device.name.to_string(),
            // The media address is known with the first ping.
            peer: (launch.peer.to_canonical(), 0).into(),
            started: Instant::now(),
            input,
            pipeline: pipeline.handle(),
            commands: tell,
            plan,
            rtt: Box::new(move || heard.upgrade().and_then(|peer| peer.rtt())),
            samples: Mutex::new(Samples::new(Instant::now())),
        });
        peer.attach(Arc::clone(&session));
        let hears = Arc::clone(&peer);
        let expected = Expected { peer: launch.peer, connect: marks.connect, key: launch.key, session: hears };
        control.expect(expected).await;
        let (connect, device) = (marks.connect, launch.device);
        Ok(Opened { session, pipeline, peer, commands, control, connect, device, running, slot, turn, sound })
    }

    /// The device's display if one was kept, else a new one in a place of its own; and the encoder for it.
    async fn source_for(
        &self,
        device: Fingerprint,
        plan: &SessionPlan,
    ) -> Result<(Source, OwnedSemaphorePermit), Refused> {
        let failed = |text: String| refused(Status::Failed, text);
        let (kept, slot) = match self.take_kept(device) {
            Some(kept) => {
                let (display, slot) = kept.open();
                (Some(display), slot)
            }
            None => (None, take_slot(self).await.map_err(|turned| refused(Status::Busy, turned.1))?),
        };
        let (backend, encoder) = self.ready_media().map_err(failed)?;
        let plan = plan.clone();
        let open = move || {
            let display = || match kept.and_then(|kept| kept.resume(plan.mode)) {
                Some(display) => Ok(display),
                None => Display::open(&plan, &*backend),
            };
            Source::open(&plan, display, encoder)
        };
        let opened = tokio::task::spawn_blocking(open).await.map_err(|error| failed(error.to_string()))?;
        Ok((opened.map_err(|error| failed(error.to_string()))?, slot))
    }

    async fn run_moonlight(self: Arc<Self>, mut opened: Opened) {
        let ended = match self.await_client(&mut opened).await {
            Ok(()) => self.stream_moonlight(&mut opened).await,
            Err(ended) => {
                let (id, end) = (opened.session.id.0, &ended.how);
                tracing::info!(session = id, ?end, "a Moonlight client did not come");
                self.tell_end(&opened, &ended).await;
                ended
            }
        };
        let Opened { session, pipeline, peer, device, running, slot, turn, .. } = opened;
        session.input.release_all();
        let stopped = tokio::task::spawn_blocking(move || pipeline.stop()).await;
        let display = stopped.unwrap_or_else(|error| {
            tracing::error!(session = session.id.0, %error, "the session's threads did not end cleanly");
            None
        });
        if self.sessions().remove(session.id) {
            self.close_book(&session, &ended.how);
        }
        tracing::info!(session = session.id.0, end = ?ended.how, ignored_input = peer.ignored(), "session ended");
        match display {
            Some(display) if ended.stays => self.keep_for_moonlight(device, display, slot, running),
            // Blocks: the application ends with it.
            display => {
                let ending = tokio::task::spawn_blocking(move || drop(display)).await;
                drop((ending, slot, running));
            }
        }
        drop(turn);
    }

    /// Waits until the client has connected.
    async fn await_client(&self, opened: &mut Opened) -> Result<(), Ended> {
        let mut presence = opened.peer.presence();
        let connected = presence.wait_for(|presence| *presence != Presence::Expected);
        let lost = |stays| Err(Ended { how: HostClosed::Lost, stays });
        tokio::select! {
            connected = connected => if connected.is_ok() { Ok(()) } else { lost(false) },
            command = closing(&mut opened.commands) => Err(command),
            end = opened.running.asked_to_end() => Err(ordered(end)),
            () = tokio::time::sleep(CONNECTED_WITHIN) => lost(true),
        }
    }

    /// Streams until the client leaves or somebody ends it.
    async fn stream_moonlight(&self, opened: &mut Opened) -> Ended {
        let session = Arc::clone(&opened.session);
        self.open_book(&session, opened.device);
        session.pipeline.begin(session.peer.ip(), 0);
        if let Some(mut sound) = opened.sound.take() {
            session.pipeline.begin_sound(Box::new(move |opus| sound.send(&opus)));
        }
        // A revocation between the verdict and the insertion found no session to end.
        if let Verdict::Refuse(refusal) = self.with_trust(|trust, now| trust.assess(now, Some(opened.device))) {
            let turned = turned(refusal);
            session.close(turned.0, &turned.1);
        }
        let mut presence = opened.peer.presence();
        let mut orders = opened.running.orders();
        let mut losses = tokio::time::interval(LOSS_EVERY);
        let mut sent = 0;
        let ended = loop {
            tokio::select! {
                gone = presence.wait_for(|presence| *presence == Presence::Gone) => {
                    drop(gone);
                    break Ended { how: HostClosed::ByClient { code: CloseCode::Ended.code() }, stays: true };
                }
                ended = closing(&mut opened.commands) => break ended,
                end = opened.running.asked_to_end() => break ordered(end),
                Ok(()) = orders.changed() => {
                    let grants = orders.borrow_and_update().grants;
                    session.input.set_grants(wire_grants(grants));
                }
                _ = losses.tick() => {
                    let (before, now) = (sent, session.pipeline.stats().datagrams_sent);
                    sent = now;
                    session.pipeline.report_loss(opened.peer.take_loss(now - before));
                }
            }
        };
        self.tell_end(opened, &ended).await;
        ended
    }

    /// Tells the client why, unless it has left: its user may also quit on the pages.
    async fn tell_end(&self, opened: &Opened, ended: &Ended) {
        let reason = match &ended.how {
            HostClosed::ByHost { code, .. } => Some(end_reason(*code)),
            HostClosed::ByClient { code } if *code == CloseCode::UserQuit.code() => Some(EndReason::Graceful),
            HostClosed::ByClient { .. } | HostClosed::Lost => None,
        };
        opened.control.end(opened.connect, reason).await;
    }

    /// The console, the audit log and the device's entry learn that it streams.
    fn open_book(&self, session: &Arc<LiveSession>, device: Fingerprint) {
        self.begin_session(Arc::clone(session));
        if let Err(error) = self.change_trust(|trust, now| trust.note_seen(now, device)) {
            tracing::warn!(%error, "when the device was last seen could not be stored");
        }
        let id = session.id.0;
        let subject = Subject { fingerprint: device, name: session.name.as_str().into() };
        self.record(origin_of(session), AuditEvent::SessionStarted { session: id, device: Some(subject) });
        let (peer, mode) = (session.peer.ip(), session.plan.mode);
        tracing::info!(session = id, device = session.name, %peer, %mode, "Moonlight session");
    }

    /// They learn that it ended; its counters are final.
    fn close_book(&self, session: &Arc<LiveSession>, how: &HostClosed) {
        let ended = obituary(session, how);
        let reason = ended.end.as_str().into();
        self.record(origin_of(session), AuditEvent::SessionEnded { session: session.id.0, reason });
        self.sessions().bury(ended);
        self.tell(punktfunk_api::HostEvent::Changed(punktfunk_api::Topic::Sessions));
    }

    /// Keeps the application until the device quits, or its time is over.
    fn keep_for_moonlight(
        self: &Arc<Self>,
        fingerprint: Fingerprint,
        display: Display,
        slot: OwnedSemaphorePermit,
        running: Running,
    ) {
        let mut orders = running.orders();
        let lease = Some(Box::new(running) as _);
        let time = self.keeps_for().unwrap_or(UNTIL_QUIT);
        self.keep(Keepsake { fingerprint, display, slot, lease }, time);
        let supervisor = Arc::clone(self);
        tokio::spawn(async move {
            // An error says that it is not kept any more.
            let end = orders.wait_for(|orders| orders.end.is_some()).await.map(|orders| orders.end);
            if let Ok(Some(end)) = end
                && end != End::TakenOver
            {
                supervisor.end_kept(fingerprint);
            }
        });
    }
}

/// Waits until the session is closed from this side.
async fn closing(commands: &mut mpsc::Receiver<HostCommand>) -> Ended {
    loop {
        match commands.recv().await {
            Some(HostCommand::Refuse { code, reason }) => {
                return Ended { how: HostClosed::ByHost { code, reason }, stays: false };
            }
            // What our own protocol tells its client has no counterpart here.
            Some(_) => {}
            None => return Ended { how: HostClosed::Lost, stays: false },
        }
    }
}

/// What the desk orders.
fn ordered(end: End) -> Ended {
    let (code, reason) = match end {
        End::Cancelled => {
            return Ended { how: HostClosed::ByClient { code: CloseCode::UserQuit.code() }, stays: false };
        }
        End::TakenOver => (CloseCode::Superseded, "the device began anew"),
        End::Revoked => (CloseCode::AccessDenied, "this device was removed from the host"),
        End::Expired => (CloseCode::AccessExpired, "this device's access has expired"),
        End::Ended => (CloseCode::Ended, "the owner of the host ended the session"),
        End::Stopping => (CloseCode::Ended, "the host is stopping"),
    };
    Ended { how: HostClosed::ByHost { code, reason: reason.into() }, stays: end == End::TakenOver }
}

/// The way of a session's sound to its client.
fn sound_of(
    request: &StreamRequest,
    launch: &Launch,
    marks: &Marks,
    socket: UdpSocket,
) -> Result<Option<SoundSend>, Refused> {
    let params = AudioParams { packet_ms: request.audio.packet_ms, key_id: launch.key_id };
    let packetizer = audio::Packetizer::new(params, request.audio.encrypted.then_some(&launch.key));
    let sound = SoundSend::new(packetizer, socket, launch.peer, marks.ping_payload());
    sound.map(Some).map_err(|error| refused(Status::Failed, error.to_string()))
}

fn refused(status: Status, reason: String) -> Refused {
    Refused { status, reason }
}

/// Commands on their way to a session.
const COMMANDS: usize = 64;
