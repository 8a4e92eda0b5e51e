//! The display's thread: one loop over sway's events, the session's commands and the end of the children.

use std::{
    io,
    sync::mpsc::{SyncSender, TryRecvError},
};

use punktfunk_proto::units::Mode;
use rustix::event::{PollFd, PollFlags, poll};
use wayland_client::{EventQueue, backend::WaylandError};

use super::{
    client::Client,
    compositor::Compositor,
    ipc::Ipc,
    process::{Group, describe},
};
use crate::{
    display::{
        Application, DisplayError,
        queue::{Command, Inbox},
    },
    frame::FrameSender,
};

/// What a session's thread is given.
pub(super) struct Start {
    pub(super) mode: Mode,
    pub(super) application: Application,
    pub(super) frames: FrameSender,
    pub(super) inbox: Inbox,
}

/// Runs one display from start to end. Says on `started` whether it came up.
pub(super) fn run(start: Start, started: &SyncSender<Result<(), DisplayError>>) {
    // Nobody listens any more only if the caller's thread is gone: then the queue is closed too.
    match Session::start(start) {
        Ok(mut session) => {
            let _ = started.send(Ok(()));
            let reason = session.run();
            tracing::debug!(%reason, "the display ends");
            session.client.capture.end(&reason);
        }
        Err(error) => {
            let _ = started.send(Err(error));
        }
    }
}

/// An open display. The order of the fields is the order in which its parts end.
struct Session {
    application: Group,
    client: Client,
    queue: EventQueue<Client>,
    ipc: Ipc,
    compositor: Compositor,
    inbox: Inbox,
}

/// What there was to wait for.
#[derive(Default)]
struct Happened {
    commands: bool,
    application_ended: bool,
    compositor_ended: bool,
}

impl Session {
    fn start(start: Start) -> Result<Self, DisplayError> {
        let Start { mode, application, frames, inbox } = start;
        let compositor = Compositor::start(mode)?;
        let failed = |error: io::Error| DisplayError::Failed(format!("could not connect to sway: {error}"));
        let ipc = compositor.ipc().map_err(failed)?;
        let (client, queue) = Client::connect(compositor.connect().map_err(failed)?, frames, mode)?;
        let application = compositor.launch(&application)?;
        Ok(Self { application, client, queue, ipc, compositor, inbox })
    }

    /// Works until the display ends; returns the reason.
    fn run(&mut self) -> String {
        loop {
            let happened = match self.dispatch_and_wait() {
                Ok(happened) => happened,
                Err(error) if self.has_ended() => {
                    tracing::debug!(%error, "sway closed the connection");
                    return describe("sway", self.compositor.process().wait());
                }
                Err(error) => return format!("the connection to sway broke: {error}"),
            };
            if let Some(error) = &self.client.broken {
                return error.to_string();
            }
            if happened.application_ended {
                return describe("the application", self.application.wait());
            }
            if happened.compositor_ended {
                return describe("sway", self.compositor.process().wait());
            }
            if happened.commands && !self.take_commands() {
                return "the session closed the display".into();
            }
        }
    }

    /// Acts on sway's events that are here, sends our requests, waits for something new.
    fn dispatch_and_wait(&mut self) -> Result<Happened, WaylandError> {
        if self.queue.dispatch_pending(&mut self.client).map_err(protocol)? > 0 {
            return Ok(Happened::default());
        }
        let interest = match self.queue.flush() {
            Err(WaylandError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => PollFlags::IN | PollFlags::OUT,
            flushed => flushed.map(|()| PollFlags::IN)?,
        };
        let Some(reading) = self.queue.prepare_read() else { return Ok(Happened::default()) };
        let children = (self.application.watch(), self.compositor.watch());
        let mut fds = [
            PollFd::from_borrowed_fd(reading.connection_fd(), interest),
            PollFd::new(&self.inbox.wake, PollFlags::IN),
            PollFd::new(&children.0, PollFlags::IN),
            PollFd::new(&children.1, PollFlags::IN),
        ];
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(WaylandError::Io(error.into())),
        }
        let [readable, commands, application_ended, compositor_ended] =
            [0, 1, 2, 3].map(|index| !fds[index].revents().difference(PollFlags::OUT).is_empty());
        match if readable { reading.read() } else { Ok(0) } {
            Err(WaylandError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => drop(read?),
        }
        Ok(Happened { commands, application_ended, compositor_ended })
    }

    fn has_ended(&self) -> bool {
        let watch = self.compositor.watch();
        let moment = rustix::event::Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
        poll(&mut [PollFd::new(&watch, PollFlags::IN)], Some(&moment)).is_ok_and(|ended| ended > 0)
    }

    /// Acts on the commands that are here; false when there will be no more.
    fn take_commands(&mut self) -> bool {
        self.inbox.reset();
        loop {
            match self.inbox.next() {
                Ok(Command::Input(event)) => self.client.seat.apply(event),
                Ok(Command::SetMode(mode)) => self.set_mode(mode),
                Ok(Command::Repaint) => self.client.repaint(),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn set_mode(&mut self, mode: Mode) {
        match self.ipc.set_mode(mode) {
            Ok(()) => self.client.capture.set_mode(mode),
            Err(error) => tracing::warn!(%mode, %error, "the display keeps its mode"),
        }
    }
}

fn protocol(error: wayland_client::DispatchError) -> WaylandError {
    match error {
        wayland_client::DispatchError::Backend(error) => error,
        other => WaylandError::Io(io::Error::other(other.to_string())),
    }
}
