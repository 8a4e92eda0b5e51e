//! The host under attack: a real process, spoken to through `ctl` as its owner does.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use punktfunk_proto::{pairing::Pin, units::Fingerprint};
use serde_json::Value;

use super::{PATIENCE, finding::MemoryWatch};

/// A running `punktfunk-host serve` with a directory of its own.
pub struct Victim {
    child: Child,
    dir: PathBuf,
    _owned: Option<tempfile::TempDir>,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its certificate.
    pub fingerprint: Fingerprint,
}

/// How a host ended that would not start.
#[derive(Debug)]
pub struct Refused {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it wrote.
    pub said: String,
}

impl Victim {
    /// A host in a fresh directory with `extra` lines of configuration beside the usual ones.
    ///
    /// # Errors
    /// It does not start; the text holds its log.
    pub fn start(extra: &str) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut victim = Self::start_in(dir.path(), extra)?;
        victim._owned = Some(dir);
        Ok(victim)
    }

    /// A host in `dir`, whose state it finds and leaves there.
    ///
    /// # Errors
    /// Likewise.
    pub fn start_in(dir: &Path, extra: &str) -> Result<Self> {
        match Self::try_start_in(dir, extra)? {
            Ok(victim) => Ok(victim),
            Err(refused) => bail!("the host ended with {}:\n{}", refused.status, refused.said),
        }
    }

    /// Likewise, but it may find that it must not start.
    ///
    /// # Errors
    /// Its files cannot be written, its program cannot be run, or it hangs.
    pub fn try_start_in(dir: &Path, extra: &str) -> Result<Result<Self, Refused>> {
        Self::run(dir, Command::new(program("punktfunk-host")?), &format!("{CONFIGURATION}{extra}"))
    }

    /// A host in `dir`, run by `command` (`serve` and its options are added) with exactly this configuration.
    ///
    /// # Errors
    /// Likewise.
    pub fn run(dir: &Path, mut command: Command, configuration: &str) -> Result<Result<Self, Refused>> {
        fs::write(dir.join("punktfunk.toml"), configuration)?;
        command.arg("serve").arg("--config").arg(dir.join("punktfunk.toml"));
        command.arg("--state-dir").arg(dir.join("state")).arg("--runtime-dir").arg(dir.join("run"));
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(dir.join("host.log"))?)
            .spawn()
            .with_context(|| format!("starting {command:?}"))?;
        let mut victim = Self {
            child,
            dir: dir.to_owned(),
            _owned: None,
            address: SocketAddr::from(([0; 4], 0)),
            fingerprint: Fingerprint::from_bytes([0; 32]),
        };
        let deadline = Instant::now() + PATIENCE;
        while !victim.log().contains(": ready ") {
            if let Some(status) = victim.child.try_wait()? {
                return Ok(Err(Refused { status, said: victim.log() }));
            }
            ensure!(Instant::now() < deadline, "the host is not ready:\n{}", victim.log());
            sleep(POLL);
        }
        let status = victim.ctl(&["status"])?;
        victim.address = text(&status["listen"])?.parse()?;
        victim.fingerprint = text(&status["fingerprint"])?.parse()?;
        Ok(Ok(victim))
    }

    /// `punktfunk-host ctl …`, whatever comes of it.
    ///
    /// # Errors
    /// The program cannot be run.
    pub fn try_ctl(&self, args: &[&str]) -> Result<Output> {
        let mut command = Command::new(program("punktfunk-host")?);
        Ok(command.args(["ctl", "--runtime-dir"]).arg(self.dir.join("run")).args(args).output()?)
    }

    /// `punktfunk-host ctl … --json`.
    ///
    /// # Errors
    /// It was refused.
    pub fn ctl(&self, args: &[&str]) -> Result<Value> {
        let output = self.try_ctl(&[args, &["--json"]].concat())?;
        let said = || String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
        ensure!(output.status.success(), "ctl {args:?}: {}: {}", output.status, said());
        serde_json::from_slice(&output.stdout).with_context(|| format!("the answer to ctl {args:?}: {}", said()))
    }

    /// Arms a PIN for anyone.
    ///
    /// # Errors
    /// It was refused.
    pub fn arm(&self) -> Result<Pin> {
        Ok(text(&self.ctl(&["pair", "arm"])?["pin"])?.parse()?)
    }

    /// Arms a PIN for one device.
    ///
    /// # Errors
    /// It was refused.
    pub fn arm_for(&self, device: Fingerprint) -> Result<Pin> {
        Ok(text(&self.ctl(&["pair", "arm", "--for", &device.to_string()])?["pin"])?.parse()?)
    }

    /// Whether a PIN waits to be used.
    ///
    /// # Errors
    /// The host does not answer.
    pub fn is_armed(&self) -> Result<bool> {
        Ok(!self.ctl(&["status"])?["pin_window"].is_null())
    }

    /// How many devices are paired.
    ///
    /// # Errors
    /// The host does not answer.
    pub fn devices(&self) -> Result<usize> {
        Ok(list(&self.ctl(&["devices", "list"])?, "devices").len())
    }

    /// The devices that knocked.
    ///
    /// # Errors
    /// The host does not answer.
    pub fn knocks(&self) -> Result<Vec<Value>> {
        Ok(list(&self.ctl(&["pending"])?, "knocks"))
    }

    /// Waits until `is_so` of the devices that knocked, and returns them.
    ///
    /// # Errors
    /// It never comes to that.
    pub async fn wait_for_knocks(&self, is_so: impl Fn(&[Value]) -> bool) -> Result<Vec<Value>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let knocks = self.knocks()?;
            if is_so(&knocks) {
                return Ok(knocks);
            }
            ensure!(Instant::now() < deadline, "it never came to that: {knocks:?}\n{}", self.log());
            tokio::time::sleep(POLL).await;
        }
    }

    /// Everything it wrote so far.
    pub fn log(&self) -> String {
        fs::read(self.dir.join("host.log")).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    /// Where it keeps its files.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Watches its memory from now on.
    pub fn watch_memory(&self) -> MemoryWatch {
        MemoryWatch::begin(self.child.id())
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends it as systemd would.
    ///
    /// # Errors
    /// It cannot be signalled.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::TERM)?;
        Ok(self.child.wait()?)
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Loopback, any port, no mDNS, a display that costs nothing. Ends within `[console]`.
pub const CONFIGURATION: &str = r#"
[network]
listen = "127.0.0.1"
port = 0
[display]
backend = "synthetic"
[log]
level = "info"
[console]
port = 0
"#;

/// A program of this workspace, built into the same folder as this one or, for a test, the folder above it.
///
/// # Errors
/// It is not built.
pub fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let found = own.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.with_context(|| format!("{name} is not built: cargo build -p punktfunk-host -p punktfunk-client"))
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("no text in the host's answer: {value}"))
}

fn list(answer: &Value, name: &str) -> Vec<Value> {
    answer[name].as_array().cloned().unwrap_or_default()
}

const POLL: Duration = Duration::from_millis(10);
