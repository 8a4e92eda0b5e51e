//! The embedded default: an in-process Wayland compositor with one application full screen.
//!
//! Every session gets a compositor of its own on a native thread of its own, at exactly the client's mode. It
//! renders with pixman straight into the slots of [`crate::frame`], so that a frame reaches the encoder without
//! IPC and without a copy. It needs no GPU, no seat and no privileges.
//!
//! - `thread` is one event loop per session; everything below runs on it, without locks.
//! - `compositor` holds the state of the protocols, `shell`, `surfaces`, `x11` and `seat` answer clients.
//! - `stack` is the list of windows and where they stand; `paint` turns it into a frame; `pace` says when.
//!
//! The application, and Xwayland for X11 programs when it is installed, are started by a [`Launcher`]. Text that no key carries ([`SeatEvent::Text`]) is typed
//! through a key that is bound to the character for the occasion.

mod clipboard;
mod compositor;
mod cursor;
mod focus;
mod input;
mod keymap;
mod pace;
mod paint;
mod seat;
mod shell;
mod stack;
mod surfaces;
mod thread;
mod x11;

use std::{
    os::fd::OwnedFd,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64, atomic::Ordering, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use punktfunk_proto::{input::SeatEvent, units::Mode};
use smithay::reexports::calloop::channel::{SyncSender, sync_channel};

use super::{
    Application, Backend, Controls, DisplayError, Output,
    launch::{Children, Launcher},
};
use crate::frame;
use thread::{Command, Start};

/// The in-process compositor as a [`Backend`].
#[derive(Clone, Debug)]
pub struct Embedded {
    launcher: Arc<dyn Launcher>,
}

impl Embedded {
    /// A backend whose applications are children of this process, with their private runtime directories in `base`
    /// ([`Children::new`]).
    pub fn new(base: impl Into<PathBuf>) -> Self {
        Self::with(Arc::new(Children::new(base)))
    }

    /// A backend whose applications are started by `launcher`.
    pub fn with(launcher: Arc<dyn Launcher>) -> Self {
        Self { launcher }
    }
}

impl Default for Embedded {
    /// Sessions live in the user's own runtime directory, or in the directory for temporary files where there is none.
    fn default() -> Self {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_dir());
        Self::new(runtime.unwrap_or_else(std::env::temp_dir))
    }
}

impl Backend for Embedded {
    fn name(&self) -> &'static str {
        "embedded"
    }

    fn probe(&self) -> Result<(), DisplayError> {
        keymap::us_keymap()?;
        self.launcher.probe()
    }

    fn open(&self, mode: Mode, application: &Application) -> Result<Output, DisplayError> {
        let (frames, receiver) = frame::channel();
        let (commands, inbox) = sync_channel(COMMANDS);
        let (started, outcome) = mpsc::sync_channel(1);
        let (alive, ended) = mpsc::channel();
        let start = Start {
            mode,
            application: application.clone(),
            launcher: Arc::clone(&self.launcher),
            frames,
            inbox,
            alive,
        };
        let thread = std::thread::Builder::new()
            .name("display".into())
            .spawn(move || thread::run(start, &started))
            .map_err(|error| DisplayError::Failed(format!("no thread for the compositor: {error}")))?;
        let mut controls = EmbeddedControls {
            commands: Some(commands),
            refused: AtomicU64::new(0),
            cut: None,
            ended: Mutex::new(ended),
            thread: Mutex::new(Some(thread)),
        };
        match outcome.recv() {
            Ok(Ok(cut)) => {
                controls.cut = cut;
                Ok(Output { frames: receiver, controls: Box::new(controls) })
            }
            Ok(Err(error)) => Err(error),
            Err(mpsc::RecvError) => Err(DisplayError::Failed("the compositor's thread ended while starting".into())),
        }
    }
}

/// Commands that may wait for the display's thread: some seconds of the fastest mouse.
const COMMANDS: usize = 4_096;

/// How long the thread may take to end before what it may wait for is cut off.
const END_LIMIT: Duration = Duration::from_secs(8);

/// The controls of an embedded display. Dropping them ends the application and waits for the thread: at once for an
/// application that heeds SIGTERM, some seconds for one that does not.
struct EmbeddedControls {
    commands: Option<SyncSender<Command>>,
    refused: AtomicU64,
    /// Ends the application's place: for a thread that waits for an X server which the application has stopped.
    cut: Option<OwnedFd>,
    /// Closed when the thread ends.
    ended: Mutex<mpsc::Receiver<()>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl EmbeddedControls {
    /// Queues a command. A display that has ended takes none; one that hangs loses them, counted and told once.
    fn send(&self, command: Command) {
        let Some(Err(mpsc::TrySendError::Full(_))) = self.commands.as_ref().map(|queue| queue.try_send(command)) else {
            return;
        };
        if self.refused.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!("the display's thread does not take input: events are lost");
        }
    }
}

impl Controls for EmbeddedControls {
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

impl Drop for EmbeddedControls {
    fn drop(&mut self) {
        // A closed queue is what tells the thread to end.
        self.commands = None;
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner).recv_timeout(END_LIMIT);
        if let (Err(mpsc::RecvTimeoutError::Timeout), Some(cut)) = (ended, &self.cut) {
            tracing::warn!("the display's thread hangs: its application is cut off");
            let _ = rustix::net::shutdown(cut, rustix::net::Shutdown::Both);
        }
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the display's thread panicked");
        }
    }
}
