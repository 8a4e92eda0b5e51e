//! The display's thread: one event loop, from the start of the application to its end.

use std::{
    io,
    os::{fd::OwnedFd, unix::net::UnixListener},
    sync::{
        Arc,
        mpsc::{Sender, SyncSender},
    },
    time::{Duration, Instant},
};

use punktfunk_proto::{input::SeatEvent, units::Mode};
use smithay::{
    desktop::utils::{OutputPresentationFeedback, take_presentation_feedback_surface_tree, with_surfaces_surface_tree},
    reexports::{
        calloop::{
            EventLoop, Interest, LoopHandle, Mode as Trigger, PostAction, RegistrationToken,
            channel::{Channel, Event},
            generic::Generic,
        },
        wayland_protocols::wp::presentation_time::server::wp_presentation_feedback::Kind,
        wayland_server::{Display, protocol::wl_surface::WlSurface},
    },
    utils::{Clock, Monotonic},
    wayland::{compositor::SurfaceAttributes, presentation::Refresh},
};

use super::{
    super::{
        Application, DisplayError,
        launch::{Launcher, Place, Process, WAYLAND_SOCKET, accompany},
    },
    compositor::{ClientState, Compositor, Phase},
    paint::Painter,
};
use crate::frame::FrameSender;

type Events = LoopHandle<'static, Compositor>;

/// What the thread is started with.
pub(super) struct Start {
    pub(super) mode: Mode,
    pub(super) application: Application,
    /// Starts it.
    pub(super) launcher: Arc<dyn Launcher>,
    pub(super) frames: FrameSender,
    pub(super) inbox: Channel<Command>,
    /// Dropped when the thread ends.
    pub(super) alive: Sender<()>,
}

/// What the controls ask of the thread. A closed queue asks it to end.
#[derive(Debug)]
pub(super) enum Command {
    Input(SeatEvent),
    SetMode(Mode),
    Repaint,
}

/// Runs a display to its end. Says on `started` whether it came up, and how its place can be ended from elsewhere.
pub(super) fn run(start: Start, started: &SyncSender<Result<Option<OwnedFd>, DisplayError>>) {
    let _alive = start.alive.clone();
    match Session::start(start) {
        Ok((session, cut)) => {
            // The opener waits for this answer; if it is gone, so is the queue, and the display ends at once.
            let _ = started.send(Ok(cut));
            session.run();
        }
        Err(error) => {
            let _ = started.send(Err(error));
        }
    }
}

/// A display that is up.
struct Session {
    display: Display<Compositor>,
    compositor: Compositor,
    painter: Painter,
    events: EventLoop<'static, Compositor>,
    /// What the loop watches beside X11. Callbacks of smithay hold the loop they are in, so it goes only if it is
    /// emptied.
    sources: Vec<RegistrationToken>,
    painted: u64,
}

impl Session {
    fn start(start: Start) -> Result<(Self, Option<OwnedFd>), DisplayError> {
        let failed = |what: &str, error: &dyn std::fmt::Display| DisplayError::Failed(format!("{what}: {error}"));
        let mut place = start.launcher.place()?;
        let events: EventLoop<'static, Compositor> =
            EventLoop::try_new().map_err(|error| failed("no event loop", &error))?;
        let display = Display::new().map_err(|error| failed("no Wayland display", &error))?;
        let compositor = Compositor::new(&display.handle(), events.handle(), start.mode)?;
        let painter = Painter::new(start.frames, &compositor.output, start.mode)?;
        let socket = place.listen(WAYLAND_SOCKET).map_err(|error| failed("no Wayland socket", &error))?;
        let cut = place.cut().map_err(|error| failed("no descriptor", &error))?;
        let mut session = Self { display, compositor, painter, events, sources: Vec::new(), painted: 0 };
        session.watch(socket, start.inbox).map_err(|error| failed("the event loop takes no sources", &error))?;
        session.start_application(place, &start.application)?;
        Ok((session, cut))
    }

