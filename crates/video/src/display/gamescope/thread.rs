//! The display's thread in the host: one loop over what the session says, the controls and the end of gamescope.
//!
//! Each picture is copied once, from the shared memory into a slot of the encoder's; nothing is allocated for it.

use std::{
    collections::VecDeque,
    ffi::OsStr,
    io,
    os::fd::OwnedFd,
    sync::{
        Arc,
        mpsc::{SyncSender, TryRecvError},
    },
    time::{Duration, Instant},
};

use punktfunk_proto::units::Mode;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{AddressFamily, SocketFlags, SocketType, socketpair},
};

use super::{
    Setup,
    memory::Memory,
    slots::{Offer, Slots},
    task::Task,
    wire::{self, Fault, FromSession, Packet, Received, ToSession},
};
use crate::{
    display::{
        Application, Companion, DisplayError,
        clock::{monotonic, on_host_clock},
        launch::{Process, accompany, describe},
        queue::{Command, Inbox},
    },
    frame::FrameSender,
};

/// What a session's thread is given.
pub(super) struct Start {
    pub(super) mode: Mode,
    pub(super) application: Application,
    pub(super) setup: Arc<Setup>,
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
            tracing::info!(reason, "the display ends");
            session.frames.end(reason);
        }
        Err(error) => {
            let _ = started.send(Err(error));
        }
    }
}

/// A connection to a program in the session: our end, which does not block, and its own.
pub(super) fn connection() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Waits for the next thing that the session says, or for `exit`.
pub(super) fn next(socket: &OwnedFd, exit: Option<&OwnedFd>, deadline: Instant) -> io::Result<FromSession> {
    loop {
        let mut watched = vec![PollFd::new(socket, PollFlags::IN)];
        watched.extend(exit.map(|exit| PollFd::new(exit, PollFlags::IN)));
        let left = deadline.saturating_duration_since(Instant::now());
        match poll(&mut watched, Some(&timespec(left))) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let exited = watched.get(1).is_some_and(|exit| !exit.revents().is_empty());
        match wire::from_session(socket)? {
            Received::Message(message) => return Ok(message),
            Received::Closed => return Err(io::ErrorKind::UnexpectedEof.into()),
            Received::Nothing if exited => return Err(io::ErrorKind::BrokenPipe.into()),
            Received::Nothing => {}
        }
    }
}

fn timespec(time: Duration) -> Timespec {
    Timespec { tv_sec: time.as_secs().cast_signed(), tv_nsec: time.subsec_nanos().into() }
}

/// An open display.
struct Session {
    process: Box<dyn Process>,
    exit: OwnedFd,
    socket: OwnedFd,
    memory: Memory,
    slots: Slots,
    frames: FrameSender,
    mode: Mode,
    inbox: Inbox,
    /// Input that the session's socket had no room for.
    unsent: VecDeque<Packet>,
    lost: u64,
    text_refused: bool,
}

impl Session {
    fn start(start: Start) -> Result<Self, DisplayError> {
        let Start { mode, application, setup, frames, inbox } = start;
        let failed = |what: &str, error: io::Error| DisplayError::Failed(format!("{what}: {error}"));
        let mut place = setup.launcher.place()?;
        accompany(&mut *place, &application.companions);
        let memory = Memory::new(mode).map_err(|error| failed("no memory for pictures", error))?;
        let (socket, theirs) = connection().map_err(|error| failed("no socket", error))?;
        let screen = setup.words(&Task::Screen(mode));
        place
            .accompany(&Companion { command: screen, socket: Arc::new(theirs), ready: None })
            .and_then(|()| wire::send_memory(&socket, memory.file()))
            .map_err(|error| failed("what hands on gamescope's pictures did not start", error))?;
        let starting = Starting { socket: &socket, application: &application, patience: setup.patience };
        starting.until(FromSession::Prepared, None).map_err(NotUp::into_error)?;
        let process = place.start(&wrapped(&setup, mode, &application)?)?;
        let exit = process.watch().map_err(|error| failed("gamescope is lost", error))?;
        let mut session = Self {
            slots: Slots::new(Instant::now(), mode.refresh().period()),
            unsent: VecDeque::with_capacity(BACKLOG),
            lost: 0,
            text_refused: false,
            process,
            exit,
            memory,
            frames,
            mode,
            inbox,
            socket,
        };
        let starting = Starting { socket: &session.socket, application: &application, patience: setup.patience };
        match starting.until(FromSession::Ready, Some(&session.exit)) {
            Ok(()) => Ok(session),
            Err(NotUp::Fault(error)) => Err(error),
            Err(NotUp::Ended) => {
                let end = session.process.exited();
                let end = end.map_or_else(|| "gamescope ended".into(), |end| of_gamescope(&end));
                Err(DisplayError::Failed(format!("{end} while starting; see the log of the session")))
            }
        }
    }

