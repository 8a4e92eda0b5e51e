//! The client as its users start it.

use std::{
    fs::File,
    io::Write as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use super::terminal;

/// A device with a state folder of its own.
pub(crate) struct Client {
    dir: TempDir,
}

/// How a command ended.
pub(crate) struct Outcome {
    pub(crate) exit: i32,
    /// The one JSON object on standard output.
    pub(crate) value: Value,
    pub(crate) stderr: String,
}

impl Client {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_punktfunk"));
        command.arg("--state-dir").arg(self.dir.path().join("state")).arg("--json");
        // A test that wants mDNS says so itself.
        let mdns: &[&str] = if args.contains(&"--mdns") { &[] } else { &["--mdns", "off"] };
        command.args(mdns).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap()
    }

    /// On a terminal, which is returned: what is written to it is typed.
    pub(crate) fn spawn_on_terminal(&self, args: &[&str]) -> (Child, File) {
        let (ours, theirs) = terminal::open();
        (self.command(args).stdin(theirs).spawn().unwrap(), ours)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Outcome {
        self.run_with(args, "")
    }

    /// With something to read on standard input.
    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Outcome {
        let mut child = self.spawn(args);
        // A command that reads nothing may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Outcome::of(child)
    }

    /// What `punktfunk hosts` lists.
    pub(crate) fn hosts(&self) -> Vec<Value> {
        let listed = self.run(&["hosts"]);
        assert_eq!(listed.exit, 0, "{}", listed.stderr);
        listed.value["hosts"].as_array().unwrap().clone()
    }
}

impl Outcome {
    /// Waits for the end.
    pub(crate) fn of(child: Child) -> Self {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}\n{stderr}"));
        Self { exit: output.status.code().unwrap(), value, stderr }
    }

    pub(crate) fn message(&self) -> &str {
        self.value["error"]["message"].as_str().unwrap_or_default()
    }

    pub(crate) fn close_code(&self) -> Option<u64> {
        self.value["error"]["close_code"].as_u64()
    }

    pub(crate) fn count(&self, name: &str) -> u64 {
        self.value["counts"][name].as_u64().unwrap_or_else(|| panic!("no {name} in {}", self.value))
    }
}
