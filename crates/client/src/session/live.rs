//! A session while it runs: what the host, the threads and the clock say, and what follows from it.

use std::{
    net::IpAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use punktfunk_proto::{
    clock::ClockEstimate,
    session::{
        client_control::{ClientClosed, ClientCommand, ClientEvent},
        client_media::FillerReceived,
    },
    units::{Fingerprint, Mode},
    wire::{
        ProbeResult, Welcome,
        datagram::{HostTiming, InputEvent, ScrollAxis, SurfacePoint},
    },
};
use tokio::sync::mpsc;

use super::{
    Notice, Plan, SessionError,
    receive::ToReceiver,
    report::{Counts, Ending, Report, SnapshotReport},
    story::{self, Span, Story},
    workers::{Prepared, SoundLine, WorkerEvent, Workers},
};
use crate::{
    script::Cue,
    stats::{CpuTime, HostTimes},
};

/// A host that has not answered by then waits for its owner.
const PARKED_AFTER: Duration = Duration::from_secs(1);
/// From the end of the clock rounds to the first picture: punch wait, display and encoder start, with room.
const FIRST_PICTURE_WITHIN: Duration = Duration::from_secs(20);
/// The host sends its result after the burst; what is under way gets this long.
const FILLER_SETTLES: Duration = Duration::from_millis(300);
/// A host that tests nothing may also answer nothing (spec section 2.5).
const SPEED_RESULT_WITHIN: Duration = Duration::from_secs(8);

pub(super) struct Live<N> {
    peer: (IpAddr, Fingerprint),
    plan: Plan,
    commands: mpsc::Sender<ClientCommand>,
    worker_outbox: mpsc::UnboundedSender<WorkerEvent>,
    /// Taken when the thread for it starts.
    sound: Option<SoundLine>,
    notices: N,
    stage: Stage,
    ending: Option<Ending>,
    /// Why there is no session, if it never came to one.
    fault: Option<SessionError>,
    speed: Speed,
    story: Story,
}

/// How far the session has come.
enum Stage {
    Asking { parked_at: Option<Instant> },
    Syncing(Box<Prepared>),
    AwaitingPicture { workers: Workers, until: Instant },
    Showing { workers: Workers, since: Instant, cpu: CpuTime },
    Over,
}

/// How far the speed test has come.
#[derive(Clone, Copy)]
enum Speed {
    Idle,
    Asked {
        until: Instant,
    },
    /// The host has told its result; what is under way is still coming.
    Settling {
        result: ProbeResult,
        until: Instant,
    },
    /// The receive thread is asked what came.
    Counting {
        result: ProbeResult,
    },
}

impl<N: FnMut(Notice<'_>)> Live<N> {
    pub(super) fn new(
        peer: (IpAddr, Fingerprint),
        plan: Plan,
        (commands, worker_outbox, sound): (mpsc::Sender<ClientCommand>, mpsc::UnboundedSender<WorkerEvent>, SoundLine),
        notices: N,
    ) -> Self {
        Self {
            peer,
            plan,
            commands,
            worker_outbox,
            sound: Some(sound),
            notices,
            stage: Stage::Asking { parked_at: Some(Instant::now() + PARKED_AFTER) },
            ending: None,
            fault: None,
            speed: Speed::Idle,
            story: Story::default(),
        }
    }

    /// What the control session said.
    pub(super) fn control(&mut self, event: ClientEvent) {
        match event {
            ClientEvent::Welcomed(welcome) => self.welcomed(&welcome),
            ClientEvent::Ready(estimate) => self.ready(estimate),
            ClientEvent::ClockUpdated(estimate) => self.clock(estimate),
            ClientEvent::Reconfigured { accepted, mode } => {
                self.story.reconfigured(Instant::now(), accepted, mode);
            }
            ClientEvent::BitrateChanged(bitrate) => {
                self.story.bitrate_kbps = bitrate.kbps();
                self.tell_receiver(ToReceiver::BitrateInForce(bitrate));
            }
            ClientEvent::ProbeResult(result) => match self.speed {
                Speed::Asked { .. } => {
                    self.speed = Speed::Settling { result, until: Instant::now() + FILLER_SETTLES };
                }
                Speed::Idle | Speed::Settling { .. } | Speed::Counting { .. } => {
                    self.tell_receiver(ToReceiver::Probed);
                }
            },
            ClientEvent::PipelineGap(gap) => {
                tracing::info!(?gap, "the host rebuilt the stream");
                self.tell_receiver(ToReceiver::PipelineGap);
            }
            ClientEvent::AccessChanged { grants, remaining } => {
                (self.notices)(Notice::AccessChanged { grants, remaining });
            }
            ClientEvent::SuccessorAnnounced(fingerprint) => (self.notices)(Notice::Successor(fingerprint)),
            ClientEvent::HostTiming(timing) => {
                if let Some(workers) = self.workers() {
                    workers.host_times(host_times(&timing));
                }
            }
            ClientEvent::Closed(how) => self.closed(how),
        }
    }

    fn welcomed(&mut self, welcome: &Welcome) {
        (self.notices)(Notice::Welcomed(welcome));
        match Prepared::new(self.peer.0, welcome, &self.plan) {
            Ok(prepared) => {
                let prepared = if self.plan.auto_bitrate { prepared.choosing_bitrate(welcome) } else { prepared };
                self.command(ClientCommand::Start { media_port: prepared.media_port });
                self.stage = Stage::Syncing(Box::new(prepared));
            }
            Err(error) => self.fail(error),
        }
        self.story.welcomed(Instant::now(), welcome);
    }

    fn ready(&mut self, estimate: Option<ClockEstimate>) {
        let Stage::Syncing(prepared) = std::mem::replace(&mut self.stage, Stage::Over) else { return };
        let Some(sound) = self.sound.take() else { return };
        match Workers::start(*prepared, sound, self.commands.clone(), self.worker_outbox.clone()) {
            Ok(workers) => {
                self.stage = Stage::AwaitingPicture { workers, until: Instant::now() + FIRST_PICTURE_WITHIN };
                if let Some(estimate) = estimate {
                    self.clock(estimate);
                }
            }
            Err(error) => self.fail(SessionError::Threads(error)),
        }
    }

    fn clock(&mut self, estimate: ClockEstimate) {
        self.story.clock = Some(estimate);
        if let Some(workers) = self.workers() {
            workers.clock(estimate.offset);
        }
    }

    fn closed(&mut self, how: ClientClosed) {
        if matches!(self.stage, Stage::Asking { .. } | Stage::Syncing(_)) && self.fault.is_none() {
            self.fault = Some(match how {
                ClientClosed::ByHost { code, reason } => SessionError::Refused { code, reason },
                ClientClosed::Lost => SessionError::Lost,
                ClientClosed::Misbehaved(detail) => SessionError::HostMisbehaved(detail),
                ClientClosed::ByUs if self.ending.is_some() => SessionError::Interrupted,
                ClientClosed::ByUs => SessionError::NotApproved,
            });
            return;
        }
        self.ending.get_or_insert(match how {
            ClientClosed::ByHost { code, reason } => Ending::Host { code, reason },
            ClientClosed::Lost => Ending::Lost,
            ClientClosed::Misbehaved(detail) => Ending::HostMisbehaved { detail },
            ClientClosed::ByUs => Ending::Plan,
        });
    }

    /// What a thread said.
    pub(super) fn worker(&mut self, event: WorkerEvent) {
        match event {
            WorkerEvent::PictureSize { width, height } => self.picture(width, height),
            WorkerEvent::Pictures(count) => (self.notices)(Notice::Pictures(count)),
            WorkerEvent::SnapshotSaved { path, width, height } => {
                (self.notices)(Notice::Snapshot(&path));
                self.story.snapshot_saved(SnapshotReport { path, width, height });
            }
            WorkerEvent::SnapshotFailed { path, reason } => self.story.snapshot_failed(&path, reason),
            WorkerEvent::RecordingFailed { path, reason } => {
                self.story.check(format!("recording {}", path.display()), false, reason);
            }
            WorkerEvent::Filler(filler) => self.filler(&filler),
            WorkerEvent::MediaFailed(detail) => self.quit(Ending::Local { detail }),
        }
    }

    fn picture(&mut self, width: u32, height: u32) {
        let now = Instant::now();
        (self.notices)(Notice::Picture { width, height });
        self.story.picture(now, width, height);
        self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::AwaitingPicture { workers, .. } => {
                if let Some(test) = self.plan.speed_test {
                    self.command(ClientCommand::Probe { rate: test.rate, duration: test.duration });
                    self.speed = Speed::Asked { until: now + test.duration + SPEED_RESULT_WITHIN };
                }
                Stage::Showing { workers, since: now, cpu: CpuTime::now() }
            }
            other => other,
        };
    }

    fn filler(&mut self, filler: &FillerReceived) {
        if let Speed::Counting { result } = self.speed {
            self.speed = Speed::Idle;
            self.story.speed = Some(story::speed(&result, filler));
            self.quit(Ending::Plan);
        }
    }

    /// When [`Live::due`] has something to do.
    pub(super) fn next_due(&self) -> Option<Instant> {
        if self.ending.is_some() || self.fault.is_some() {
            return None;
        }
        let speed = match self.speed {
            Speed::Asked { until } | Speed::Settling { until, .. } => Some(until),
            Speed::Idle | Speed::Counting { .. } => None,
        };
        match &self.stage {
            Stage::Asking { parked_at } => *parked_at,
            Stage::AwaitingPicture { until, .. } => Some(*until),
            Stage::Showing { since, .. } => {
                let planned = [self.plan.script.next_due(), self.plan.length];
                planned.into_iter().flatten().map(|after| *since + after).chain(speed).min()
            }
            Stage::Syncing(_) | Stage::Over => None,
        }
    }

    /// The clock has come to [`Live::next_due`].
    pub(super) fn due(&mut self, now: Instant) {
        match &mut self.stage {
            Stage::Asking { parked_at } => {
                *parked_at = None;
                (self.notices)(Notice::Parked);
            }
            Stage::AwaitingPicture { .. } => self.quit(Ending::NoPicture),
            Stage::Showing { since, .. } => {
                let elapsed = now.duration_since(*since);
                self.play(elapsed);
                self.speed_due(now);
                if self.plan.length.is_some_and(|length| elapsed >= length) {
                    self.quit(Ending::Plan);
                }
            }
            Stage::Syncing(_) | Stage::Over => {}
        }
    }

    fn play(&mut self, elapsed: Duration) {
        while let Some(cue) = self.plan.script.take_due(elapsed) {
            match cue {
                Cue::Mode(mode) => {
                    self.story.mode_asked(mode);
                    self.command(ClientCommand::Reconfigure(mode));
                }
                Cue::Bitrate(bitrate) => {
                    self.tell_receiver(ToReceiver::BitrateFixed);
                    self.command(ClientCommand::SetBitrate(bitrate));
                }
                Cue::Keyframe => self.command(ClientCommand::RequestKeyframe),
                Cue::Snapshot(path) => self.snapshot(path),
                Cue::Quit => self.quit(Ending::Plan),
                Cue::Key { vk, pressed } => self.input(InputEvent::Key { vk, pressed }),
                Cue::Button { button, pressed } => self.input(InputEvent::Button { button, pressed }),
                Cue::Scroll(amount) => self.input(InputEvent::Scroll { axis: ScrollAxis::Vertical, amount }),
                Cue::PointTo { x, y } => {
                    if let Some(mode) = self.story.mode() {
                        self.input(InputEvent::PointerTo(place(mode, (x, y))));
                    }
                }
            }
        }
    }

    fn snapshot(&mut self, path: PathBuf) {
        let taken = self.workers().is_some_and(|workers| workers.snapshot(path.clone()));
        if taken {
            self.story.snapshot_asked(path);
        } else {
            self.story.snapshot_failed(&path, "the decoder is too far behind".into());
        }
    }

    fn speed_due(&mut self, now: Instant) {
        match self.speed {
            Speed::Asked { until } if now >= until => {
                self.story.check("speed test".into(), false, "the host did not answer".into());
                self.quit(Ending::Plan);
            }
            Speed::Settling { result, until } if now >= until => {
                self.speed = Speed::Counting { result };
                if let Some(workers) = self.workers() {
                    workers.take_filler();
                }
            }
            Speed::Idle | Speed::Asked { .. } | Speed::Settling { .. } | Speed::Counting { .. } => {}
        }
    }

    fn input(&self, event: InputEvent) {
        self.command(ClientCommand::Input(event));
    }

    fn command(&self, command: ClientCommand) {
        if self.commands.try_send(command).is_err() {
            tracing::warn!("the connection takes no more commands; one was dropped");
        }
    }

    fn fail(&mut self, error: SessionError) {
        self.fault.get_or_insert(error);
        self.command(ClientCommand::Close { quit: true });
    }

    /// Ends the session from our side.
    pub(super) fn quit(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
        self.command(ClientCommand::Close { quit: true });
    }

    fn tell_receiver(&self, message: ToReceiver) {
        if let Some(workers) = self.workers() {
            workers.tell_receiver(message);
        }
    }

    fn workers(&self) -> Option<&Workers> {
        match &self.stage {
            Stage::AwaitingPicture { workers, .. } | Stage::Showing { workers, .. } => Some(workers),
            Stage::Asking { .. } | Stage::Syncing(_) | Stage::Over => None,
        }
    }

    /// Stops the threads and makes the report.
    pub(super) async fn finish(
        mut self,
        worker_events: &mut mpsc::UnboundedReceiver<WorkerEvent>,
    ) -> Result<Report, SessionError> {
        let ended = Instant::now();
        let (workers, shown) = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::AwaitingPicture { workers, .. } => (Some(workers), None),
            Stage::Showing { workers, since, cpu } => (Some(workers), Some((since, CpuTime::now().since(cpu)))),
            Stage::Asking { .. } | Stage::Syncing(_) | Stage::Over => (None, None),
        };
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let Some(workers) = workers else { return Err(SessionError::Lost) };
        let stopped = tokio::task::spawn_blocking(|| workers.stop()).await.unwrap_or_default();
        let (Some(received), Some(decoded), Some(sound)) = stopped else {
            return Err(SessionError::Threads(std::io::Error::other(
                "a thread of the session panicked; this is a bug",
            )));
        };
        while let Ok(event) = worker_events.try_recv() {
            self.worker(event);
        }
        self.closing_checks();
        self.story.sound = Some(sound);
        self.story.closing_checks(&Counts::new(&received, &decoded));
        let (started, cpu) = shown.unwrap_or((ended, Duration::ZERO));
        let ending = self.ending.unwrap_or(Ending::Lost);
        Ok(self.story.into_report(self.peer.1, ending, Span { started, ended, cpu }, (received, decoded)))
    }

    fn closing_checks(&mut self) {
        let planned = matches!(self.ending, Some(Ending::Plan | Ending::Interrupted));
        let by_host = matches!(self.ending, Some(Ending::Host { .. })) && self.plan.length.is_none();
        let found = self.ending.as_ref().unwrap_or(&Ending::Lost).to_string();
        self.story.check("the session lasts as planned".into(), planned || by_host, found);
        let interrupted = matches!(self.ending, Some(Ending::Interrupted));
        let left = self.plan.script.remaining();
        self.story.check(
            "the script is played to its end".into(),
            left == 0 || interrupted,
            format!("{left} steps left"),
        );
    }
}

fn host_times(timing: &HostTiming) -> HostTimes {
    let micros = |micros: u32| Duration::from_micros(u64::from(micros));
    let parts = timing.stages.map(|stages| [stages.queue_us, stages.encode_us, stages.pace_us].map(micros));
    HostTimes { pts: timing.pts, total: micros(timing.total_us), parts }
}

/// A fraction of the picture as a place on a surface of the picture's size.
fn place(mode: Mode, (x, y): (f64, f64)) -> SurfacePoint {
    let along = |fraction: f64, side: u32| (fraction * f64::from(side - 1)).round() as i32;
    let side = |side: u32| u16::try_from(side).unwrap_or(u16::MAX);
    SurfacePoint {
        x: along(x, mode.width()),
        y: along(y, mode.height()),
        width: side(mode.width()),
        height: side(mode.height()),
    }
}
