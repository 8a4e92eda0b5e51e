//! What is wrong with this host, and what to do about it: looked at when it starts and from time to time, told to
//! whoever asks.

use std::{
    path::Path,
    sync::{Arc, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use punktfunk_api::{
    HostEvent, Topic,
    model::{Fault, FaultCode, Health, HealthState, Severity},
};
use punktfunk_audio::{line::SoundFault, server};
use rustix::fs::{Access, access};

use super::{Supervisor, order::told};
use crate::{
    config::{PairingPolicy, SessionLauncher},
    directories, media,
    session::sound::SoundWord,
};

impl Supervisor {
    /// How the host is, as it was last looked at.
    pub(super) fn health(&self) -> Health {
        let faults = self.faults().clone();
        let state = match faults.iter().map(|fault| fault.severity).max() {
            Some(Severity::Error) => HealthState::Failed,
            Some(Severity::Warning) => HealthState::Degraded,
            Some(Severity::Notice) | None => HealthState::Ok,
        };
        Health { state, administrator: told(self.administrator().state()), faults }
    }

    /// What an operator ought to know, in a line each.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.config.pairing.policy == PairingPolicy::Open {
            warnings.push(OPEN_WARNING.to_owned());
        }
        warnings.extend(self.settings.warnings());
        let faults = self.faults();
        let bad = faults.iter().filter(|fault| fault.severity > Severity::Notice);
        warnings.extend(bad.map(|fault| format!("{}; {}", fault.what, fault.remedy)));
        warnings
    }

    /// Looks at the machine again. Blocks (disk, display, encoder).
    pub fn look(&self) {
        self.media.probe_again();
        let mut found = self.examine();
        found.extend(self.console_fault.lock().unwrap_or_else(PoisonError::into_inner).clone());
        found.sort_by_key(|fault| std::cmp::Reverse(fault.severity));
        let mut faults = self.faults();
        if *faults == found {
            return;
        }
        for fault in found.iter().filter(|fault| !faults.contains(fault)) {
            match fault.severity {
                Severity::Notice => tracing::info!(code = ?fault.code, remedy = fault.remedy, "{}", fault.what),
                Severity::Warning | Severity::Error => {
                    tracing::warn!(code = ?fault.code, remedy = fault.remedy, "{}", fault.what);
                }
            }
        }
        for gone in faults.iter().filter(|fault| !found.iter().any(|other| other.code == fault.code)) {
            tracing::info!(code = ?gone.code, "mended");
        }
        *faults = found;
        drop(faults);
        self.tell_health();
    }

    /// The console cannot be reached, or can again.
    pub(crate) fn set_console_fault(&self, fault: Option<Fault>) {
        *self.console_fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
        self.look();
    }

    /// Takes in what becomes of a session's sound.
    pub(super) fn hear_of_sound(self: &Arc<Self>) -> Box<dyn Fn(SoundWord) + Send> {
        let supervisor = Arc::clone(self);
        Box::new(move |word| {
            let fault = word.err();
            let mut known = supervisor.sound_fault.lock().unwrap_or_else(PoisonError::into_inner);
            if *known != fault {
                *known = fault;
                drop(known);
                let supervisor = Arc::clone(&supervisor);
                // Looking takes a while, and the sound goes on. Without a thread the next look shows it.
                let _ = std::thread::Builder::new().name("pf-look".into()).spawn(move || supervisor.look());
            }
        })
    }

    fn examine_sound(&self) -> Option<Fault> {
        if !self.config.audio.enable {
            return None;
        }
        let last = *self.sound_fault.lock().unwrap_or_else(PoisonError::into_inner);
        // With the session service the programs are looked for where sessions run, by the session.
        let is_here = self.config.session.launcher == SessionLauncher::Child;
        let missing = is_here.then(|| server::missing().first().copied()).flatten().map(SoundFault::Missing);
        let found = missing.or(last)?;
        let what = format!("sessions are silent: {found}");
        Some(fault(FaultCode::NoSound, Severity::Warning, what, found.remedy()))
    }

    /// Looks at the machine for as long as the host runs: often while something is wrong, rarely otherwise. After each
    /// look `told` gets the line on what the host does.
    pub async fn keep_health(self: Arc<Self>, told: impl Fn(&str)) {
        loop {
            let is_faulty = self.faults().iter().any(|fault| fault.severity > Severity::Notice);
            tokio::time::sleep(if is_faulty { WHILE_FAULTY } else { WHILE_WELL }).await;
            let supervisor = Arc::clone(&self);
            let looked = tokio::task::spawn_blocking(move || supervisor.look()).await;
            if let Err(error) = looked {
                tracing::error!(%error, "looking at the machine failed");
            }
            told(&self.status_line());
        }
    }

    /// Those who listen ask for the health again.
    pub(super) fn tell_health(&self) {
        self.tell(HostEvent::Changed(Topic::Health));
    }

    fn examine(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.examine_media(&mut faults);
        faults.extend(no_network(self.listen.ip()));
        examine_state(&self.state_dir, &mut faults);
        if SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) < EARLIEST_UNIX {
            faults.push(fault(
                FaultCode::ClockWrong,
                Severity::Warning,
                "the machine's clock is before 2025",
                "set it, or let the machine reach a time server; until then ends of access are wrong",
            ));
        }
        faults.extend(self.examine_sound());
        if let Some(what) = self.update_taken_back() {
            let remedy = "wait for a newer version, or stage this one again once what failed is mended; the console (About) \
                          and `ctl update dismiss` take this away, on NixOS `punktfunk-update dismiss`";
            faults.push(fault(FaultCode::UpdateTakenBack, Severity::Warning, what, remedy));
        }
        if access("/dev/uinput", Access::WRITE_OK).is_err() {
            faults.push(fault(
                FaultCode::NoUinput,
                Severity::Warning,
                "/dev/uinput cannot be opened, so there are no gamepads",
                "load the module uinput and let the host's user write to /dev/uinput",
            ));
        }
        if self.config.pairing.policy == PairingPolicy::Open {
            let remedy = "set pairing.policy to \"require\" unless everybody in this network is trusted";
            faults.push(fault(FaultCode::PairingOpen, Severity::Notice, OPEN_WARNING, remedy));
        }
        faults
    }

    fn examine_media(&self, faults: &mut Vec<Fault>) {
        let found = self.media.chosen();
        if found.backend.is_none() {
            let what = format!("no configured display works: {}", media::faults(&found.probes.displays));
            let remedy = "install what is missing, or set display.backend to one that works here";
            faults.push(fault(FaultCode::NoDisplay, Severity::Error, what, remedy));
        }
        if found.encoder.is_none() {
            let what = format!("no configured encoder works: {}", media::faults(&found.probes.encoders));
            let remedy = "install FFmpeg with libx264, or set encoder.backend to one that works here";
            faults.push(fault(FaultCode::NoEncoder, Severity::Error, what, remedy));
        }
        let session = &self.config.session;
        if session.command.is_empty() && self.config.display.backend.needs_application() {
            let what = "no application is configured, so there is nothing to stream";
            faults.push(fault(FaultCode::NoApplication, Severity::Error, what, "set session.command"));
        }
        if !has_render_node() {
            faults.push(fault(
                FaultCode::NoGpu,
                Severity::Warning,
                "there is no graphics card that could encode: the processor does it",
                "for more than 720p put one in, or check its driver (`ls /dev/dri`)",
            ));
        }
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn fault(code: FaultCode, severity: Severity, what: impl Into<String>, remedy: impl Into<String>) -> Fault {
    Fault { code, severity, what: what.into(), remedy: remedy.into() }
}

fn no_network(listen: std::net::IpAddr) -> Option<Fault> {
    if listen.is_loopback() {
        return None;
    }
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let reachable = interfaces.iter().any(|interface| !interface.is_loopback());
    (!reachable).then(|| {
        let remedy = "connect the machine to the network (`ip address` shows what it has)";
        fault(FaultCode::NoNetwork, Severity::Error, "no network interface has an address", remedy)
    })
}

fn examine_state(state_dir: &Path, faults: &mut Vec<Fault>) {
    let place = state_dir.display();
    if let Err(error) = directories::try_write(state_dir) {
        let what = format!("the state directory {place} cannot be written: {error}");
        let remedy = "make room on its disk, or mount it for writing; until then nobody can be paired";
        faults.push(fault(FaultCode::StateNotWritable, Severity::Warning, what, remedy));
    } else if let Some(free) = free_bytes(state_dir).filter(|free| *free < LEAST_FREE) {
        let what = format!("the disk of the state directory {place} has only {} MiB left", free >> 20);
        faults.push(fault(FaultCode::DiskFull, Severity::Warning, what, "make room on it"));
    }
}

/// What the host's user can still write there.
pub(super) fn free_bytes(path: &Path) -> Option<u64> {
    rustix::fs::statvfs(path).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn has_render_node() -> bool {
    let entries = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("renderD"))
}

/// Said by `ctl status` and the log as long as it is so.
const OPEN_WARNING: &str =
    "pairing.policy is \"open\": whoever reaches this host on the network can use it without asking";
/// How often a faulty host looks whether it was mended.
const WHILE_FAULTY: Duration = Duration::from_secs(30);
/// How often one that is well does.
const WHILE_WELL: Duration = Duration::from_secs(300);
/// Less is nearly full.
const LEAST_FREE: u64 = 32 << 20;
/// 2025-01-01: no clock that is right shows less.
const EARLIEST_UNIX: u64 = 1_735_689_600;
