//! The demo's host: the real daemon, spoken to through `ctl`.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::client::Streaming;

/// A running host.
pub(crate) struct Host {
    child: Child,
    runtime_dir: PathBuf,
    /// Where it listens.
    pub(crate) address: String,
    /// Its fingerprint in groups.
    pub(crate) fingerprint: String,
}

/// What the host said of its session while it ran.
#[derive(Default)]
pub(crate) struct Seen {
    /// Its last answer before the mode changed.
    pub(crate) first_mode: Value,
    /// Its final counters.
    pub(crate) last: Value,
    /// Processor time of the host and its application over the session, in seconds.
    pub(crate) cpu: Duration,
    /// Over this time.
    pub(crate) time: Duration,
}

const READY_WITHIN: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(200);

impl Host {
    /// Starts a host in `dir` on a free loopback port.
    pub(crate) fn start(dir: &Path, display: &str) -> Result<Self> {
        let config = dir.join("punktfunk.toml");
        fs::write(&config, configuration(display))?;
        let (state_dir, runtime_dir) = (dir.join("state"), dir.join("run"));
        let log = File::create(dir.join("host.log"))?;
        let child = Command::new(program("punktfunk-host")?)
            .arg("serve")
            .args([Path::new("--config"), &config, Path::new("--state-dir"), &state_dir])
            .args([Path::new("--runtime-dir"), &runtime_dir])
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .context("starting punktfunk-host")?;
        let mut host = Self { child, runtime_dir, address: String::new(), fingerprint: String::new() };
        let status = host.await_ready().with_context(|| log_tail(dir))?;
        host.address = status["listen"].as_str().unwrap_or_default().to_owned();
        host.fingerprint = status["fingerprint"].as_str().unwrap_or_default().to_owned();
        Ok(host)
    }

    fn await_ready(&mut self) -> Result<Value> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the host ended with {status} while starting");
            }
            if let Ok(status) = self.ctl(&["status"]) {
                return Ok(status);
            }
            ensure!(Instant::now() < deadline, "the host was not ready within {READY_WITHIN:?}");
            sleep(POLL);
        }
    }

    /// `punktfunk-host ctl … --json`.
    pub(crate) fn ctl(&self, args: &[&str]) -> Result<Value> {
        let output = Command::new(program("punktfunk-host")?)
            .args(["ctl", "--json", "--runtime-dir"])
            .arg(&self.runtime_dir)
            .args(args)
            .output()?;
        ensure!(output.status.success(), "ctl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).with_context(|| format!("the answer to ctl {args:?}"))
    }

    /// Arms a PIN.
    pub(crate) fn arm(&self) -> Result<String> {
        let armed = self.ctl(&["pair", "arm"])?;
        Ok(armed["pin"].as_str().context("no PIN in the answer")?.to_owned())
    }

    /// Asks for the session's counters until the client is done.
    pub(crate) fn watch(&self, streaming: &Streaming, change_at: Duration, end_at: Duration) -> Result<Seen> {
        let mut seen = Seen::default();
        let mut began = None;
        let cpu_before = self.cpu();
        let deadline = Instant::now() + end_at + READY_WITHIN;
        while !streaming.is_over() && Instant::now() < deadline {
            let sessions = self.ctl(&["sessions", "list"])?;
            if let Some(session) = sessions["sessions"].get(0) {
                let began = *began.get_or_insert_with(Instant::now);
                seen.time = began.elapsed();
                seen.cpu = self.cpu().saturating_sub(cpu_before);
                if began.elapsed() < change_at {
                    seen.first_mode = session.clone();
                }
            }
            sleep(POLL);
        }
        seen.last = self.last_session()?;
        Ok(seen)
    }

    /// The final counters of the session that just ended.
    fn last_session(&self) -> Result<Value> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let history = self.ctl(&["sessions", "history"])?;
            if let Some(session) = history["sessions"].as_array().and_then(|sessions| sessions.last()) {
                return Ok(session.clone());
            }
            ensure!(Instant::now() < deadline, "the session did not end on the host within {READY_WITHIN:?}");
            sleep(POLL);
        }
    }

    /// Processor time of the host so far, without its application.
    fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // After the program's name: utime and stime are fields 14 and 15 of the line (proc(5)).
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks: u64 = fields.get(11..13).into_iter().flatten().filter_map(|field| field.parse::<u64>().ok()).sum();
        Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }

    /// Ends it as systemd would.
    pub(crate) fn stop(mut self) -> Result<ExitStatus> {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::TERM)?;
        Ok(self.child.wait()?)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Already waited for after `stop`; otherwise the demo failed half-way.
        if let Ok(None) = self.child.try_wait() {
            let pid = rustix::process::Pid::from_child(&self.child);
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            let _ = self.child.wait();
        }
    }
}

fn configuration(display: &str) -> String {
    format!(
        r#"[host]
name = "punktfunk demo"

[network]
listen = "127.0.0.1"
port = 0

[network.mdns]
interfaces = ["lo"]

[console]
port = 0

[display]
backend = "{display}"

[session]
command = ["foot", "--override", "font=DejaVu Sans Mono:size=12", "perl", "-e", '''
{STAGE}''']
"#
    )
}

/// What is shown. Handed to perl on its command line: the session's user may not be able to read this repository.
const STAGE: &str = include_str!("../../demo/stage.pl");

/// A program built beside this one.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(path.exists(), "{} is missing; `make demo` builds it", path.display());
    Ok(path)
}

fn log_tail(dir: &Path) -> String {
    let log = fs::read_to_string(dir.join("host.log")).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    format!("the host's log ends with:\n{}", lines[lines.len().saturating_sub(10)..].join("\n"))
}
