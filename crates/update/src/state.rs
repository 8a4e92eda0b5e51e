//! What is known of the update that was staged last, across boots: staged, on trial, kept or taken back. No disk, no clock.
//!
//! The boot loader decides which slot runs, by the counter in the name of its boot entry. This follows it: what is found
//! on the machine ([`Machine`]) outweighs what was written down.
//!
//! ```text
//!            staged          the entry lost its counter: kept
//! (nothing) ───────▶ staged ──────────────────────────────────▶ (nothing)
//!                      │   the entry has no tries left and
//!                      └── another version runs: taken back ──▶ (nothing)
//! ```

use serde::{Deserialize, Serialize};

use crate::{
    machine::{Counter, Machine},
    model::{GatePart, GateReport, UpdateOutcome},
    version::Version,
};

/// What is kept in the state file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// What was put into the other slot and has not been settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staged: Option<Staged>,
    /// How the last update ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<UpdateOutcome>,
}

/// An update in the other slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Staged {
    /// The update.
    pub version: Version,
    /// What ran when it was staged.
    pub from: Version,
    /// Boots of it whose health check failed.
    #[serde(default)]
    pub failures: Vec<Failure>,
}

/// A boot that failed its health check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The kernel's id of that boot.
    pub boot: String,
    /// Tries that were left after it.
    pub tries_left: u32,
    /// What failed.
    pub part: GatePart,
    /// Why.
    pub reason: String,
}

/// What has to be done after a health check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: it passed, or this boot is no trial.
    Stay,
    /// The trial failed: start anew, so that the boot loader counts down and falls back.
    Reboot,
    /// The trial failed, and starting anew changes nothing: the counter does not run down, or there is nothing to go back
    /// to, as on a machine that was just flashed.
    Stuck,
}

impl State {
    /// An update was put into the other slot.
    pub fn staged(&mut self, version: Version, from: Version) {
        self.staged = Some(Staged { version, from, failures: Vec::new() });
    }

    /// Follows what the machine shows; whether anything changed.
    pub fn observe(&mut self, machine: &Machine, unix: u64) -> bool {
        let settled = self.settle(machine, unix);
        self.find_staged(machine) || settled
    }

    /// What `nixos-rebuild` put into the boot menu, to be started next and not tried to its end.
    fn find_staged(&mut self, machine: &Machine) -> bool {
        let Some(next) = &machine.next else { return false };
        let tries = machine.entry(next).and_then(|entry| entry.counter);
        let waits = *next != machine.running && tries.is_some_and(|tries| tries.left > 0);
        match &self.staged {
            Some(staged) if staged.version == *next || staged.version == machine.running && !waits => return false,
            None if !waits => return false,
            _ => {}
        }
        // What was staged before is not started any more.
        self.staged = None;
        if waits {
            self.staged(next.clone(), machine.running.clone());
        }
        true
    }

    fn settle(&mut self, machine: &Machine, unix: u64) -> bool {
        let Some(staged) = &self.staged else { return false };
        let entry = machine.entry(&staged.version);
        if machine.running == staged.version {
            // Without entries to look at, a boot that is not counted is none on trial.
            let kept = entry.map_or(machine.counter.is_none(), |entry| entry.counter.is_none());
            if kept {
                let Staged { version, from, .. } = staged.clone();
                (self.staged, self.last) = (None, Some(UpdateOutcome::Kept { version, from, unix }));
            }
            return kept;
        }
        match entry.map(|entry| entry.counter) {
            Some(Some(Counter { left: 0, done })) => {
                self.last = Some(staged.taken_back(&machine.running, done, unix));
                self.staged = None;
                true
            }
            // It was removed from the boot menu by hand.
            None if !machine.entries.is_empty() => {
                self.staged = None;
                true
            }
            // Not tried yet, or another one was chosen in the boot menu.
            None | Some(_) => false,
        }
    }

    /// What follows from a health check of this boot. `fault` stands in for a report that there is none of.
    pub fn judge(&mut self, machine: &Machine, report: Result<&GateReport, &str>) -> Verdict {
        let (part, reason) = match report {
            Ok(report) if report.passed => return Verdict::Stay,
            Ok(report) => match report.failure() {
                Some(failed) => (failed.part, failed.found.clone()),
                None => (GatePart::Check, "the health check did not say what failed".to_owned()),
            },
            Err(fault) => (GatePart::Check, fault.to_owned()),
        };
        // A boot that is not counted was not started by an update.
        let Some(counter) = machine.counter else { return Verdict::Stay };
        let running = &machine.running;
        // The slot may have been filled by hand: then nobody knows what ran before.
        let unknown = || Staged { version: running.clone(), from: running.clone(), failures: Vec::new() };
        let staged = match self.staged.take() {
            Some(staged) if staged.version == *running => staged,
            _ => unknown(),
        };
        let staged = self.staged.insert(staged);
        let failure = Failure { boot: machine.boot.clone(), tries_left: counter.left, part, reason };
        let earlier = staged.failures.iter().filter(|earlier| earlier.boot != failure.boot);
        // Each boot has fewer tries left than the one before it; else it would go on for ever.
        let runs_down = earlier.clone().all(|earlier| earlier.tries_left > counter.left);
        let few = earlier.count() < MOST_REBOOTS;
        staged.failures.retain(|earlier| earlier.boot != failure.boot);
        staged.failures.push(failure);
        if runs_down && few && machine.can_go_back() { Verdict::Reboot } else { Verdict::Stuck }
    }

    /// The owner has read how the last update ended; whether that is news.
    pub fn dismiss(&mut self) -> bool {
        match &mut self.last {
            Some(UpdateOutcome::TakenBack { dismissed, .. }) if !*dismissed => {
                *dismissed = true;
                true
            }
            _ => false,
        }
    }
}

impl Staged {
    fn taken_back(&self, running: &Version, tries: u32, unix: u64) -> UpdateOutcome {
        let never = || {
            "it did not come as far as the health check: it hung, crashed or lost power while it started; its kernel log \
             is in `journalctl --boot=-1`, if there is one"
                .to_owned()
        };
        let last = self.failures.last();
        UpdateOutcome::TakenBack {
            version: self.version.clone(),
            from: running.clone(),
            unix,
            tries,
            part: last.map(|failure| failure.part),
            reason: last.map_or_else(never, |failure| failure.reason.clone()),
            dismissed: false,
        }
    }
}

/// However a counter behaves, a machine is not started anew more often for one update.
const MOST_REBOOTS: usize = 5;

#[cfg(test)]
mod tests;
