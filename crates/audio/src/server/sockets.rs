//! The server's sockets: made by us, served by its programs.

use std::{
    ffi::OsString,
    fs, io,
    mem::ManuallyDrop,
    os::{
        fd::{FromRawFd as _, OwnedFd},
        unix::{fs::DirBuilderExt as _, net::UnixListener, process::CommandExt as _},
    },
    path::Path,
    process::Command,
};

/// The names in the runtime directory, which clients look for.
pub(super) const PIPEWIRE: &str = "pipewire-0";
const PULSE: &str = "pulse/native";

#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) pipewire: OwnedFd,
    pub(super) pulse: OwnedFd,
}

impl Sockets {
    pub(super) fn bind(runtime_dir: &Path) -> io::Result<Self> {
        make_directory(&runtime_dir.join("pulse"))?;
        Ok(Self { pipewire: bind(&runtime_dir.join(PIPEWIRE))?, pulse: bind(&runtime_dir.join(PULSE))? })
    }
}

/// Binds in the place of what an earlier server left: the directory is this session's alone.
fn bind(path: &Path) -> io::Result<OwnedFd> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(UnixListener::bind(path)?.into()),
    }
}

/// Makes a directory for this user alone, if it is not there.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Becomes the program of `words` with the socket that is the standard input, as systemd hands over a socket: descriptor
/// 3, and variables that name it. Returns only if that fails.
pub fn serve_on(words: &[OsString]) -> io::Error {
    match hand_over(words) {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

fn hand_over(words: &[OsString]) -> io::Result<std::convert::Infallible> {
    let [program, arguments @ ..] = words else { return Err(io::ErrorKind::InvalidInput.into()) };
    // SAFETY: nothing of this process uses descriptor 3 from here on: it is replaced, or it ends. `ManuallyDrop` leaves the
    // descriptor open, as the program is to have it.
    let mut third = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(3) });
    rustix::io::dup2(io::stdin(), &mut third)?;
    let mut command = Command::new(program);
    command.args(arguments).env("LISTEN_PID", std::process::id().to_string()).env("LISTEN_FDS", "1");
    Err(command.exec())
}