    fn watch(&mut self, socket: UnixListener, inbox: Channel<Command>) -> io::Result<()> {
        let events = self.events.handle();
        self.sources.push(watch_socket(&events, socket)?);
        self.sources.push(watch_requests(&events, &mut self.display)?);
        self.sources.push(watch_commands(&events, inbox)?);
        Ok(())
    }

    fn start_application(&mut self, mut place: Box<dyn Place>, application: &Application) -> Result<(), DisplayError> {
        self.compositor.start_xwayland(&mut *place);
        accompany(&mut *place, &application.companions);
        let running = place.start(application)?;
        let watched = watch_application(&self.events.handle(), &*running);
        self.sources.push(watched.map_err(|error| DisplayError::Failed(format!("the application is lost: {error}")))?);
        self.compositor.application = Some(running);
        Ok(())
    }

    fn run(mut self) {
        let reason = loop {
            self.compositor.settle();
            self.paint();
            if let Err(error) = self.compositor.display.flush_clients() {
                tracing::debug!(%error, "not every client could be told");
            }
            if let Some(reason) = self.ended() {
                break reason;
            }
            if let Err(error) = self.dispatch() {
                break format!("the display's event loop failed: {error}");
            }
        };
        tracing::info!(reason, frames = self.painted, "the display ends");
        self.painter.frames().end(reason);
    }

    /// Waits for something to happen or to be due, and acts on all that has happened.
    fn dispatch(&mut self) -> io::Result<()> {
        let now = Instant::now();
        let timeout = self.wake_at(now).map(|at| at.saturating_duration_since(now));
        self.events.dispatch(timeout, &mut self.compositor).map_err(io::Error::other)?;
        self.display.dispatch_clients(&mut self.compositor).map(drop)
    }

    /// Paints and sends callbacks as far as they are due.
    fn paint(&mut self) {
        let step = self.compositor.pacer.step(Instant::now());
        if step.paint {
            let sent = self.painter.paint(&self.compositor);
            self.compositor.pacer.painted(sent);
            self.compositor.repaint &= !sent;
            if sent {
                self.painted += 1;
                self.compositor.presented(self.painted);
            }
        }
        if step.callbacks {
            let waiting = self.compositor.call_back();
            self.compositor.pacer.called(waiting, Instant::now());
        }
    }

    fn wake_at(&self, now: Instant) -> Option<Instant> {
        let until = match self.compositor.phase {
            Phase::Ending { until } => Some(until),
            Phase::Running | Phase::Ended(_) => None,
        };
        [self.compositor.pacer.wake_at(now), until].into_iter().flatten().min()
    }

    fn ended(&self) -> Option<String> {
        match &self.compositor.phase {
            Phase::Running => None,
            Phase::Ending { until } => (Instant::now() >= *until).then(|| CLOSED.into()),
            Phase::Ended(reason) => Some(reason.clone()),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.compositor.application = None;
        let events = self.events.handle();
        if let Some(xwayland) = self.compositor.x11.stop(&events) {
            // Xwayland is cut off, which is known, but its connection is only closed on the way out of a dispatch.
            let _ = self.display.backend().dispatch_single_client(&mut self.compositor, xwayland);
        }
        // Xwayland ends, the window manager's thread with it, and its source leaves the loop.
        let deadline = Instant::now() + GRACE;
        while self.compositor.x11.is_connected() && !std::thread::panicking() && Instant::now() < deadline {
            if self.events.dispatch(Some(GRACE), &mut self.compositor).is_err() {
                break;
            }
        }
        for source in self.sources.drain(..) {
            events.remove(source);
        }
    }
}

/// The reason of a display that its owner closed.
const CLOSED: &str = "the display was closed";

/// How long an application may take to end by itself.
const GRACE: Duration = Duration::from_millis(800);

impl Compositor {
    fn command(&mut self, command: Command) {
        match command {
            Command::Input(event) => self.input(event),
            Command::SetMode(mode) => self.set_mode(mode),
            Command::Repaint => {
                self.repaint = true;
                self.pacer.changed();
            }
        }
    }

