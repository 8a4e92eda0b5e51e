//! gamescope as a display: games on the GPU, in a compositor of their own that runs where they run.
//!
//! Every session gets a headless gamescope at exactly the client's mode, started by a [`Launcher`] as the application's
//! user, and beside it a program of ours that takes its pictures from PipeWire and gives it input over EIS. The host talks
//! to that program alone: it makes the socket and the memory, takes no descriptor back and believes nothing it cannot
//! check. What it says wrong ends this display and nothing else.
//!
//! ```text
//! host                                   the session, as the application's user
//!   thread ── packets: input, places ──▶   screen ◀── PipeWire, pictures ──  gamescope ── application
//!          ◀── packets: pictures ────────    │  └──── EIS, input ─────────▶      ▲
//!   memory ◀═════ three pictures ════════════┘              ready, the application's end: a pipe
//! ```
//!
//! - `thread` is the session's one loop in the host; `slots` says whose each place in `memory` is; `wire` is what is said.
//! - [`inside`] is what runs in the session; `task` names its programs.
//!
//! gamescope cannot change its mode without a screen: a display keeps the one it was opened with. It paints the pointer on
//! a plane of its own, which is not in the pictures. Text that no key carries cannot be typed.

pub mod inside;
mod memory;
mod probe;
mod slots;
mod task;
mod thread;
mod wire;

use std::{ffi::OsString, sync::Arc, time::Duration};

use punktfunk_proto::units::Mode;

pub use self::task::Gpu;
use self::thread::Start;
use super::{Application, Backend, DisplayError, Output, launch::Launcher, queue::QueuedControls};
use crate::frame;

/// gamescope as a [`Backend`].
#[derive(Clone, Debug)]
pub struct Gamescope(Arc<Setup>);

/// How displays of gamescope are made.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Starts what runs in the session.
    pub launcher: Arc<dyn Launcher>,
    /// Program and arguments that call [`inside::run`] with the words that follow.
    pub program: Vec<OsString>,
    /// Further arguments for gamescope, before the application: `--steam`.
    pub options: Vec<OsString>,
    /// Whether it may run on a software driver.
    pub gpu: Gpu,
    /// How long PipeWire and gamescope may take to start, each.
    pub patience: Duration,
}

impl Setup {
    /// Longer than gamescope takes on a slow machine, shorter than a client waits.
    pub const PATIENCE: Duration = Duration::from_secs(12);

    /// Our program in the session with these words.
    fn words(&self, task: &task::Task) -> Vec<OsString> {
        self.program.iter().cloned().chain(task.words()).collect()
    }
}

impl Gamescope {
    /// A backend of this kind.
    pub fn new(setup: Setup) -> Self {
        Self(Arc::new(setup))
    }
}

impl Backend for Gamescope {
    fn name(&self) -> &'static str {
        "gamescope"
    }

    /// Asks in the session, as the application's user and with its search path. Blocks until there is an answer.
    fn probe(&self) -> Result<(), DisplayError> {
        self.0.launcher.probe()?;
        probe::probe(&self.0)
    }

    fn changes_mode(&self) -> bool {
        false
    }

    fn open(&self, mode: Mode, application: &Application) -> Result<Output, DisplayError> {
        let (frames, receiver) = frame::channel();
        let (setup, application) = (Arc::clone(&self.0), application.clone());
        let controls = QueuedControls::start(move |inbox, started| {
            thread::run(Start { mode, application, setup, frames, inbox }, started);
        })?;
        Ok(Output { frames: receiver, controls: Box::new(controls) })
    }
}
