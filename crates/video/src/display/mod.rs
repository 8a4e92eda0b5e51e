//! A virtual display with one application on it, at exactly the client's mode.

mod clock;
pub mod embedded;
pub mod gamescope;
pub mod launch;
mod queue;
pub mod sway;
pub mod synthetic;

use std::{ffi::OsString, os::fd::OwnedFd, path::PathBuf, sync::Arc, time::Duration};

use punktfunk_proto::{input::SeatEvent, units::Mode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::frame::FrameReceiver;

/// What to put on the display.
#[derive(Clone, Debug, Default)]
pub struct Application {
    /// Program and arguments. Never passed through a shell.
    pub command: Vec<OsString>,
    /// Environment variables beside those the display sets itself.
    pub environment: Vec<(OsString, OsString)>,
    /// Working directory; the host's own when absent.
    pub directory: Option<PathBuf>,
    /// What of ours runs beside it.
    pub companions: Vec<Companion>,
}

/// A program of ours that runs beside the application: as its user, with its environment, from before its start until its
/// place ends. The socket is its standard input: what it says there is said by that user, and to be trusted no more.
#[derive(Clone, Debug)]
pub struct Companion {
    /// Program and arguments.
    pub command: Vec<OsString>,
    /// Its end of a connection to the host.
    pub socket: Arc<OwnedFd>,
    /// The application starts once this is readable, or a second later: the host's end of that connection, if the
    /// application needs what the companion makes.
    pub ready: Option<Arc<OwnedFd>>,
}

impl Companion {
    /// Waits for it as long as the application does. Blocks for [`COMPANION_WITHIN`] at most.
    pub(crate) fn wait_until_ready(&self) {
        let Some(ready) = &self.ready else { return };
        let until = Timespec::try_from(COMPANION_WITHIN).expect("a second is a time");
        if let Ok(0) = poll(&mut [PollFd::new(ready, PollFlags::IN)], Some(&until)) {
            tracing::warn!(command = ?self.command.first(), "the application starts without what runs beside it");
        }
    }
}

/// How long an application waits for a companion.
const COMPANION_WITHIN: Duration = Duration::from_secs(1);

/// A kind of display the host can make. Probed once at start; each session opens one of its own.
pub trait Backend: Send + Sync {
    /// Its name in configuration, logs and the console: `embedded`, `sway`.
    fn name(&self) -> &'static str;

    /// Whether it can work on this machine.
    ///
    /// # Errors
    /// What is missing and how to get it.
    fn probe(&self) -> Result<(), DisplayError>;

    /// Whether it starts companions of the application.
    fn has_companions(&self) -> bool {
        true
    }

    /// Whether its displays can be given another mode while they are open; one that cannot keeps its mode when asked.
    fn changes_mode(&self) -> bool {
        true
    }

    /// Makes a display and starts the application on it.
    ///
    /// # Errors
    /// The display could not be made, or the application not started.
    fn open(&self, mode: Mode, application: &Application) -> Result<Output, DisplayError>;
}

/// An open display: its frames for the encoder's thread, its controls for everybody else.
pub struct Output {
    /// The frames it paints.
    pub frames: FrameReceiver,
    /// Its controls. Dropping them ends the display and its application.
    pub controls: Box<dyn Controls>,
}

/// The controls of an open display. No call blocks on the display's thread.
pub trait Controls: Send + Sync {
    /// Acts on keyboard or pointer.
    fn input(&self, event: SeatEvent);

    /// Asks for another mode. Frames of the new mode follow; [`crate::frame::FrameInfo::mode`] tells them apart.
    fn set_mode(&self, mode: Mode);

    /// Paints a frame even if nothing changed (for a client that waits for a picture).
    fn repaint(&self);
}

/// Why there is no display.
#[derive(Debug, thiserror::Error)]
pub enum DisplayError {
    /// A program or library the backend needs is not here.
    #[error("{what} is missing: {remedy}")]
    Missing {
        /// The program or library.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// The application could not be started.
    #[error("the application {command:?} did not start: {source}; check `session.command` in the configuration")]
    Application {
        /// The program as configured.
        command: OsString,
        /// The system's word.
        source: std::io::Error,
    },
    /// The display itself failed.
    #[error("the display failed: {0}")]
    Failed(String),
}
