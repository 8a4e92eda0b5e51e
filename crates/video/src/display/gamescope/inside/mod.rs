//! What runs in the session, as the application's user: it looks whether gamescope would work, starts it, and carries its
//! pictures and input. One program of ours for all of it, told by its first words what to do.

mod canvas;
mod connect;
mod pictures;
mod probe;
mod screen;
mod seat;
mod start;

use std::{
    ffi::OsString,
    io,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::fs::FileTypeExt as _,
    },
    path::PathBuf,
};

use super::task::Task;

/// Does what `words` ask for, which are those that a host started this program with. The standard input is the connection
/// to the host.
///
/// # Errors
/// The words are none of the host's, or the system refused something; what the host has to know it has been told.
pub fn run(words: &[OsString]) -> io::Result<()> {
    let asked = Task::read(words).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "these words are not the host's; it starts this program itself")
    })?;
    match asked {
        Task::Probe(gpu) => probe::run(&host()?, gpu),
        Task::Screen(mode) => screen::run(&host()?, mode),
        Task::Start { mode, options, command } => Err(start::gamescope(mode, &options, &command)),
        Task::Application(command) => start::application(&command),
    }
}

/// The connection to the host.
fn host() -> io::Result<OwnedFd> {
    io::stdin().as_fd().try_clone_to_owned()
}

/// A file of the session's: sockets of PipeWire and gamescope, and the pipe of [`start`].
fn runtime_file(name: &str) -> io::Result<PathBuf> {
    let directory = std::env::var_os("XDG_RUNTIME_DIR").filter(|path| !path.is_empty());
    let directory = directory.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "XDG_RUNTIME_DIR is not set"))?;
    Ok(PathBuf::from(directory).join(name))
}

/// Where gamescope says that it is up, and what runs in it how it ended: a line each.
const PIPE: &str = "gamescope-says";

/// The pipe, if it is one.
fn pipe() -> io::Result<PathBuf> {
    let path = runtime_file(PIPE)?;
    if !path.metadata()?.file_type().is_fifo() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the pipe of this session is none"));
    }
    Ok(path)
}
