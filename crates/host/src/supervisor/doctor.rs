//! The host examines itself, from the display to a client's reassembled frames.

use std::{
    path::Path,
    sync::PoisonError,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use punktfunk_api::model::{Check, CheckOutcome, DoctorReport, Fault, FaultCode, Severity};

use super::{Supervisor, health::free_bytes};
use crate::session::selftest::{self, Streamed};

impl Supervisor {
    /// The last self test.
    pub(super) fn last_doctor(&self) -> Option<DoctorReport> {
        self.last_doctor.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tests itself; who comes while a test runs waits for that and takes its report. Blocks for some seconds.
    pub(super) fn run_doctor(&self) -> DoctorReport {
        let asked = Instant::now();
        let mut examining = self.examining.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(ended), Some(report)) = (*examining, self.last_doctor())
            && ended >= asked
        {
            return report;
        }
        self.look();
        let checks = self.check_all();
        let took = asked.elapsed().as_millis() as u64;
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let report = DoctorReport { unix, took_ms: took, checks };
        *self.last_doctor.lock().unwrap_or_else(PoisonError::into_inner) = Some(report.clone());
        *examining = Some(Instant::now());
        report
    }

    fn check_all(&self) -> Vec<Check> {
        let faults = self.faults().clone();
        let found = self.media.chosen();
        let of = |codes: &[FaultCode]| faults.iter().find(|fault| codes.contains(&fault.code));
        let display = found.backend.as_ref().map_or("none", |backend| backend.name());
        let encoder = found.encoder.map_or("none", |encoder| encoder.name());
        let application = self.config.session.command.first().map_or("the test picture", String::as_str);
        vec![
            check("display", of(&[FaultCode::NoDisplay]), format!("{display} makes the display")),
            check("encoder", of(&[FaultCode::NoEncoder]), format!("{encoder} compresses the picture")),
            check("application", of(&[FaultCode::NoApplication]), format!("{application} runs on it")),
            self.check_stream(),
            check("sound", of(&[FaultCode::NoSound]), self.sound()),
            check("gpu", of(&[FaultCode::NoGpu]), "a graphics card is there".into()),
            check("network", of(&[FaultCode::NoNetwork]), addresses()),
            check("ports", of(&[FaultCode::PortUnavailable]), self.ports()),
            self.reach.check(self.listen, self.config.network.media_port, self.console_port()),
            check("disk", of(&[FaultCode::DiskFull, FaultCode::StateNotWritable]), disk(&self.state_dir)),
            check("clock", of(&[FaultCode::ClockWrong]), "the clock is plausible".into()),
            check("update", of(&[FaultCode::UpdateTakenBack]), "no update was taken back".into()),
            check("gamepads", of(&[FaultCode::NoUinput]), "/dev/uinput can be opened".into()),
            check("pairing", of(&[FaultCode::PairingOpen]), "only paired devices are let in".into()),
        ]
    }

    fn check_stream(&self) -> Check {
        let passed = |outcome, found: String, remedy: Option<&str>| Check {
            id: "stream".into(),
            outcome,
            found,
            remedy: remedy.map(str::to_owned),
        };
        let Some(encoder) = self.media.chosen().encoder else {
            return passed(CheckOutcome::Skipped, "there is no encoder to stream with".into(), None);
        };
        if !self.sessions().all().is_empty() {
            let found = "not tried: a device streams now, and the test would take its time".to_owned();
            return passed(CheckOutcome::Skipped, found, None);
        }
        let bitrate = self.config.encoder.bitrate();
        match selftest::stream(encoder, bitrate) {
            Ok(streamed) if streamed.lost == 0 && streamed.rate() >= ENOUGH => {
                passed(CheckOutcome::Passed, streamed.in_words(), None)
            }
            Ok(streamed) => passed(CheckOutcome::Warned, streamed.in_words(), Some(TOO_SLOW)),
            Err(fault) => passed(CheckOutcome::Failed, fault.to_string(), Some(NOT_STREAMED)),
        }
    }

    fn sound(&self) -> String {
        if self.config.audio.enable { "what applications play is streamed" } else { "no sound, as configured" }
            .to_owned()
    }

    fn ports(&self) -> String {
        let console = match self.console_port() {
            Some(port) => format!("TCP {port} (console)"),
            None if self.config.console.enable => "no console".to_owned(),
            None => "no console, as configured".to_owned(),
        };
        format!("UDP {} (control) and {console} are listened on", self.listen.port())
    }
}

impl Streamed {
    /// Frames a second.
    fn rate(&self) -> f64 {
        (self.frames.saturating_sub(1)) as f64 / self.within.max(Duration::from_millis(1)).as_secs_f64()
    }

    fn in_words(&self) -> String {
        let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
        format!(
            "1280x720@60 to itself: {} frames, {:.1} a second, {} lost; captured to received {:.1} ms (half), {:.1} ms \
             (95 of 100); encoder {:.1} ms",
            self.frames,
            self.rate(),
            self.lost,
            millis(self.p50),
            millis(self.p95),
            f64::from(self.stages.encode.p50_us) / 1_000.0
        )
    }
}

/// What a fault makes of a check.
fn check(id: &str, fault: Option<&Fault>, passed: String) -> Check {
    let Some(fault) = fault else {
        return Check { id: id.to_owned(), outcome: CheckOutcome::Passed, found: passed, remedy: None };
    };
    let outcome = match fault.severity {
        Severity::Notice | Severity::Warning => CheckOutcome::Warned,
        Severity::Error => CheckOutcome::Failed,
    };
    Check { id: id.to_owned(), outcome, found: fault.what.clone(), remedy: Some(fault.remedy.clone()) }
}

fn addresses() -> String {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let outer = interfaces.iter().filter(|interface| !interface.is_loopback());
    let shown: Vec<String> = outer.map(|interface| format!("{} {}", interface.name, interface.ip())).take(8).collect();
    if shown.is_empty() { "this machine only".to_owned() } else { shown.join(", ") }
}

fn disk(state_dir: &Path) -> String {
    let place = state_dir.display();
    match free_bytes(state_dir) {
        Some(free) => format!("{place} can be written, {} MiB are left", free >> 20),
        None => format!("{place} can be written"),
    }
}

/// Frames a second of 60 that are enough.
const ENOUGH: f64 = 50.0;
const TOO_SLOW: &str =
    "the machine is too slow or too busy for 1280x720@60: close other programs, or use a graphics card";
const NOT_STREAMED: &str = "look at the log (`journalctl -u punktfunk-host`), and at the checks of display and encoder";
