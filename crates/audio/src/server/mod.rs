//! A sound server of one session's own: PipeWire, its PulseAudio face and WirePlumber, with a configuration of ours.
//!
//! It has one output, no device, no D-Bus and no settings of a user. Its sockets are there before its programs are: they
//! are handed to them as systemd would, so that an application which starts at once waits instead of failing.

mod configuration;
mod sockets;

use std::{
    ffi::OsString,
    io,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt as _},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, PidfdFlags, Signal};

pub use sockets::serve_on;

use self::{configuration::Configuration, sockets::Sockets};
use crate::{
    Layout,
    line::{Part, SoundFault},
};

/// The sockets of a server that runs, or will.
#[derive(Debug)]
pub struct Server {
    places: Places,
    relay: Vec<OsString>,
    /// Until its program is started.
    pulse: Option<OwnedFd>,
    children: Vec<(Part, Child)>,
}

/// Where a server is found.
#[derive(Clone, Debug)]
struct Places {
    runtime_dir: PathBuf,
    configuration: PathBuf,
}

impl Server {
    /// Makes the sockets and the configuration in `runtime_dir`, the application's `XDG_RUNTIME_DIR`.
    ///
    /// # Errors
    /// [`SoundFault::Directory`].
    pub fn prepare(runtime_dir: &Path, layout: Layout) -> Result<Prepared, SoundFault> {
        let failed = |error: io::Error| {
            tracing::warn!(%error, directory = %runtime_dir.display(), "no place for a sound server");
            SoundFault::Directory
        };
        let sockets = Sockets::bind(runtime_dir).map_err(failed)?;
        let configuration = Configuration::new(layout).write(&runtime_dir.join("punktfunk-sound")).map_err(failed)?;
        Ok(Prepared { sockets, places: Places { runtime_dir: runtime_dir.to_owned(), configuration } })
    }

    /// Where its configuration is, for clients that read one: a directory with `client.conf`.
    pub fn configuration(&self) -> &Path {
        &self.places.configuration
    }

    /// The socket that clients of PipeWire connect to.
    pub fn socket(&self) -> PathBuf {
        self.places.runtime_dir.join(sockets::PIPEWIRE)
    }

    /// A descriptor for each program that becomes readable when that ends.
    ///
    /// # Errors
    /// The system's word.
    pub fn watch(&self) -> io::Result<Vec<(Part, OwnedFd)>> {
        self.children.iter().map(|(part, child)| Ok((*part, exit_of(child)?))).collect()
    }

    /// Starts what applications speak to that know PulseAudio: those that have connected wait for it. Call it once, when
    /// there is an output. Gives what [`Server::watch`] gives of the others.
    ///
    /// # Errors
    /// The program is not installed.
    pub fn start_pulse(&mut self) -> Result<(Part, OwnedFd), SoundFault> {
        let socket = self.pulse.take();
        self.start(Part::Pulse, socket)?;
        let exit = self.children.last().and_then(|(_, child)| exit_of(child).ok());
        exit.map(|exit| (Part::Pulse, exit)).ok_or(SoundFault::Ended(Part::Pulse))
    }

    fn start(&mut self, part: Part, socket: Option<OwnedFd>) -> Result<(), SoundFault> {
        let child = start(part, socket, &self.relay, &self.places).map_err(|error| {
            tracing::warn!(program = part.program(), %error, "a part of the sound server does not start");
            SoundFault::Missing(part)
        })?;
        self.children.push((part, child));
        Ok(())
    }

    /// The first program that has ended.
    pub fn ended(&mut self) -> Option<Part> {
        let mut children = self.children.iter_mut();
        children.find_map(|(part, child)| matches!(child.try_wait(), Ok(Some(_))).then_some(*part))
    }
}

fn exit_of(child: &Child) -> io::Result<OwnedFd> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?;
    Ok(rustix::process::pidfd_open(pid, PidfdFlags::empty())?)
}

impl Drop for Server {
    fn drop(&mut self) {
        for (_, child) in &mut self.children {
            // One that is gone already is what is wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Sockets that queue who connects, and a configuration.
#[derive(Debug)]
pub struct Prepared {
    sockets: Sockets,
    places: Places,
}

impl Prepared {
    /// Starts the programs, but for [`Server::start_pulse`]'s. `relay` is a program with its first words that calls [`serve_on`] with the words after them.
    /// The calling thread must live as long as the server: the kernel kills the programs when it ends.
    ///
    /// # Errors
    /// A program is not installed.
    pub fn start(self, relay: &[OsString]) -> Result<Server, SoundFault> {
        let Self { sockets: Sockets { pipewire, pulse }, places } = self;
        let mut server = Server { places, relay: relay.to_owned(), pulse: Some(pulse), children: Vec::new() };
        if let Some(part) = missing().first() {
            return Err(SoundFault::Missing(*part));
        }
        server.start(Part::PipeWire, Some(pipewire))?;
        server.start(Part::WirePlumber, None)?;
        Ok(server)
    }
}

/// Starts one program, on `socket` if it serves one.
fn start(part: Part, socket: Option<OwnedFd>, relay: &[OsString], places: &Places) -> io::Result<Child> {
    let program = find(part.program())?;
    let configuration::Invocation { words, environment } =
        configuration::Invocation::of(part, &program, &places.configuration)?;
    let mut command = match (&socket, relay) {
        (Some(_), [first, rest @ ..]) => {
            let mut command = Command::new(first);
            command.args(rest).arg(&program).args(words);
            command
        }
        _ => {
            let mut command = Command::new(&program);
            command.args(words);
            command
        }
    };
    command.env("XDG_RUNTIME_DIR", &places.runtime_dir).envs(environment);
    command.stdin(socket.map_or_else(Stdio::null, Stdio::from)).stdout(Stdio::null());
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; prctl is a bare system call.
    unsafe {
        command.pre_exec(|| Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?));
    }
    command.spawn()
}

/// Where the search path has `program`: said before anything is started.
fn find(program: &str) -> io::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|directory| directory.join(program));
    places.find(|place| is_program(place)).ok_or_else(|| io::ErrorKind::NotFound.into())
}

fn is_program(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// What of the server is not installed here, on the search path of this process.
pub fn missing() -> Vec<Part> {
    Part::ALL.into_iter().filter(|part| find(part.program()).is_err()).collect()
}

/// Whether a sound server of this user's session can be reached.
pub fn is_there() -> bool {
    std::env::var_os("XDG_RUNTIME_DIR")
        .is_some_and(|directory| UnixStream::connect(Path::new(&directory).join(sockets::PIPEWIRE)).is_ok())
}
