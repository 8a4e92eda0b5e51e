//! The host's end of the session service.

use std::{
    ffi::OsString,
    io,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::{net::UnixListener, process::ExitStatusExt as _},
    },
    path::{Path, PathBuf},
    process::ExitStatus,
    time::{Duration, Instant},
};

use rustix::net::{
    AddressFamily, SendFlags, Shutdown, SocketAddrUnix, SocketFlags, SocketType, connect, shutdown, socket_with,
    sockopt::{Timeout, set_socket_timeout},
};

use super::{
    Application, Companion, DisplayError, Launcher, Place, Process,
    child::describe,
    relay::{Relay, wait},
    runtime_dir::RuntimeDir,
    wire::{Reply, Request},
};

/// Has the processes of a session started by the session service, as its user.
#[derive(Clone, Debug)]
pub struct Service {
    socket: PathBuf,
    base: PathBuf,
    relay: PathBuf,
}

impl Service {
    /// The service listens on `socket`. `base` is a directory that only the host's user can enter; `relay` is a program
    /// that calls [`super::relay::run`] when it is started as `Xwayland`.
    pub fn new(socket: impl Into<PathBuf>, base: impl Into<PathBuf>, relay: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into(), base: base.into(), relay: relay.into() }
    }
}

impl Launcher for Service {
    fn probe(&self) -> Result<(), DisplayError> {
        Connection::open(&self.socket).map(drop)
    }

    fn place(&self) -> Result<Box<dyn Place>, DisplayError> {
        let connection = Connection::open(&self.socket)?;
        Ok(Box::new(Elsewhere { connection, base: self.base.clone(), relay: self.relay.clone(), pending: None }))
    }
}

/// How long the service may take for an answer. It takes some 100 ms on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a session's processes may take to be gone. The service kills what is left after two seconds.
const END_LIMIT: Duration = Duration::from_secs(5);

/// A connection to the service, which is one session. Dropping it ends the session and waits until the service has.
#[derive(Debug)]
struct Connection(OwnedFd);

impl Connection {
    /// Connects and waits until the service is ready.
    fn open(path: &Path) -> Result<Self, DisplayError> {
        let missing = |source: io::Error| DisplayError::Missing {
            what: format!("the session service at {} ({source})", path.display()),
            remedy:
                "run: systemctl start punktfunk-session.socket, and see what `journalctl -u 'punktfunk-session@*'` \
                     says; or set `session.launcher = \"child\"` if the application may do all that the host can"
                    .into(),
        };
        let connection = Self::connect(path).map_err(missing)?;
        match connection.answer() {
            Ok(Reply::Ready) => Ok(connection),
            Ok(_) => Err(missing(io::ErrorKind::InvalidData.into())),
            Err(error) => Err(missing(error)),
        }
    }

    fn connect(path: &Path) -> io::Result<Self> {
        let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        // Holds for connecting too.
        set_socket_timeout(&socket, Timeout::Send, Some(PATIENCE))?;
        connect(&socket, &SocketAddrUnix::new(path)?)?;
        Ok(Self(socket))
    }

    fn answer(&self) -> io::Result<Reply> {
        wait(&self.0, Instant::now() + PATIENCE)?;
        Reply::receive(&self.0)?.ok_or_else(|| io::ErrorKind::ConnectionAborted.into())
    }

    /// Asks for something and waits until it is done.
    fn ask(&self, request: &Request, files: &[&OwnedFd]) -> io::Result<Reply> {
        let files: Vec<_> = files.iter().map(|file| file.as_fd()).collect();
        request.send(&self.0, &files, SendFlags::empty())?;
        match self.answer()? {
            Reply::Failed(errno) => Err(io::Error::from_raw_os_error(errno)),
            reply => Ok(reply),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Nothing to shut down means that the service is gone already.
        let _ = shutdown(&self.0, Shutdown::Write);
        let deadline = Instant::now() + END_LIMIT;
        while wait(&self.0, deadline).is_ok() {
            // What the service still had to say comes before the end.
            if !matches!(Reply::receive(&self.0), Ok(Some(_))) {
                return;
            }
        }
        tracing::warn!("the session service takes long to end the processes of a session");
    }
}

/// A session's place in the session service.
struct Elsewhere {
    connection: Connection,
    base: PathBuf,
    relay: PathBuf,
    pending: Option<(RuntimeDir, Relay)>,
}

impl Place for Elsewhere {
    fn listen(&mut self, name: &str) -> io::Result<UnixListener> {
        // The socket is ours, the name and the directory are the user's: it binds what we made, so that we know what
        // we listen on.
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        self.connection.ask(&Request::Listen { name: name.into() }, &[&socket])?;
        Ok(UnixListener::from(socket))
    }

    fn prepare_xwayland(&mut self) -> io::Result<Vec<(OsString, OsString)>> {
        let directory = RuntimeDir::create(&self.base)?;
        let relay = Relay::prepare(directory.path(), &self.relay)?;
        let environment = Relay::environment(directory.path());
        self.pending = Some((directory, relay));
        Ok(environment)
    }

    fn xwayland_started(&mut self, _number: u32) -> io::Result<u32> {
        let Some((_directory, relay)) = self.pending.take() else { return Err(io::ErrorKind::NotFound.into()) };
        let files = relay.receive()?;
        match self.connection.ask(&Request::Xwayland, &files.each_ref())? {
            Reply::XDisplay(number) => Ok(number),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn accompany(&mut self, companion: &Companion) -> io::Result<()> {
        let request = Request::Companion { command: companion.command.clone() };
        self.connection.ask(&request, &[&*companion.socket]).map(drop)
    }

    fn start(self: Box<Self>, application: &Application) -> Result<Box<dyn Process>, DisplayError> {
        let command = application.command.first().cloned().unwrap_or_default();
        match self.connection.ask(&Request::Start(application.clone()), &[]) {
            Ok(_) => Ok(Box::new(Remote { connection: self.connection })),
            Err(source) => Err(DisplayError::Application { command, source }),
        }
    }

    fn cut(&self) -> io::Result<Option<OwnedFd>> {
        self.connection.0.try_clone().map(Some)
    }
}

/// An application that the session service runs.
#[derive(Debug)]
struct Remote {
    connection: Connection,
}

impl Process for Remote {
    fn watch(&self) -> io::Result<OwnedFd> {
        self.connection.0.try_clone()
    }

    fn exited(&mut self) -> Option<String> {
        loop {
            match Reply::receive(&self.connection.0) {
                Ok(Some(Reply::Exited(status))) => return Some(describe(ExitStatus::from_raw(status))),
                Ok(Some(_)) => {}
                Ok(None) => return Some("the session service ended the application".into()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(error) => return Some(format!("the session service failed: {error}")),
            }
        }
    }

    fn terminate(&self) {
        // A service that takes no more requests is ended with its connection.
        let _ = Request::Terminate.send(&self.connection.0, &[], SendFlags::DONTWAIT);
    }
}
