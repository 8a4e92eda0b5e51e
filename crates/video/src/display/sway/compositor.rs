//! A headless sway of our own: its configuration, its start, its end.

use std::{
    env,
    fs::{self, File},
    io::{self, Read as _},
    os::{
        fd::{BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use punktfunk_proto::units::Mode;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{CWD, FileType, Mode as FileMode, OFlags, mknodat, open},
};

use super::{
    ipc::{self, Ipc},
    process::Group,
    runtime_dir::RuntimeDir,
    user::User,
};
use crate::display::{Application, DisplayError};

/// A running sway. Dropping it ends it, then everything that was started on it.
#[derive(Debug)]
pub(super) struct Compositor {
    process: Group,
    user: Option<User>,
    sockets: Sockets,
    dir: RuntimeDir,
}

/// What sway says once it is up.
#[derive(Debug, PartialEq, Eq)]
struct Sockets {
    wayland: String,
    x_display: Option<String>,
}

impl Compositor {
    /// Starts sway with one output of this mode and waits until it takes clients.
    pub(super) fn start(mode: Mode) -> Result<Self, DisplayError> {
        let user = User::to_become()?;
        let dir = RuntimeDir::create(&User::base(user), user).map_err(failed("make a runtime directory"))?;
        let ready = make_fifo(&dir, user).map_err(failed("make a pipe"))?;
        fs::write(dir.file("config"), config(mode)).map_err(failed("write sway's configuration"))?;
        let log = File::create(dir.file("log")).map_err(failed("make a log for sway"))?;
        let process = Group::start(command(&dir, user, log), user).map_err(failed("start sway"))?;
        let sockets = await_sockets(ready, &process).map_err(|error| {
            let log = fs::read_to_string(dir.file("log")).unwrap_or_default();
            DisplayError::Failed(format!("sway did not start: {error}; its last words: {}", last_words(&log)))
        })?;
        Ok(Self { process, user, sockets, dir })
    }

    /// Connects as a Wayland client.
    pub(super) fn connect(&self) -> io::Result<UnixStream> {
        UnixStream::connect(self.dir.file(&self.sockets.wayland))
    }

    /// Connects to the command socket.
    pub(super) fn ipc(&self) -> io::Result<Ipc> {
        Ipc::connect(&self.dir.file(IPC_SOCKET))
    }

    /// sway's own process.
    pub(super) fn process(&mut self) -> &mut Group {
        &mut self.process
    }

    /// A descriptor that becomes readable when sway exits.
    pub(super) fn watch(&self) -> BorrowedFd<'_> {
        self.process.watch()
    }

    /// Starts the application on it, as the user that sway runs as.
    pub(super) fn launch(&self, application: &Application) -> Result<Group, DisplayError> {
        let program = application.command.first().cloned().unwrap_or_default();
        let mut command = Command::new(&program);
        command.args(application.command.iter().skip(1)).stdin(Stdio::null());
        set_environment(&mut command, self.dir.path(), self.user);
        command.env("WAYLAND_DISPLAY", &self.sockets.wayland).env("XDG_SESSION_TYPE", "wayland");
        if let Some(display) = &self.sockets.x_display {
            command.env("DISPLAY", display);
        }
        command.envs(application.environment.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &application.directory {
            command.current_dir(directory);
        }
        Group::start(command, self.user).map_err(|source| DisplayError::Application { command: program, source })
    }
}

fn failed(step: &'static str) -> impl Fn(io::Error) -> DisplayError {
    move |error| DisplayError::Failed(format!("could not {step}: {error}"))
}

const IPC_SOCKET: &str = "ipc.sock";
const READY_PIPE: &str = "ready";

/// How long sway may take to start. It takes 50 ms on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(15);

/// Variables of the host's own desktop that would lead sway or the application away from their display.
const FOREIGN: &[&str] = &[
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "WAYLAND_SOCKET",
    "SWAYSOCK",
    "I3SOCK",
    "XAUTHORITY",
    "DESKTOP_STARTUP_ID",
    "XDG_ACTIVATION_TOKEN",
    "XDG_SESSION_ID",
];

fn set_environment(command: &mut Command, dir: &Path, user: Option<User>) {
    for name in FOREIGN {
        command.env_remove(name);
    }
    command.env("XDG_RUNTIME_DIR", dir);
    if user.is_some() {
        // Our own home is not theirs; `nobody` has none.
        command.env("HOME", dir).env_remove("XDG_CONFIG_HOME").env_remove("XDG_CACHE_HOME").env_remove("XDG_DATA_HOME");
        command.current_dir(dir);
    }
}

fn command(dir: &RuntimeDir, user: Option<User>, log: File) -> Command {
    let mut command = Command::new("sway");
    command.arg("--config").arg(dir.file("config"));
    set_environment(&mut command, dir.path(), user);
    command
        .env("SWAYSOCK", dir.file(IPC_SOCKET))
        .env("WLR_BACKENDS", "headless")
        .env("WLR_RENDERER", "pixman")
        .env("WLR_LIBINPUT_NO_DEVICES", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    command
}

/// One output at exactly the mode, and on it windows without anything around them. The last line tells us what
/// sway called its sockets, once they are there.
fn config(mode: Mode) -> String {
    let output = ipc::set_mode(mode);
    let xwayland = if find_program("Xwayland").is_some() { "enable" } else { "disable" };
    format!(
        "{output}\n\
         xwayland {xwayland}\n\
         default_border none\n\
         default_floating_border none\n\
         for_window [app_id=\".*\" tiling] fullscreen enable\n\
         for_window [class=\".*\" tiling] fullscreen enable\n\
         exec printf '%s\\n%s\\n' \"$WAYLAND_DISPLAY\" \"$DISPLAY\" > \"$XDG_RUNTIME_DIR/{READY_PIPE}\"\n"
    )
}

/// Where a program lies in the search path.
pub(super) fn find_program(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(name)).find(|path| path.is_file())
}

fn make_fifo(dir: &RuntimeDir, user: Option<User>) -> io::Result<OwnedFd> {
    let path = dir.file(READY_PIPE);
    mknodat(CWD, &path, FileType::Fifo, FileMode::RUSR | FileMode::WUSR, 0)?;
    if let Some(User { uid, gid }) = user {
        std::os::unix::fs::chown(&path, Some(uid), Some(gid))?;
    }
    // Open for writing too: without a writer of its own a pipe reads as ended before anybody has written.
    Ok(open(path, OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC, FileMode::empty())?)
}

/// Waits for the two lines of the configuration's last command, or for sway's end.
fn await_sockets(ready: OwnedFd, process: &Group) -> io::Result<Sockets> {
    let deadline = Instant::now() + PATIENCE;
    let mut ready = File::from(ready);
    let mut text = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        let watch = process.watch();
        let mut fds = [PollFd::new(&ready, PollFlags::IN), PollFd::new(&watch, PollFlags::IN)];
        if poll(&mut fds, Some(&left))? == 0 {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it is not up after 15 seconds"));
        }
        let (has_text, has_ended) = (!fds[0].revents().is_empty(), !fds[1].revents().is_empty());
        if has_text {
            let mut chunk = [0; 256];
            let len = ready.read(&mut chunk)?;
            text.extend_from_slice(&chunk[..len]);
            if let Some(sockets) = read_sockets(&String::from_utf8_lossy(&text)) {
                return Ok(sockets);
            }
        } else if has_ended {
            return Err(io::Error::other("it ended"));
        }
    }
}

fn read_sockets(text: &str) -> Option<Sockets> {
    let (wayland, rest) = text.split_once('\n')?;
    let (x_display, _) = rest.split_once('\n')?;
    let x_display = (!x_display.is_empty()).then(|| x_display.to_owned());
    Some(Sockets { wayland: wayland.to_owned(), x_display })
}

/// The end of a log, in one line.
fn last_words(log: &str) -> String {
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(5)..].join(" | ")
}

#[cfg(test)]
mod tests {
    use super::{Sockets, last_words, read_sockets};

    #[test]
    fn the_names_of_the_sockets_are_read_when_both_lines_are_there() {
        assert_eq!(read_sockets("wayland-1\n"), None);
        let without_x = Sockets { wayland: "wayland-1".into(), x_display: None };
        assert_eq!(read_sockets("wayland-1\n\n"), Some(without_x));
        let with_x = Sockets { wayland: "wayland-1".into(), x_display: Some(":3".into()) };
        assert_eq!(read_sockets("wayland-1\n:3\n"), Some(with_x));
    }

    #[test]
    fn only_the_end_of_a_log_is_shown() {
        assert_eq!(last_words("a\nb\n\nc\nd\ne\nf\n"), "b | c | d | e | f");
        assert_eq!(last_words(""), "");
    }
}
