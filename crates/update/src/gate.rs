//! What follows from the health check of a boot: `punktfunk-gate.service` runs the check as the host's user and then this,
//! as root. And what follows from the boot menu, where no service looks at it: on NixOS.

use std::{
    fs, io,
    path::Path,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    machine::{Machine, MachineFault},
    model::{GateReport, UpdateOutcome},
    places::Places,
    state::{State, Verdict},
    store,
};

/// Notes what the check found and, where a trial failed, starts the machine anew. `result` is how the check's process
/// ended, for where it left no report: systemd's `$SERVICE_RESULT/$EXIT_STATUS`.
///
/// # Errors
/// The machine cannot be looked at. Where the reason cannot be kept, the machine is started anew all the same.
pub fn judge(places: &Places, report: &Path, result: &str) -> Result<Verdict, MachineFault> {
    let machine = Machine::look(places)?;
    if result == STOPPED && !report.exists() {
        // The machine is being shut down while it is checked: that says nothing about the update.
        return Ok(Verdict::Stay);
    }
    let read = fs::read(report).ok().and_then(|text| serde_json::from_slice::<GateReport>(&text).ok());
    let fault = format!("the health check did not come to its end ({result})");
    let seen = read.as_ref().ok_or(fault.as_str());
    let verdict = change(places, |state| state.judge(&machine, seen));
    let verdict = verdict.unwrap_or_else(|error| {
        eprintln!("punktfunk-update: {error}");
        // Not kept, but decided: without the counter it would not be a trial.
        State::default().judge(&machine, seen)
    });
    match verdict {
        Verdict::Stay => {}
        Verdict::Stuck => eprintln!(
            "punktfunk-update: the trial of {} failed, but its tries do not run down or there is nothing to go back to: the \
             machine is left running",
            machine.running
        ),
        Verdict::Reboot => {
            eprintln!("punktfunk-update: the trial of {} failed: starting anew", machine.running);
            if let Err(error) = reboot(places) {
                eprintln!("punktfunk-update: {error}");
            }
        }
    }
    Ok(verdict)
}

/// How the check ends that systemd stops.
const STOPPED: &str = "signal/TERM";

/// Why the machine's updates cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowFault {
    /// The machine.
    #[error(transparent)]
    Machine(#[from] MachineFault),
    /// The state file.
    #[error(transparent)]
    Store(#[from] store::StoreFault),
    /// The service manager.
    #[error("the machine cannot be started anew: {0}")]
    Reboot(io::Error),
}

/// Notes what is started next and what became of the last update, and says what is news.
///
/// # Errors
/// The machine cannot be looked at, or the state not be kept.
pub fn observe(places: &Places) -> Result<State, FollowFault> {
    let machine = Machine::look(places)?;
    let (before, after) = change(places, |state| {
        let before = state.clone();
        state.observe(&machine, unix_now());
        (before, state.clone())
    })?;
    if let (Some(last), true) = (&after.last, after.last != before.last) {
        match last {
            UpdateOutcome::Kept { version, from, .. } => {
                eprintln!("punktfunk-update: {version} streams and stays; {from} ran before");
            }
            UpdateOutcome::TakenBack { version, from, reason, .. } => {
                eprintln!("punktfunk-update: {version} was taken back, {from} runs again: {reason}");
            }
        }
    }
    if let (Some(staged), true) = (&after.staged, after.staged != before.staged) {
        eprintln!("punktfunk-update: {} is tried when the machine starts next", staged.version);
    }
    Ok(after)
}

/// Starts the machine anew if something waits to be tried; whether it does.
///
/// # Errors
/// Likewise, or the service manager refuses.
pub fn apply(places: &Places) -> Result<bool, FollowFault> {
    let state = observe(places)?;
    let running = Machine::look(places)?.running;
    let Some(staged) = state.staged.filter(|staged| staged.version != running) else { return Ok(false) };
    eprintln!("punktfunk-update: starting anew with {}", staged.version);
    reboot(places).map_err(FollowFault::Reboot)?;
    Ok(true)
}

/// Seconds since 1970; a clock before that is at 0.
pub(crate) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Asks the service manager to start the machine anew; it goes on meanwhile.
///
/// # Errors
/// It could not be asked.
pub fn reboot(places: &Places) -> io::Result<()> {
    let status = Command::new(&places.systemctl).args(["--no-block", "reboot"]).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{}: {status}", places.systemctl.display()))) }
}

/// Changes the state and keeps it. Two processes of ours may do so: one waits for the other.
///
/// # Errors
/// It could not be kept.
pub fn change<T>(places: &Places, act: impl FnOnce(&mut State) -> T) -> Result<T, store::StoreFault> {
    let path = places.state();
    let failed = |source: io::Error| store::StoreFault { path: path.clone(), source };
    fs::create_dir_all(&places.state_dir).map_err(failed)?;
    let lock = fs::File::create(places.state_dir.join("lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    let before = store::load(&path);
    let mut after = before.clone();
    let result = act(&mut after);
    if after != before {
        store::save(&path, &after)?;
    }
    Ok(result)
}
