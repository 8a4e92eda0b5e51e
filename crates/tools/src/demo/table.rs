//! The one table the demo prints, and its checks.

use std::{fmt, time::Duration};

use serde_json::Value;

use super::host::Seen;

/// Something that had to be so.
pub(crate) struct Check {
    pub(crate) name: String,
    pub(crate) ok: bool,
    found: String,
}

/// What both sides said, and what was made of it.
pub(crate) struct Table {
    report: Value,
    host: Value,
    first_mode: Value,
    cpu: Duration,
    time: Duration,
    checks: Vec<Check>,
}

impl Table {
    pub(crate) fn new(report: &Value, seen: &Seen) -> Self {
        Self {
            report: report.clone(),
            host: seen.last.clone(),
            first_mode: seen.first_mode.clone(),
            cpu: seen.cpu,
            time: seen.time,
            checks: Vec::new(),
        }
    }

    pub(crate) fn check(&mut self, name: &str, ok: bool, found: impl Into<String>) {
        self.checks.push(Check { name: name.into(), ok, found: found.into() });
    }

    pub(crate) fn checks(&self) -> &[Check] {
        &self.checks
    }

    fn count(&self, name: &str) -> u64 {
        self.report["counts"][name].as_u64().unwrap_or_default()
    }

    /// What the numbers have to say.
    pub(crate) fn check_stream(&mut self, change_at: Duration, end_at: Duration, min_fps: f64) {
        let seconds = self.report["seconds"].as_f64().unwrap_or_default();
        self.check("it streams for the whole time", seconds >= end_at.as_secs_f64() - 1.0, format!("{seconds:.1} s"));
        let sent = self.first_mode["frames_sent"].as_f64().unwrap_or_default();
        let fps = sent / change_at.as_secs_f64();
        self.check("the picture moves at its rate", fps >= min_fps, format!("{fps:.1} frames/s at 1280x720@60"));
        let (received, decoded) = (self.count("frames_received"), self.count("frames_decoded"));
        let all = received > 0 && decoded == received;
        self.check("every frame that arrived is decoded", all, format!("{decoded} of {received}"));
        let lost = self.count("frames_lost");
        self.check("no frame is lost", lost == 0, format!("{lost} lost"));
        let modes: Vec<&str> =
            self.report["modes"].as_array().into_iter().flatten().filter_map(|entry| entry["mode"].as_str()).collect();
        let changed = modes == ["1280x720@60", "1920x1080@30"];
        let modes = modes.join(", then ");
        self.check("the mode changes without reconnecting", changed, modes);
        let own: Vec<(String, bool, String)> = self.report["checks"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|check| {
                let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
                (format!("client: {}", text("name")), check["ok"].as_bool().unwrap_or_default(), text("found"))
            })
            .collect();
        for (name, ok, found) in own {
            self.check(&name, ok, found);
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |name: &str| self.host[name].as_u64().unwrap_or_default();
        writeln!(f)?;
        writeln!(
            f,
            "Frames       captured {}  (replaced before encoding {})",
            host("frames_captured"),
            host("frames_dropped")
        )?;
        writeln!(
            f,
            "             sent {}  received {}  decoded {}",
            host("frames_sent"),
            self.count("frames_received"),
            self.count("frames_decoded")
        )?;
        writeln!(
            f,
            "             lost {}  packets recovered by parity {}",
            self.count("frames_lost"),
            self.count("packets_recovered")
        )?;
        let rate = self.report["mbit_per_s"].as_f64().unwrap_or_default();
        writeln!(f, "Network      {rate:.1} Mbit/s received, parity {} %", host("fec_percent"))?;
        let share = |cpu: f64, time: f64| if time > 0.0 { 100.0 * cpu / time } else { 0.0 };
        writeln!(
            f,
            "Processor    host {:.0} %  client {:.0} %  of one core",
            share(self.cpu.as_secs_f64(), self.time.as_secs_f64()),
            self.report["cpu_percent"].as_f64().unwrap_or_default()
        )?;
        writeln!(f)?;
        writeln!(f, "Latency in ms                p50      p95      p99")?;
        for stage in self.report["latency"].as_array().into_iter().flatten() {
            let millis = |key: &str| stage[key].as_f64().map_or("–".to_owned(), |us| format!("{:.2}", us / 1_000.0));
            let name = stage_name(stage["stage"].as_str().unwrap_or_default());
            writeln!(f, "  {name:<22} {:>8} {:>8} {:>8}", millis("p50_us"), millis("p95_us"), millis("p99_us"))?;
        }
        writeln!(f)?;
        for check in &self.checks {
            let mark = if check.ok { "ok  " } else { "FAIL" };
            writeln!(f, "{mark} {:<45} {}", check.name, check.found)?;
        }
        Ok(())
    }
}

/// The client's names for the stages, in words.
fn stage_name(stage: &str) -> &str {
    match stage {
        "queue" => "  waiting for encoder",
        "encode" => "  encode",
        "pace" => "  send, paced",
        "host" => "capture to sent",
        "network" => "network",
        "reassembly" => "  reassembly",
        "arrival" => "capture to reassembled",
        "moved" => "  without encoding",
        "wait" => "waiting for decoder",
        "decode" => "decode",
        "total" => "capture to decoded",
        other => other,
    }
}