    /// Asks the application to end and gives it time to.
    fn close(&mut self) {
        if let (Phase::Running, Some(application)) = (&self.phase, &self.application) {
            application.terminate();
            self.phase = Phase::Ending { until: Instant::now() + GRACE };
        }
    }

    fn application_exited(&mut self) {
        let Some(end) = self.application.as_mut().and_then(|application| application.exited()) else { return };
        self.phase = Phase::Ended(match self.phase {
            Phase::Ending { .. } => CLOSED.into(),
            Phase::Running | Phase::Ended(_) => end,
        });
    }

    /// The surfaces that windows and pointer are made of.
    fn trees(&self) -> Vec<WlSurface> {
        let windows = self.stack.trees(self.size()).into_iter().map(|(surface, _)| surface);
        windows.chain(self.cursor.surfaces().cloned()).collect()
    }

    /// Tells clients that their last picture is on its way.
    fn presented(&self, sequence: u64) {
        let mut feedback = OutputPresentationFeedback::new(&self.output);
        for surface in self.trees() {
            let output = |_: &WlSurface, _: &_| Some(self.output.clone());
            take_presentation_feedback_surface_tree(&surface, &mut feedback, output, |_, _| Kind::empty());
        }
        let refresh = Refresh::Fixed(self.mode.refresh().period());
        feedback.presented(Clock::<Monotonic>::new().now(), refresh, sequence, Kind::empty());
    }

    /// Tells clients to draw their next picture; says whether any client waited for that.
    fn call_back(&self) -> bool {
        let (time, mut waiting) = (self.millis(), false);
        for surface in self.trees() {
            with_surfaces_surface_tree(&surface, |_, states| {
                for callback in states.cached_state.get::<SurfaceAttributes>().current().frame_callbacks.drain(..) {
                    callback.done(time);
                    waiting = true;
                }
            });
        }
        waiting
    }
}

fn watch_socket(events: &Events, socket: UnixListener) -> io::Result<RegistrationToken> {
    let source = Generic::new(socket, Interest::READ, Trigger::Level);
    let inserted = events.insert_source(source, |_, socket, state: &mut Compositor| {
        loop {
            match socket.accept() {
                Ok((stream, _)) => {
                    if let Err(error) = state.display.insert_client(stream, ClientState::shared()) {
                        tracing::warn!(%error, "a Wayland client was turned away");
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(PostAction::Continue),
                Err(error) => return Err(error),
            }
        }
    });
    inserted.map_err(|error| io::Error::other(error.error))
}

/// Wakes the loop when clients ask for something; [`Session::dispatch`] then lets them.
fn watch_requests(events: &Events, display: &mut Display<Compositor>) -> io::Result<RegistrationToken> {
    let requests = display.backend().poll_fd().try_clone_to_owned()?;
    let source = Generic::new(requests, Interest::READ, Trigger::Level);
    let inserted = events.insert_source(source, |_, _, _: &mut Compositor| Ok(PostAction::Continue));
    inserted.map_err(|error| io::Error::other(error.error))
}

fn watch_commands(events: &Events, inbox: Channel<Command>) -> io::Result<RegistrationToken> {
    let inserted = events.insert_source(inbox, |event, (), state: &mut Compositor| match event {
        Event::Msg(command) => state.command(command),
        Event::Closed => state.close(),
    });
    inserted.map_err(|error| io::Error::other(error.error))
}

fn watch_application(events: &Events, application: &dyn Process) -> io::Result<RegistrationToken> {
    let exit = Generic::new(application.watch()?, Interest::READ, Trigger::Level);
    let inserted = events.insert_source(exit, |_, _, state: &mut Compositor| {
        state.application_exited();
        Ok(if matches!(state.phase, Phase::Ended(_)) { PostAction::Remove } else { PostAction::Continue })
    });
    inserted.map_err(|error| io::Error::other(error.error))
}
