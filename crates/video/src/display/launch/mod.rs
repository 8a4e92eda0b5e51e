//! Where the processes of a session are started: the application, and Xwayland beside it.
//!
//! - [`Children`] starts them as children of the host, under its own user: development, tests, the demo.
//! - [`Service`] has them started by the session service, under a user who can read nothing of the host's: every
//!   connection to its socket is one session, and systemd answers it with a process of its own ([`runner`]), whose
//!   control group ends with the connection.
//!
//! What comes back from the session service is not trusted: replies are five bytes of a closed set, every wait for one
//! has an end, and descriptors only ever go to it, none comes back.

mod child;
pub mod relay;
pub mod runner;
mod runtime_dir;
mod service;
mod wire;
mod x_server;

use std::{
    ffi::OsString,
    fmt, io,
    os::{fd::OwnedFd, unix::net::UnixListener},
};

pub use child::Children;
pub(super) use child::describe;
pub use service::Service;

use super::{Application, Companion, DisplayError};

/// Where the processes of sessions are started.
pub trait Launcher: fmt::Debug + Send + Sync {
    /// Whether it works on this machine.
    ///
    /// # Errors
    /// What is missing and what to do.
    fn probe(&self) -> Result<(), DisplayError>;

    /// Makes the place of one session. The calling thread must live as long as what is started there.
    ///
    /// # Errors
    /// There is none, and what to do.
    fn place(&self) -> Result<Box<dyn Place>, DisplayError>;
}

/// Where one session's processes are started, with a runtime directory (`XDG_RUNTIME_DIR`) of their own.
pub trait Place {
    /// Opens a socket called `name` in the runtime directory, which only the application's user can enter. It does not
    /// block.
    ///
    /// # Errors
    /// The system's word.
    fn listen(&mut self, name: &str) -> io::Result<UnixListener>;

    /// What the environment of the program `Xwayland` has to hold so that the server starts here.
    ///
    /// # Errors
    /// The system's word.
    fn prepare_xwayland(&mut self) -> io::Result<Vec<(OsString, OsString)>>;

    /// Call it when `Xwayland` was started as display `number`: says under which number the application finds it.
    ///
    /// # Errors
    /// There is no Xwayland here, or it did not start.
    fn xwayland_started(&mut self, number: u32) -> io::Result<u32>;

    /// Starts a companion of the application, which ends with the place. Its own end goes unnoticed here: the host
    /// sees it on the companion's socket.
    ///
    /// # Errors
    /// It did not start.
    fn accompany(&mut self, companion: &Companion) -> io::Result<()>;

    /// Starts the application. The place ends with it.
    ///
    /// # Errors
    /// The application did not start.
    fn start(self: Box<Self>, application: &Application) -> Result<Box<dyn Process>, DisplayError>;

    /// A way to end the place from another thread, if it has one: shutting this socket down.
    ///
    /// # Errors
    /// The system's word.
    fn cut(&self) -> io::Result<Option<OwnedFd>> {
        Ok(None)
    }
}

/// Starts companions and waits until those that the application needs are ready. Without one the application runs all the
/// same: its loss is told by who holds the other end of its socket.
pub(super) fn accompany(place: &mut dyn Place, companions: &[Companion]) {
    for companion in companions {
        if let Err(error) = place.accompany(companion) {
            tracing::warn!(command = ?companion.command.first(), %error, "what runs beside the application is missing");
        }
    }
    companions.iter().for_each(Companion::wait_until_ready);
}

/// A running application. Dropping it ends it with everything that it started.
pub trait Process: fmt::Debug {
    /// A descriptor that becomes readable when [`Process::exited`] may have an answer.
    ///
    /// # Errors
    /// The system's word.
    fn watch(&self) -> io::Result<OwnedFd>;

    /// How it ended, once it has, for the client and the log; never waits.
    fn exited(&mut self) -> Option<String>;

    /// Asks it to end.
    fn terminate(&self);
}

/// The application's Wayland socket: the value of `WAYLAND_DISPLAY`.
pub const WAYLAND_SOCKET: &str = "wayland-0";
