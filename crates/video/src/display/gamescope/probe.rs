//! Whether gamescope would work, asked where it would run: a program of ours looks, as the application's user.

use std::{
    ffi::OsString,
    io,
    os::fd::OwnedFd,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use super::{
    Setup,
    task::Task,
    thread::{connection, next},
    wire::{Finding, FromSession, Version},
};
use crate::display::{Companion, DisplayError, launch::Launcher};

/// How long the answer may take: gamescope is asked for its version and its help.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks.
pub(super) fn probe(setup: &Setup) -> Result<(), DisplayError> {
    let command = setup.words(&Task::Probe(setup.gpu));
    let launcher = Arc::clone(&setup.launcher);
    let (answer, finding) = mpsc::sync_channel(1);
    // What the launcher starts lives no longer than the thread it is started on.
    let asking = std::thread::Builder::new().name("pf-probe".into()).spawn(move || {
        let _ = answer.send(ask(&*launcher, command));
    });
    let asking = asking.map_err(|error| DisplayError::Failed(format!("no thread to look for gamescope: {error}")))?;
    let finding = finding.recv().unwrap_or_else(|_| Err(DisplayError::Failed("the look for gamescope failed".into())));
    let _ = asking.join();
    judge(finding?)
}

fn ask(launcher: &dyn Launcher, command: Vec<OsString>) -> Result<Finding, DisplayError> {
    let failed = |error: io::Error| DisplayError::Failed(format!("gamescope could not be looked for: {error}"));
    let mut place = launcher.place()?;
    let (ours, theirs) = connection().map_err(failed)?;
    let companion = Companion { command, socket: Arc::new(theirs), ready: None };
    place.accompany(&companion).map_err(failed)?;
    // Only the companion holds its end now: if it ends, so does the wait.
    drop(companion);
    answer(&ours).map_err(failed)
}

fn answer(socket: &OwnedFd) -> io::Result<Finding> {
    match next(socket, None, Instant::now() + PATIENCE)? {
        FromSession::Found(finding) => Ok(finding),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// What to do about a finding.
fn judge(finding: Finding) -> Result<(), DisplayError> {
    let missing = |what: String, remedy: &str| Err(DisplayError::Missing { what, remedy: remedy.to_owned() });
    match finding {
        Finding::Works(version) => {
            tracing::info!(%version, "gamescope found");
            Ok(())
        }
        Finding::NoGamescope => missing(
            "the program `gamescope`".into(),
            "install gamescope 3.16.22 or newer where the user of the applications finds it",
        ),
        Finding::Broken => {
            missing("a gamescope that starts".into(), "run `gamescope --help` as the user of the applications")
        }
        Finding::NotHeadless(version) => missing(
            format!("a gamescope with `--backend headless` (here is {})", named(version)),
            "install gamescope 3.16.22 or newer; Debian 12's 3.11 cannot run without a screen",
        ),
        Finding::Deadlock(version) => missing(
            format!("a gamescope that works with this PipeWire (here is {})", named(version)),
            "install gamescope 3.16.22 or newer: older ones block themselves with PipeWire 1.6 and newer as soon as a \
             picture is asked for",
        ),
        Finding::NoPipewire => missing(
            "the program `pipewire`".into(),
            "install PipeWire where the user of the applications finds it: gamescope hands out its pictures through it",
        ),
        Finding::NoGpu => missing(
            "a GPU (a render node such as /dev/dri/renderD128 that the user of the applications may open)".into(),
            "install its driver, or set `display.gamescope.software = true` to draw on the processor, or take the display \
             \"embedded\"",
        ),
    }
}

fn named(version: Version) -> String {
    if version == Version::default() { "one that names no version".into() } else { version.to_string() }
}

#[cfg(test)]
mod tests {
    use super::{Finding, Version, judge};

    #[test]
    fn what_cannot_work_is_named_with_its_version_and_what_to_do() {
        assert!(judge(Finding::Works(Version(3, 16, 23))).is_ok());
        let told = |finding| judge(finding).unwrap_err().to_string();
        assert!(told(Finding::NotHeadless(Version(3, 11, 49))).contains("(here is 3.11.49)"));
        assert!(told(Finding::NotHeadless(Version::default())).contains("names no version"));
        assert!(told(Finding::Deadlock(Version(3, 16, 14))).contains("PipeWire 1.6"));
        assert!(told(Finding::NoGpu).contains("/dev/dri/renderD128"));
        assert!(told(Finding::NoPipewire).contains("`pipewire`"));
    }
}
