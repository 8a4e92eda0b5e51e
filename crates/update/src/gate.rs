//! What follows from the health check of a boot: `punktfunk-gate.service` runs the check as the host's user and then this,
//! as root.

use std::{fs, io, path::Path, process::Command};

use crate::{
    machine::{Machine, MachineFault},
    model::GateReport,
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
            "punktfunk-update: the trial of {} failed, but its tries do not run down: the machine is left running",
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