    /// Works until the display ends; returns the reason.
    fn run(&mut self) -> String {
        loop {
            if !self.take_commands() {
                return "the display was closed".into();
            }
            if let Err(error) = self.show_newest() {
                return format!("a picture of gamescope could not be read: {error}");
            }
            if let Err(error) = self.tell() {
                return lost(&error);
            }
            let ready = match self.wait() {
                Ok(ready) => ready,
                Err(error) => return format!("the display's thread cannot wait: {error}"),
            };
            if ready.session
                && let Err(reason) = self.listen()
            {
                return reason;
            }
            if ready.exit
                && let Some(reason) = self.exited()
            {
                return reason;
            }
        }
    }

    fn wait(&self) -> io::Result<Ready> {
        let unsent = !self.unsent.is_empty() || self.slots.owed().is_some();
        let interest = if unsent { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        let mut watched = [
            PollFd::new(&self.socket, interest),
            PollFd::new(&self.exit, PollFlags::IN),
            PollFd::new(&self.inbox.wake, PollFlags::IN),
        ];
        let left = self.slots.wake_at().map(|at| timespec(at.saturating_duration_since(Instant::now())));
        match poll(&mut watched, left.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let happened = |index: usize| !watched[index].revents().difference(PollFlags::OUT).is_empty();
        Ok(Ready { session: happened(0), exit: happened(1) })
    }

    /// Hears what the session has said, a bounded part of it at a time.
    fn listen(&mut self) -> Result<(), String> {
        for _ in 0..AT_ONCE {
            match wire::from_session(&self.socket) {
                Ok(Received::Message(message)) => self.hear(message)?,
                Ok(Received::Nothing) => return Ok(()),
                Ok(Received::Closed) => {
                    return Err(self.exited().unwrap_or_else(|| "what hands on gamescope's pictures has ended".into()));
                }
                Err(error) => return Err(lost(&error)),
            }
        }
        Ok(())
    }

    fn hear(&mut self, message: FromSession) -> Result<(), String> {
        match message {
            FromSession::Picture { slot, skipped, at } => {
                self.frames.count_skipped(skipped.into());
                self.slots.offer(Offer { slot, at }).map_err(|error| lost(&error))
            }
            FromSession::Exited(status) => Err(describe(status)),
            FromSession::Fault(fault) => Err(told(fault, OsStr::new("")).to_string()),
            FromSession::Prepared | FromSession::Ready | FromSession::Found(_) => {
                Err(lost(&"something said out of turn"))
            }
        }
    }

    /// How gamescope ended, if it has; the application's own end, if that is why.
    fn exited(&mut self) -> Option<String> {
        let end = self.process.exited()?;
        let deadline = Instant::now() + LAST_WORDS;
        while let Ok(message) = next(&self.socket, None, deadline) {
            if let FromSession::Exited(status) = message {
                return Some(describe(status));
            }
        }
        Some(of_gamescope(&end))
    }

    /// Copies the newest picture that is due, and hands it on.
    fn show_newest(&mut self) -> io::Result<()> {
        let Some((offer, stale)) = self.slots.take(Instant::now()) else { return Ok(()) };
        self.frames.count_skipped(stale);
        // What the session says of time is believed as far as it can be true.
        let now = monotonic();
        let at = offer.at.clamp(now.saturating_sub(OLDEST), now);
        self.show(offer, at)
    }

    fn show(&self, offer: Offer, at: Duration) -> io::Result<()> {
        let mut pixels = self.frames.slot();
        if let Err(error) = self.memory.read(offer.slot, &mut pixels) {
            self.frames.give_back(pixels);
            return Err(error);
        }
        self.frames.send(on_host_clock(at), self.mode, pixels);
        Ok(())
    }

    /// Sends what waits to be sent, as far as there is room.
    fn tell(&mut self) -> io::Result<()> {
        while let Some(packet) = self.slots.owed().and_then(|slot| ToSession::Released(slot).encode()) {
            if !self.try_send(&packet)? {
                return Ok(());
            }
            self.slots.released();
        }
        while let Some(packet) = self.unsent.front() {
            if !self.try_send(packet)? {
                return Ok(());
            }
            self.unsent.pop_front();
        }
        Ok(())
    }

    /// Whether there was room. A session that is gone is noticed by listening.
    fn try_send(&self, packet: &Packet) -> io::Result<bool> {
        match wire::send(&self.socket, packet) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// Acts on the commands that are here; false when there will be no more.
    fn take_commands(&mut self) -> bool {
        self.inbox.reset();
        loop {
            match self.inbox.next() {
                Ok(Command::Input(event)) => self.input(ToSession::Input(event)),
                Ok(Command::SetMode(mode)) if mode == self.mode => {}
                Ok(Command::SetMode(mode)) => tracing::warn!(%mode, "gamescope keeps its mode"),
                Ok(Command::Repaint) => self.show_again(),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    /// Queues an event for the session. One that has stopped reading loses what comes after a while, counted and told once.
    fn input(&mut self, event: ToSession) {
        match event.encode() {
            None if !std::mem::replace(&mut self.text_refused, true) => {
                tracing::info!("text that no key carries cannot be typed into gamescope");
            }
            None => {}
            Some(packet) if self.unsent.len() < BACKLOG => self.unsent.push_back(packet),
            Some(_) => {
                if self.lost == 0 {
                    tracing::warn!("the session does not take input: events are lost");
                }
                self.lost += 1;
            }
        }
    }

    /// Shows the last picture once more: gamescope paints none while nothing changes.
    fn show_again(&self) {
        if let Some(offer) = self.slots.shown()
            && let Err(error) = self.show(offer, monotonic())
        {
            tracing::warn!(%error, "the last picture could not be shown again");
        }
    }
}

/// What there was to wait for.
struct Ready {
    session: bool,
    exit: bool,
}

/// Input that may wait for a session which does not read: some seconds of the fastest mouse.
const BACKLOG: usize = 4_096;
/// Messages heard before pictures and commands have their turn.
const AT_ONCE: usize = 16;
/// A picture is not older than this, whatever the session says.
const OLDEST: Duration = Duration::from_secs(1);
/// How long after gamescope's end the session may still say how the application ended.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// A display that is coming up.
struct Starting<'a> {
    socket: &'a OwnedFd,
    application: &'a Application,
    patience: Duration,
}

impl Starting<'_> {
    /// Waits until the session says `wanted`.
    fn until(&self, wanted: FromSession, exit: Option<&OwnedFd>) -> Result<(), NotUp> {
        let said = match next(self.socket, exit, Instant::now() + self.patience) {
            // gamescope has ended: why may still be said.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                next(self.socket, None, Instant::now() + LAST_WORDS).map_err(|_| error)
            }
            said => said,
        };
        let failed = |reason: String| Err(NotUp::Fault(DisplayError::Failed(reason)));
        match said {
            Ok(message) if message == wanted => Ok(()),
            Ok(FromSession::Fault(fault)) => {
                let program = self.application.command.first();
                Err(NotUp::Fault(told(fault, program.map_or(OsStr::new(""), |program| program.as_os_str()))))
            }
            Ok(FromSession::Exited(status)) => failed(describe(status)),
            Ok(_) => failed(lost(&"something said out of turn")),
            Err(error) => match error.kind() {
                io::ErrorKind::BrokenPipe => Err(NotUp::Ended),
                io::ErrorKind::TimedOut => {
                    let what = if wanted == FromSession::Ready { "gamescope" } else { "PipeWire" };
                    let seconds = self.patience.as_secs();
                    failed(format!("{what} is not up after {seconds} seconds; see the log of the session"))
                }
                io::ErrorKind::UnexpectedEof => {
                    failed("what hands on gamescope's pictures ended while starting; see the log of the session".into())
                }
                _ => failed(lost(&error)),
            },
        }
    }
}

/// Why a display does not come up.
enum NotUp {
    /// gamescope ended without a word.
    Ended,
    Fault(DisplayError),
}

impl NotUp {
    fn into_error(self) -> DisplayError {
        match self {
            Self::Ended => DisplayError::Failed("gamescope ended while starting".into()),
            Self::Fault(error) => error,
        }
    }
}

/// The application inside gamescope.
fn wrapped(setup: &Setup, mode: Mode, application: &Application) -> Result<Application, DisplayError> {
    if application.command.is_empty() {
        return Err(DisplayError::Failed("there is no application".into()));
    }
    let inner = setup.words(&Task::Application(application.command.clone()));
    let task = Task::Start { mode, options: setup.options.clone(), command: inner };
    Ok(Application { command: setup.words(&task), companions: Vec::new(), ..application.clone() })
}

/// How the process ended that a launcher takes for the application.
fn of_gamescope(end: &str) -> String {
    end.replacen("the application", "gamescope", 1)
}

fn lost(error: &dyn std::fmt::Display) -> String {
    format!("what hands on gamescope's pictures misbehaved: {error}")
}

/// A fault in the words of whoever has to do something about it.
fn told(fault: Fault, application: &OsStr) -> DisplayError {
    let failed = |text: &str| DisplayError::Failed(text.to_owned());
    let missing = |what: &str, remedy: &str| DisplayError::Missing { what: what.to_owned(), remedy: remedy.to_owned() };
    match fault {
        Fault::NoPipewire => {
            missing("the program `pipewire`", "install it where the user of the applications finds it")
        }
        Fault::NoGamescope => missing("the program `gamescope`", "install gamescope 3.16.22 or newer"),
        Fault::PipewireFailed => failed("PipeWire did not start in the session; see the log of the session"),
        Fault::PipewireLost => failed("PipeWire in the session has ended"),
        Fault::NoPictures => failed("gamescope offers no pictures; was it built with PipeWire?"),
        Fault::Format => failed("gamescope's pictures have another size or format than they were asked for in"),
        Fault::NoInput => failed("gamescope takes no input; was it built with `input_emulation` (libeis)?"),
        Fault::InputLost => failed("gamescope closed the way for input"),
        Fault::NoApplication(errno) => {
            DisplayError::Application { command: application.to_owned(), source: io::Error::from_raw_os_error(errno) }
        }
        Fault::System(errno) => DisplayError::Failed(format!(
            "what hands on gamescope's pictures failed: {}",
            io::Error::from_raw_os_error(errno)
        )),
    }
}
