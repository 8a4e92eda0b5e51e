//! Processes of a session as children of this process: each the leader of its own group, ended with all of it.

use std::{
    ffi::OsString,
    io,
    os::{
        fd::OwnedFd,
        unix::{
            net::UnixListener,
            process::{CommandExt as _, ExitStatusExt as _},
        },
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, PidfdFlags, Signal};

use super::{Application, Companion, DisplayError, Launcher, Place, Process, WAYLAND_SOCKET, runtime_dir::RuntimeDir};

/// Starts the application as a child of the host, under the host's user: it can do what the host can.
#[derive(Clone, Debug)]
pub struct Children {
    base: PathBuf,
}

impl Children {
    /// Sessions get their runtime directories in `base`, a directory on a local file system with a short path: Unix
    /// sockets allow about 100 bytes.
    pub fn new(base: impl Into<PathBuf>) -> Self {
        Self { base: base.into() }
    }
}

impl Launcher for Children {
    fn probe(&self) -> Result<(), DisplayError> {
        RuntimeDir::create(&self.base).map(drop).map_err(|source| DisplayError::Missing {
            what: format!("a writable directory at {} ({source})", self.base.display()),
            remedy: "make it, or let XDG_RUNTIME_DIR name a directory of the host's user".into(),
        })
    }

    fn place(&self) -> Result<Box<dyn Place>, DisplayError> {
        let runtime_dir = RuntimeDir::create(&self.base).map_err(|error| {
            DisplayError::Failed(format!("no runtime directory in {}: {error}", self.base.display()))
        })?;
        Ok(Box::new(Here { companions: Vec::new(), runtime_dir, x_display: None }))
    }
}

/// A session's place under the host's own user.
struct Here {
    companions: Vec<Running>,
    runtime_dir: RuntimeDir,
    x_display: Option<u32>,
}

impl Place for Here {
    fn listen(&mut self, name: &str) -> io::Result<UnixListener> {
        let listener = UnixListener::bind(self.runtime_dir.path().join(name))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }

    fn prepare_xwayland(&mut self) -> io::Result<Vec<(OsString, OsString)>> {
        Ok(Vec::new())
    }

    fn xwayland_started(&mut self, number: u32) -> io::Result<u32> {
        self.x_display = Some(number);
        Ok(number)
    }

    fn accompany(&mut self, companion: &Companion) -> io::Result<()> {
        let environment = Environment { runtime_dir: self.runtime_dir.path(), x_display: self.x_display };
        self.companions.push(Running::accompany(companion, &environment)?);
        Ok(())
    }

    fn start(self: Box<Self>, application: &Application) -> Result<Box<dyn Process>, DisplayError> {
        let environment = Environment { runtime_dir: self.runtime_dir.path(), x_display: self.x_display };
        let running = Running::start(application, &environment)?;
        Ok(Box::new(ChildProcess { running, _companions: self.companions, _runtime_dir: self.runtime_dir }))
    }
}

/// The application as a child, and what goes after it.
#[derive(Debug)]
struct ChildProcess {
    running: Running,
    _companions: Vec<Running>,
    _runtime_dir: RuntimeDir,
}

impl Process for ChildProcess {
    fn watch(&self) -> io::Result<OwnedFd> {
        self.running.watch()
    }

    fn exited(&mut self) -> Option<String> {
        self.running.exited().map(describe)
    }

    fn terminate(&self) {
        self.running.terminate();
    }
}

/// A running application. Dropping it kills what is left of its process group.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    group: Pid,
}

/// Where the application finds its display.
pub(super) struct Environment<'a> {
    /// Its `XDG_RUNTIME_DIR`.
    pub(super) runtime_dir: &'a Path,
    /// The number of the X display, where there is an Xwayland.
    pub(super) x_display: Option<u32>,
}

