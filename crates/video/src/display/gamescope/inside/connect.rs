//! PipeWire in the session: the one that is there, or one of our own.

use std::{
    fs, io,
    os::unix::{net::UnixStream, process::CommandExt as _},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::runtime_file;
use crate::display::gamescope::wire::Fault;

/// A PipeWire of our own, or nothing. Dropping it ends it.
pub(super) struct Daemon(Option<Child>);

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Only what carries pictures from one program to another: no devices, no sound, no session manager.
const CONFIG: &str = r"
context.properties = { core.daemon = true core.name = pipewire-0 }
context.spa-libs = { support.* = support/libspa-support }
context.modules = [
  { name = libpipewire-module-protocol-native }
  { name = libpipewire-module-metadata }
  { name = libpipewire-module-spa-node-factory }
  { name = libpipewire-module-client-node }
  { name = libpipewire-module-access }
  { name = libpipewire-module-adapter }
  { name = libpipewire-module-link-factory }
]
";

/// The socket that every client of PipeWire looks for.
const SOCKET: &str = "pipewire-0";
/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(10);
/// There is nothing that tells when a socket is there.
const PAUSE: Duration = Duration::from_millis(5);

/// Returns when PipeWire takes connections. The session's sound may have brought one along, which serves as well.
pub(super) fn pipewire() -> Result<Daemon, Fault> {
    let mut daemon = Daemon(None);
    if !answers() {
        daemon.0 = Some(start().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Fault::NoPipewire,
            _ => Fault::PipewireFailed,
        })?);
    }
    let deadline = Instant::now() + PATIENCE;
    while !answers() {
        let ended = daemon.0.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None)));
        if ended || Instant::now() >= deadline {
            return Err(Fault::PipewireFailed);
        }
        std::thread::sleep(PAUSE);
    }
    Ok(daemon)
}

/// A connection to it.
pub(super) fn connection() -> io::Result<UnixStream> {
    UnixStream::connect(runtime_file(SOCKET)?)
}

fn answers() -> bool {
    connection().is_ok()
}

fn start() -> io::Result<Child> {
    let config = runtime_file("gamescope-pipewire.conf")?;
    fs::write(&config, CONFIG)?;
    let mut command = Command::new("pipewire");
    for name in ["PIPEWIRE_RUNTIME_DIR", "PIPEWIRE_REMOTE", "PIPEWIRE_CORE"] {
        command.env_remove(name);
    }
    command.arg("-c").arg(config).stdin(Stdio::null());
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; prctl is a bare system call.
    unsafe {
        command.pre_exec(|| Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?));
    }
    command.spawn()
}
