//! The honest client: the real `punktfunk`, with a state of its own.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::program;

/// A client device.
pub struct Client {
    dir: tempfile::TempDir,
}

/// What one run of the client came to.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit code.
    pub exit: i32,
    /// Its answer as JSON.
    pub answer: Value,
    /// What it wrote beside.
    pub said: String,
}

impl Client {
    /// A device that knows nobody and is known to nobody.
    ///
    /// # Errors
    /// No directory can be made for it.
    pub fn new() -> Result<Self> {
        Ok(Self { dir: tempfile::tempdir()? })
    }

    /// `punktfunk … --json`, to its end.
    ///
    /// # Errors
    /// It cannot be run, was killed, or answers with no JSON.
    pub async fn run(&self, args: &[&str]) -> Result<Outcome> {
        let mut command = Command::new(program("punktfunk")?);
        command.arg("--state-dir").arg(self.dir.path().join("state")).arg("--json").args(args).stdin(Stdio::null());
        if !args.contains(&"--mdns") {
            command.args(["--mdns", "off"]);
        }
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let exit = output.status.code().with_context(|| format!("punktfunk {args:?}: {}", output.status))?;
        let answer = serde_json::from_slice(&output.stdout).unwrap_or_default();
        Ok(Outcome { exit, answer, said })
    }

    /// Pairs by this PIN.
    ///
    /// # Errors
    /// Likewise.
    pub async fn pair(&self, host: &str, pin: &str) -> Result<Outcome> {
        self.run(&["pair", host, "--pin", pin, "--name", "Honest"]).await
    }

    /// Streams shortly.
    ///
    /// # Errors
    /// Likewise.
    pub async fn connect(&self, host: &str, extra: &[&str]) -> Result<Outcome> {
        let short = ["connect", host, "--mode", "320x180@30", "--seconds", "0.2", "--wait", "1"];
        self.run(&[&short[..], extra].concat()).await
    }

    /// The hosts it trusts.
    ///
    /// # Errors
    /// Likewise.
    pub async fn trusted(&self) -> Result<Vec<Value>> {
        Ok(self.run(&["hosts"]).await?.answer["hosts"].as_array().cloned().unwrap_or_default())
    }
}

impl Outcome {
    /// What it told its user.
    pub fn message(&self) -> &str {
        self.answer["error"]["message"].as_str().unwrap_or_default()
    }
}
