//! The first evening of an owner, step by step: claim, login, a device that pairs and streams.

use anyhow::{Result, ensure};

use super::{Console, Device, Machine, Running, Table};

/// The owner, in front of the console.
pub(super) struct Visit<'v> {
    pub(super) console: &'v mut Console,
    pub(super) table: &'v mut Table,
}

impl Visit<'_> {
    pub(super) fn claims(&mut self, code: &str) -> Result<()> {
        let Self { console, table } = self;
        table
            .need("claimed with the code that the screen shows", || Ok((console.claim(code, PASSWORD)?, String::new())))
    }

    pub(super) fn logs_in(&mut self) -> Result<()> {
        let Self { console, table } = self;
        table.need("logged in", || Ok((console.log_in(PASSWORD)?, String::new())))
    }

    pub(super) fn pairs(&mut self, machine: &Machine, running: &Running) -> Result<Device> {
        let Self { console, table } = self;
        let device = Device::new(machine.dir(), "living-room")?;
        table.need("a client pairs by a PIN from the console", || {
            let pin = console.arm()?;
            Ok((device.pair(running.control(), &pin)?, String::new()))
        })?;
        Ok(device)
    }

    /// Types into what is streamed, does what `script` says beside it, and wants that many frames.
    pub(super) fn streams(&mut self, device: &Device, running: &Running, (frames, script): (u64, &[&str])) {
        self.table.step("it streams a terminal at 320x180", || {
            let script = [&["--at", "6s:type=ls -la /\\n"], script].concat();
            let decoded = device.stream(running.control(), 12, &script)?;
            ensure!(decoded >= frames, "only {decoded} frames in 12 s");
            Ok(((), format!("{decoded} frames in 12 s")))
        });
    }

    pub(super) fn tests_itself(&mut self) {
        let Self { console, table } = self;
        table.step("the self test of the console", || doctor(console));
    }
}

/// Nothing may have failed but the stream: 1280x720@60 is too much for a processor that is emulated. What makes gamepads
/// has to be open to the host from inside its sandbox.
fn doctor(console: &mut Console) -> Result<((), String)> {
    let report = console.ask("POST", "/api/v1/doctor", &serde_json::Value::Null)?;
    let checks: Vec<(String, String, String)> = report["checks"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|check| {
            let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
            (text("id"), text("outcome"), text("found"))
        })
        .collect();
    ensure!(!checks.is_empty(), "no checks in {report}");
    let failed: Vec<String> = checks
        .iter()
        .filter(|(id, outcome, _)| match id.as_str() {
            "stream" => false,
            "gamepads" => outcome != "passed",
            _ => outcome == "failed",
        })
        .map(|(id, _, found)| format!("{id}: {found}"))
        .collect();
    ensure!(failed.is_empty(), "{}", failed.join("; "));
    let found: Vec<String> = checks.iter().map(|(id, outcome, _)| format!("{id} {outcome}")).collect();
    Ok(((), found.join(", ")))
}

/// What the owner chose.
pub(super) const PASSWORD: &str = "correct horse battery";
