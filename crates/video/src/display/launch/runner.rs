//! The session service's end: one process for one session, as the application's user.
//!
//! It does what the host asks over its connection and ends when that is closed. Whoever starts it makes sure that
//! nothing outlives it: with systemd the unit's control group, which no process can leave.

use std::{
    ffi::OsString,
    io,
    os::{fd::OwnedFd, unix::process::ExitStatusExt as _},
    path::Path,
    sync::Arc,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{FdFlags, fcntl_setfd},
    net::{
        AddressFamily, SocketAddrUnix, SocketType, bind, listen,
        sockopt::{socket_domain, socket_type},
    },
};

use super::{
    Application, Companion, DisplayError,
    child::{Environment, Running},
    wire::{Reply, Request},
    x_server::XServer,
};

/// Serves the session behind `connection`, with the runtime directory `runtime_dir`, until it is closed. Calls `alive`
/// at least every two seconds: a watchdog that it feeds sees when this process was stopped by the application, whose
/// user is the same. The calling thread must be the process's only one.
///
/// # Errors
/// The connection is none, or the host breaks the protocol.
pub fn serve(connection: &OwnedFd, runtime_dir: &Path, mut alive: impl FnMut()) -> io::Result<()> {
    if (socket_domain(connection)?, socket_type(connection)?) != (AddressFamily::UNIX, SocketType::SEQPACKET) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the connection is no packet socket of a host"));
    }
    // Nothing that is started here may hold the connection open.
    fcntl_setfd(connection, FdFlags::CLOEXEC)?;
    let mut session = Session { runtime_dir, application: None, companions: Vec::new(), x_server: None };
    alive();
    Reply::Ready.send(connection)?;
    loop {
        alive();
        if wait(connection, session.exit())? {
            let Some((request, files)) = Request::receive(connection)? else { return Ok(()) };
            if let Some(reply) = session.act(request, files) {
                reply.send(connection)?;
            }
        }
        if let Some(status) = session.exited() {
            Reply::Exited(status).send(connection)?;
        }
    }
}

/// The longest time between two signs of life.
const SIGN_OF_LIFE: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

/// Waits for a request, for `exit`, or a while; says whether there is a request.
fn wait(connection: &OwnedFd, exit: Option<&OwnedFd>) -> io::Result<bool> {
    let mut watched = vec![PollFd::new(connection, PollFlags::IN)];
    watched.extend(exit.map(|exit| PollFd::new(exit, PollFlags::IN)));
    match poll(&mut watched, Some(&SIGN_OF_LIFE)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(!watched[0].revents().is_empty()),
        Err(error) => Err(error.into()),
    }
}

struct Session<'a> {
    runtime_dir: &'a Path,
    application: Option<Started>,
    companions: Vec<Running>,
    x_server: Option<XServer>,
}

/// The application, and what becomes readable when it exits; taken when it has.
struct Started {
    running: Running,
    exit: Option<OwnedFd>,
}

impl Session<'_> {
    /// Does what is asked for and says what to answer.
    fn act(&mut self, request: Request, files: Vec<OwnedFd>) -> Option<Reply> {
        let done = match request {
            Request::Listen { name } => listen_on(&self.runtime_dir.join(name), &files).map(|()| Reply::Done),
            Request::Xwayland => XServer::start(&files).map(|server| {
                let number = server.number();
                self.x_server = Some(server);
                Reply::XDisplay(number)
            }),
            Request::Companion { command } => self.accompany(command, files).map(|()| Reply::Done),
            Request::Start(application) => self.start(&application).map(|()| Reply::Done),
            Request::Terminate => {
                if let Some(started) = &self.application {
                    started.running.terminate();
                }
                return None;
            }
        };
        Some(done.unwrap_or_else(|error| {
            tracing::warn!(%error, "a request of the host failed");
            Reply::Failed(error.raw_os_error().unwrap_or(rustix::io::Errno::IO.raw_os_error()))
        }))
    }

    fn environment(&self) -> Environment<'_> {
        Environment { runtime_dir: self.runtime_dir, x_display: self.x_server.as_ref().map(XServer::number) }
    }

    fn accompany(&mut self, command: Vec<OsString>, files: Vec<OwnedFd>) -> io::Result<()> {
        let Ok([socket]) = <[OwnedFd; 1]>::try_from(files) else { return Err(rustix::io::Errno::INVAL.into()) };
        let companion = Companion { command, socket: Arc::new(socket) };
        self.companions.push(Running::accompany(&companion, &self.environment())?);
        Ok(())
    }

    fn start(&mut self, application: &Application) -> io::Result<()> {
        let running = Running::start(application, &self.environment()).map_err(|error| match error {
            DisplayError::Application { source, .. } => source,
            other => io::Error::other(other),
        })?;
        let exit = running.watch()?;
        self.application = Some(Started { running, exit: Some(exit) });
        Ok(())
    }

    fn exit(&self) -> Option<&OwnedFd> {
        self.application.as_ref()?.exit.as_ref()
    }

    /// The wait status of an application that has just ended.
    fn exited(&mut self) -> Option<i32> {
        let started = self.application.as_mut()?;
        started.exit.as_ref()?;
        let status = started.running.exited()?;
        started.exit = None;
        Some(status.into_raw())
    }
}

/// Binds the host's socket in the runtime directory. Our own copy of it is closed before any application runs.
fn listen_on(path: &Path, files: &[OwnedFd]) -> io::Result<()> {
    let [socket] = files else { return Err(rustix::io::Errno::INVAL.into()) };
    bind(socket, &SocketAddrUnix::new(path)?)?;
    listen(socket, 128)?;
    Ok(())
}