impl Running {
    /// Starts `application`. The calling thread must live as long as the application: the kernel kills the
    /// application when that thread ends, so that not even a killed host leaves it behind.
    pub(super) fn start(application: &Application, environment: &Environment<'_>) -> Result<Self, DisplayError> {
        let mut words = application.command.iter();
        let program = words.next().cloned().unwrap_or_default();
        let mut command = Command::new(&program);
        command.args(words).stdin(Stdio::null());
        set_environment(&mut command, environment);
        command.envs(application.environment.iter().map(|(name, value): &(OsString, OsString)| (name, value)));
        if let Some(directory) = &application.directory {
            command.current_dir(directory);
        }
        Self::spawn(command).map_err(|source| DisplayError::Application { command: program, source })
    }

    /// Starts `companion` on its socket. The calling thread must live as long as it does.
    pub(super) fn accompany(companion: &Companion, environment: &Environment<'_>) -> io::Result<Self> {
        let mut words = companion.command.iter();
        let mut command = Command::new(words.next().cloned().unwrap_or_default());
        command.args(words).stdin(companion.socket.try_clone()?);
        set_environment(&mut command, environment);
        Self::spawn(command)
    }

    /// Starts a group of its own, which the kernel kills when the calling thread ends.
    fn spawn(mut command: Command) -> io::Result<Self> {
        command.process_group(0);
        // SAFETY: between fork and exec only async-signal-safe calls are allowed; prctl is a bare system call.
        unsafe {
            command.pre_exec(|| Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?));
        }
        let child = command.spawn()?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Ok(Self { child, group: group.ok_or(io::ErrorKind::InvalidData)? })
    }

    /// A descriptor that becomes readable when the application exits.
    pub(super) fn watch(&self) -> io::Result<OwnedFd> {
        Ok(rustix::process::pidfd_open(self.group, PidfdFlags::empty())?)
    }

    /// How it ended, once it has; never waits.
    pub(super) fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Asks the whole group to end.
    pub(super) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    fn signal(&self, signal: Signal) {
        // A group that is gone already is what was asked for.
        let _ = rustix::process::kill_process_group(self.group, signal);
    }

    fn group_is_alive(&self) -> bool {
        rustix::process::test_kill_process_group(self.group).is_ok()
    }
}

/// What is left of a group after its leader gets this long between SIGTERM and SIGKILL.
const LAST_WORDS: Duration = Duration::from_millis(200);

impl Drop for Running {
    fn drop(&mut self) {
        self.terminate();
        let deadline = Instant::now() + LAST_WORDS;
        while Instant::now() < deadline {
            // Reaping the leader is what lets an otherwise empty group vanish.
            let _ = self.child.try_wait();
            if !self.group_is_alive() {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

/// How an application ended, for the client and the log.
pub(in crate::display) fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("the application exited with status {code}"),
        (None, Some(signal)) => format!("the application was ended by signal {signal}"),
        (None, None) => format!("the application ended: {status}"),
    }
}

/// Variables that are meant for us: of a desktop, which would lead the application away from its display, and of the
/// service manager.
const FOREIGN: [&str; 14] = [
    "DISPLAY",
    "WAYLAND_SOCKET",
    "XAUTHORITY",
    "DESKTOP_STARTUP_ID",
    "XDG_ACTIVATION_TOKEN",
    "XDG_SESSION_ID",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "LISTEN_FDS",
    "LISTEN_PID",
    "NOTIFY_SOCKET",
    "SYSTEMD_EXEC_PID",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

fn set_environment(command: &mut Command, environment: &Environment<'_>) {
    for name in FOREIGN {
        command.env_remove(name);
    }
    command
        .env("XDG_RUNTIME_DIR", environment.runtime_dir)
        .env("WAYLAND_DISPLAY", WAYLAND_SOCKET)
        .env("XDG_SESSION_TYPE", "wayland");
    if let Some(number) = environment.x_display {
        command.env("DISPLAY", format!(":{number}"));
    }
}

#[cfg(test)]
mod tests {
    use super::describe;
    use std::{os::unix::process::ExitStatusExt as _, process::ExitStatus};

    #[test]
    fn an_end_is_told_with_status_or_signal() {
        assert_eq!(describe(ExitStatus::from_raw(3 << 8)), "the application exited with status 3");
        assert_eq!(describe(ExitStatus::from_raw(9)), "the application was ended by signal 9");
    }
}
