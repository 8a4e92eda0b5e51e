//! The demo's client: the real `punktfunk`.

use std::{
    cell::RefCell,
    fs::File,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::host::program;

/// A client device with a state directory of its own.
pub(crate) struct Client {
    program: PathBuf,
    dir: PathBuf,
}

impl Client {
    /// A device nobody knows yet.
    pub(crate) fn new(dir: &Path) -> Result<Self> {
        Ok(Self { program: program("punktfunk")?, dir: dir.to_owned() })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--state-dir").arg(self.dir.join("client")).args(args);
        command
    }

    /// Pairs with the host at `address`; the PIN goes over standard input, not over the command line.
    pub(crate) fn pair(&self, address: &str, pin: &str) -> Result<()> {
        let mut child = self
            .command(&["pair", address, "--name", "Demo client", "--pin-file", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("starting punktfunk pair")?;
        if let Some(stdin) = &mut child.stdin {
            writeln!(stdin, "{pin}")?;
        }
        let status = child.wait()?;
        ensure!(status.success(), "punktfunk pair ended with {status}");
        Ok(())
    }

    /// Streams for `time`, playing `script`.
    pub(crate) fn connect(&self, address: &str, mode: &str, time: Duration, script: &[String]) -> Result<Streaming> {
        let mut command = self.command(&["connect", address, "--mode", mode, "--json"]);
        command.arg("--seconds").arg(time.as_secs().to_string());
        for step in script {
            command.args(["--at", step]);
        }
        let log = File::create(self.dir.join("client.log"))?;
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().context("starting punktfunk connect")?;
        let mut stdout = child.stdout.take().context("the client's output")?;
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).map(|_| text)
        });
        Ok(Streaming { child: RefCell::new(child), reader, log: self.dir.join("client.log") })
    }
}

/// A session under way.
pub(crate) struct Streaming {
    child: RefCell<Child>,
    reader: std::thread::JoinHandle<std::io::Result<String>>,
    log: PathBuf,
}

impl Streaming {
    /// Whether the client has ended.
    pub(crate) fn is_over(&self) -> bool {
        !matches!(self.child.borrow_mut().try_wait(), Ok(None))
    }

    /// What the client says of the session once it is over.
    pub(crate) fn report(self) -> Result<Value> {
        let status = self.child.into_inner().wait()?;
        let text = self.reader.join().map_err(|_| anyhow::anyhow!("reading the client's report failed"))??;
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        ensure!(!text.trim().is_empty(), "the client ended with {status} and no report:\n{log}");
        serde_json::from_str(&text).with_context(|| format!("the client's report ({status}):\n{text}\n{log}"))
    }
}
