//! A device of the house: the real client, with a state directory of its own.

use std::{
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::demo::host::program;

/// A client that keeps what it learns.
pub(crate) struct Device {
    program: PathBuf,
    dir: PathBuf,
}

impl Device {
    /// One that knows no host yet.
    pub(crate) fn new(dir: &Path, name: &str) -> Result<Self> {
        let dir = dir.join(name);
        std::fs::create_dir(&dir)?;
        Ok(Self { program: program("punktfunk")?, dir })
    }

    fn begin(&self, arguments: &[&str]) -> Result<Child> {
        Command::new(&self.program)
            .args(["--json", "--mdns", "off", "--state-dir"])
            .arg(self.dir.join("state"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(self.dir.join("client.log"))?)
            .spawn()
            .context("starting punktfunk")
    }

    fn end(&self, child: Child) -> Result<Value> {
        let output = child.wait_with_output()?;
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        if output.status.success() {
            return Ok(answer);
        }
        let log = std::fs::read_to_string(self.dir.join("client.log")).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(5).collect();
        bail!("the client ended with {}: {answer} {}", output.status, tail.join(" / "))
    }

    /// Pairs by PIN.
    pub(crate) fn pair(&self, host: SocketAddr, pin: &str) -> Result<()> {
        self.end(self.begin_to_pair(host, pin)?).map(drop)
    }

    /// Begins to, for whoever cuts the power meanwhile.
    pub(crate) fn begin_to_pair(&self, host: SocketAddr, pin: &str) -> Result<Child> {
        self.begin(&["pair", &host.to_string(), "--pin", pin, "--timeout", "30", "--name", "Living room"])
    }

    /// Streams for so many seconds without asking anybody anything; says how many frames were decoded.
    pub(crate) fn stream(&self, host: SocketAddr, seconds: u32, extra: &[&str]) -> Result<u64> {
        let report = self.end(self.begin_to_stream(host, seconds, extra)?)?;
        let count = |name: &str| report["counts"][name].as_u64().unwrap_or_default();
        ensure!(count("frames_decoded") > 0, "no frame was decoded: {}", report["counts"]);
        Ok(count("frames_decoded"))
    }

    /// Begins to, for whoever cuts the power meanwhile.
    pub(crate) fn begin_to_stream(&self, host: SocketAddr, seconds: u32, extra: &[&str]) -> Result<Child> {
        let (host, seconds) = (host.to_string(), seconds.to_string());
        let ask = ["connect", &host, "--mode", "320x180@30", "--bitrate", "1000", "--timeout", "30", "--wait", "30"];
        self.begin(&[&ask, &["--seconds", &seconds][..], extra].concat())
    }
}
