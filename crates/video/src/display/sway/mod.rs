//! A headless sway as a display: the second backend, independent of our own compositor.
//!
//! Every session gets a sway of its own as a child process, with one output at exactly the client's mode, and the
//! application full screen on it. sway paints with pixman and needs no GPU. Frames come by screencopy through shared
//! memory, input goes through a virtual pointer and virtual keyboards. Needs sway 1.7 or newer.
//!
//! - `thread` is the session's one loop; everything below runs on it.
//! - `compositor` starts and ends sway in its `runtime_dir`; `ipc` gives it commands; `process` and `user` say how
//!   children are started and that none is left behind.
//! - `client` is our Wayland connection; `capture` takes frames from it, `seat` (with `keymap`) passes input on.

mod capture;
mod client;
mod compositor;
mod ipc;
mod keymap;
mod process;
mod runtime_dir;
mod seat;
mod thread;
mod user;

use std::{
    os::fd::OwnedFd,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, SyncSender, TrySendError},
    },
    thread::JoinHandle,
};

use punktfunk_proto::{input::SeatEvent, units::Mode};
use rustix::event::{EventfdFlags, eventfd};

use self::{
    compositor::find_program,
    runtime_dir::RuntimeDir,
    thread::{Command, Start},
    user::User,
};
use super::{Application, Backend, Controls, DisplayError, Output};
use crate::frame;

/// Headless sway as a [`Backend`]. If the host is root, sway and the application run as `nobody`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sway;

impl Backend for Sway {
    fn name(&self) -> &'static str {
        "sway"
    }

    fn probe(&self) -> Result<(), DisplayError> {
        find_program("sway").ok_or_else(|| DisplayError::Missing {
            what: "the program `sway`".into(),
            remedy: "install sway 1.7 or newer (Debian and Ubuntu: `apt install sway`)".into(),
        })?;
        keymap::us_keymap()?;
        let user = User::to_become()?;
        let base = User::base(user);
        RuntimeDir::create(&base, user).map(drop).map_err(|source| DisplayError::Missing {
            what: format!("a writable directory at {} ({source})", base.display()),
            remedy: "make it, or let XDG_RUNTIME_DIR name a directory of the host's user".into(),
        })
    }

    fn has_companions(&self) -> bool {
        false
    }

    fn open(&self, mode: Mode, application: &Application) -> Result<Output, DisplayError> {
        let failed = |error: std::io::Error| DisplayError::Failed(format!("no thread for the display: {error}"));
        let (frames, receiver) = frame::channel();
        let (queue, commands) = mpsc::sync_channel(COMMANDS);
        let (started, outcome) = mpsc::sync_channel(1);
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(|error| failed(error.into()))?;
        let wake = Arc::new(wake);
        let start = Start { mode, application: application.clone(), frames, commands, wake: Arc::clone(&wake) };
        let thread = std::thread::Builder::new()
            .name("display".into())
            .spawn(move || thread::run(start, &started))
            .map_err(failed)?;
        let controls =
            SwayControls { commands: Some(queue), wake, lost: AtomicU64::new(0), thread: Mutex::new(Some(thread)) };
        match outcome.recv() {
            Ok(Ok(())) => Ok(Output { frames: receiver, controls: Box::new(controls) }),
            Ok(Err(error)) => Err(error),
            Err(mpsc::RecvError) => Err(DisplayError::Failed("the display's thread ended while starting".into())),
        }
    }
}

/// Commands that may wait for the display's thread: some seconds of the fastest mouse.
const COMMANDS: usize = 4_096;

/// The controls of a sway display. Dropping them ends sway and the application (up to 0.3 s is given to each) and
/// waits for the thread.
struct SwayControls {
    commands: Option<SyncSender<Command>>,
    wake: Arc<OwnedFd>,
    lost: AtomicU64,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl SwayControls {
    /// Queues a command. A display that has ended takes none; one that hangs loses them, counted and told once.
    fn send(&self, command: Command) {
        let Some(queue) = &self.commands else { return };
        match queue.try_send(command) {
            Ok(()) => self.wake(),
            Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => {
                if self.lost.fetch_add(1, Ordering::Relaxed) == 0 {
                    tracing::warn!("the display's thread does not take input: events are lost");
                }
            }
        }
    }

    fn wake(&self) {
        // It fails only when the counter is full, and then the thread is being woken already.
        let _ = rustix::io::write(&*self.wake, &1_u64.to_ne_bytes());
    }
}

impl Controls for SwayControls {
    fn input(&self, event: SeatEvent) {
        self.send(Command::Input(event));
    }

    fn set_mode(&self, mode: Mode) {
        self.send(Command::SetMode(mode));
    }

    fn repaint(&self) {
        self.send(Command::Repaint);
    }
}

impl Drop for SwayControls {
    fn drop(&mut self) {
        // A closed queue is what tells the thread to end.
        self.commands = None;
        self.wake();
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the display's thread panicked");
        }
    }
}
