//! gamescope itself, and the application in it.
//!
//! gamescope's exit status says nothing of its application's. So between the two stands a process of ours, which waits for
//! the application and writes into the session's pipe how it ended.

use std::{
    ffi::OsString,
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::{Command, ExitStatus},
};

use punktfunk_proto::units::Mode;
use rustix::process::Signal;

use super::pipe;

/// What is written into the pipe beside gamescope's own line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The application ended.
    Exited(ExitStatus),
    /// The application did not start: an `errno`.
    NoApplication(i32),
    /// gamescope did not start: an `errno`.
    NoGamescope(i32),
}

impl Said {
    fn line(self) -> String {
        match self {
            Self::Exited(status) => format!("!exited {}\n", status.into_raw()),
            Self::NoApplication(errno) => format!("!application {errno}\n"),
            Self::NoGamescope(errno) => format!("!gamescope {errno}\n"),
        }
    }

    /// Reads a line; `None` for one of gamescope's.
    pub(super) fn read(line: &str) -> Option<Self> {
        let (what, number) = line.strip_prefix('!')?.split_once(' ')?;
        let number = number.trim_end().parse().ok()?;
        match what {
            "exited" => Some(Self::Exited(ExitStatus::from_raw(number))),
            "application" => Some(Self::NoApplication(number)),
            "gamescope" => Some(Self::NoGamescope(number)),
            _ => None,
        }
    }

    /// Writes it into the pipe. Nobody may read there any more.
    fn say(self) -> io::Result<()> {
        OpenOptions::new().write(true).open(pipe()?)?.write_all(self.line().as_bytes())
    }
}

/// Variables that would lead gamescope to another display or another PipeWire.
const FOREIGN: [&str; 6] = [
    "WAYLAND_DISPLAY",
    "DISPLAY",
    "PIPEWIRE_REMOTE",
    "PIPEWIRE_RUNTIME_DIR",
    "LIBEI_SOCKET",
    "GAMESCOPE_WAYLAND_DISPLAY",
];

/// Becomes gamescope; returns only if that fails.
pub(super) fn gamescope(mode: Mode, options: &[OsString], command: &[OsString]) -> io::Error {
    let pipe = match pipe() {
        Ok(pipe) => pipe,
        Err(error) => return error,
    };
    let mut gamescope = Command::new("gamescope");
    for name in FOREIGN {
        gamescope.env_remove(name);
    }
    gamescope
        .args(["--backend", "headless"])
        .args(["-W", &mode.width().to_string(), "-H", &mode.height().to_string()])
        .args(["-r", &mode.refresh().hz().to_string()])
        .arg("-R")
        .arg(pipe)
        .args(options)
        .arg("--")
        .args(command);
    let error = gamescope.exec();
    let _ = Said::NoGamescope(error.raw_os_error().unwrap_or_default()).say();
    error
}

/// Runs the application and says how it ended.
pub(super) fn application(command: &[OsString]) -> io::Result<()> {
    let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut application = Command::new(program);
    application.args(arguments);
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; prctl is a bare system call.
    unsafe {
        application.pre_exec(|| Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?));
    }
    match application.spawn() {
        Ok(mut running) => Said::Exited(running.wait()?).say(),
        Err(error) => {
            Said::NoApplication(error.raw_os_error().unwrap_or_default()).say()?;
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Said;
    use std::{os::unix::process::ExitStatusExt as _, process::ExitStatus};

    #[test]
    fn lines_in_the_pipe_are_read_as_they_were_written_and_gamescopes_own_is_none() {
        let ended = Said::Exited(ExitStatus::from_raw(9));
        for said in [ended, Said::NoApplication(2), Said::NoGamescope(13)] {
            assert_eq!(Said::read(&said.line()), Some(said));
        }
        for line in [":0 gamescope-0\n", "!exited\n", "!exited x\n", "!what 1\n", ""] {
            assert_eq!(Said::read(line), None, "{line}");
        }
    }
}
