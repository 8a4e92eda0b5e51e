//! A stand-in for the program `Xwayland`: it hands on what Xwayland is started with, so that the server can run under
//! the application's user.
//!
//! smithay starts `Xwayland` itself, from the search path, and only so makes the client that its window manager
//! accepts. In the session service's case that name leads to a program of ours which calls [`run`].

use std::{
    ffi::{OsStr, OsString},
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{AsFd as _, FromRawFd as _, OwnedFd, RawFd},
        unix::net::{UnixListener, UnixStream},
    },
    path::Path,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
        recvmsg, sendmsg,
    },
};

/// Whether this process was started under the name `Xwayland`, and so has to call [`run`].
pub fn is_asked_for() -> bool {
    std::env::args_os().next().is_some_and(|name| Path::new(&name).file_name() == Some(OsStr::new(NAME)))
}

/// Sends the descriptors that this process was started with to whoever started it. Call it before any other thread
/// runs and before anything is opened.
///
/// # Errors
/// It was not started as smithay starts Xwayland.
pub fn run() -> io::Result<()> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let after = |flag: &str| words.iter().position(|word| word == flag).and_then(|at| words.get(at + 1)?.to_str());
    let wayland = std::env::var("WAYLAND_SOCKET").ok();
    let files = [wayland.as_deref(), after("-wm"), after("-displayfd")].map(|number| number?.parse::<RawFd>().ok());
    let [Some(wayland), Some(manager), Some(ready)] = files else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not started as Xwayland is"));
    };
    if wayland < 3 || manager < 3 || ready < 3 || wayland == manager || manager == ready || ready == wayland {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not the descriptors of Xwayland"));
    }
    // SAFETY: smithay's call to exec left these three open for this program, which has opened nothing else; they are
    // three different ones and each is taken once.
    let files = unsafe { [wayland, manager, ready].map(|number| OwnedFd::from_raw_fd(number)) };
    let directory = std::env::var_os("XDG_RUNTIME_DIR").unwrap_or_default();
    let connection = UnixStream::connect(Path::new(&directory).join(SOCKET))?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let borrowed = files.each_ref().map(|file| file.as_fd());
    // The space is made for exactly three.
    ancillary.push(SendAncillaryMessage::ScmRights(&borrowed));
    sendmsg(&connection, &[IoSlice::new(b"X")], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// The name that smithay looks for.
const NAME: &str = "Xwayland";
/// Where the relay reports, in its runtime directory.
const SOCKET: &str = "relay";
/// How long it may take to do so.
const PATIENCE: Duration = Duration::from_secs(10);

/// The other end: makes the relay be found, then waits for what it brings.
#[derive(Debug)]
pub(super) struct Relay {
    listener: UnixListener,
}

impl Relay {
    /// Prepares `directory`, a private one: `program` is what calls [`run`].
    pub(super) fn prepare(directory: &Path, program: &Path) -> io::Result<Self> {
        std::os::unix::fs::symlink(program, directory.join(NAME))?;
        Ok(Self { listener: UnixListener::bind(directory.join(SOCKET))? })
    }

    /// The environment that leads smithay to it.
    pub(super) fn environment(directory: &Path) -> Vec<(OsString, OsString)> {
        ["PATH", "XDG_RUNTIME_DIR"].map(|name| (name.into(), directory.into())).into()
    }

    /// The descriptors for Wayland, window manager and display number.
    pub(super) fn receive(self) -> io::Result<[OwnedFd; 3]> {
        let deadline = Instant::now() + PATIENCE;
        wait(&self.listener, deadline)?;
        let (connection, _) = self.listener.accept()?;
        wait(&connection, deadline)?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        recvmsg(&connection, &mut [IoSliceMut::new(&mut [0])], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
        let files = ancillary.drain().flat_map(|message| match message {
            RecvAncillaryMessage::ScmRights(files) => files.collect::<Vec<_>>(),
            _ => Vec::new(),
        });
        let files: Vec<OwnedFd> = files.collect();
        files.try_into().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the relay for Xwayland failed"))
    }
}

/// Waits until something can be read.
pub(super) fn wait(socket: impl std::os::fd::AsFd, deadline: Instant) -> io::Result<()> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let limit = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&socket, PollFlags::IN)], Some(&limit)) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
