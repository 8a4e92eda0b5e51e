//! The health check that decides whether a new version of the system stays: a look at the running host from outside, as a
//! browser and as a device. `punktfunk-host gate` is its command, `punktfunk-gate.service` runs it.
//!
//! Faults of the house are none of an update's: no network cable, no application, a full disk do not fail it.

mod device;
mod web;

use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use punktfunk_update::model::{GatePart, GatePartReport, GateReport};

use crate::admin::{
    client::{AdminClient, AdminClientError},
    protocol::{AdminRequest, AdminResponse, HostStatus},
};

/// What the check may take.
#[derive(Clone, Debug)]
pub struct GateOptions {
    /// Where the host's admin socket is.
    pub runtime_dir: PathBuf,
    /// How long the host may take to answer at all.
    pub ready_within: Duration,
    /// How long frames, and then the answer to a key press, may take.
    pub stream_within: Duration,
}

/// Checks. Blocks for some seconds where all is well, for as long as the options say where it is not.
pub fn check(options: &GateOptions) -> GateReport {
    let begun = Instant::now();
    let mut parts = Vec::new();
    // The first that fails ends it: what follows needs it.
    let _ = check_parts(options, &mut parts);
    let took_ms = begun.elapsed().as_millis() as u64;
    GateReport { passed: parts.iter().all(|part| part.passed), took_ms, parts }
}

/// A part that failed is in the list already.
struct Failed;

fn check_parts(options: &GateOptions, parts: &mut Vec<GatePartReport>) -> Result<(), Failed> {
    let mut note = |part, found: Result<String, String>| {
        let passed = found.is_ok();
        parts.push(GatePartReport { part, passed, found: found.unwrap_or_else(|fault| fault) });
        if passed { Ok(()) } else { Err(Failed) }
    };
    let ready = ready(options);
    let said = |status: &HostStatus| format!("host {} answers", status.host_version);
    note(GatePart::Ready, ready.as_ref().map(said).map_err(Clone::clone))?;
    let Ok(status) = ready else { return Err(Failed) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return note(GatePart::Check, Err(format!("the system refuses a runtime: {error}"))),
    };
    note(GatePart::Console, runtime.block_on(web::console(options, &status)))?;
    let device = runtime.block_on(device::visit(options, &status));
    // What is left of a device that failed is not waited for.
    runtime.shutdown_background();
    note(GatePart::Stream, device.stream.map_err(|fault| explained(options, fault)))?;
    note(GatePart::Input, device.input)
}

/// Waits for the host's first answer.
fn ready(options: &GateOptions) -> Result<HostStatus, String> {
    let deadline = Instant::now() + options.ready_within;
    loop {
        match status(options) {
            Ok(status) => return Ok(status),
            Err(fault) if Instant::now() >= deadline => {
                return Err(format!("the host did not start within {} s: {fault}", options.ready_within.as_secs()));
            }
            Err(_) => thread::sleep(AGAIN),
        }
    }
}

fn status(options: &GateOptions) -> Result<HostStatus, AdminClientError> {
    match AdminClient::connect(&options.runtime_dir)?.call(&AdminRequest::Status)? {
        AdminResponse::Status(status) => Ok(status),
        _ => Err(AdminClientError::Protocol("another answer than the status".into())),
    }
}

/// `fault` with what the host itself finds wrong.
fn explained(options: &GateOptions, fault: String) -> String {
    let warnings = status(options).map(|status| status.warnings).unwrap_or_default();
    if warnings.is_empty() { fault } else { format!("{fault} (the host says: {})", warnings.join("; ")) }
}

/// Between two questions whether the host is there.
const AGAIN: Duration = Duration::from_millis(200);
