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

use punktfunk_proto::units::Mode;

use self::{compositor::find_program, runtime_dir::RuntimeDir, thread::Start, user::User};
use super::{Application, Backend, DisplayError, Output, queue::QueuedControls};
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
        let (frames, receiver) = frame::channel();
        let application = application.clone();
        // Ending one gives sway and the application up to 0.3 s each.
        let controls = QueuedControls::start(move |inbox, started| {
            thread::run(Start { mode, application, frames, inbox }, started);
        })?;
        Ok(Output { frames: receiver, controls: Box::new(controls) })
    }
}
