//! A host process with directories of its own, told apart from others by nothing but those.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::{fs::PermissionsExt as _, net::UnixDatagram},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The real program.
pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_punktfunk-host"))
}

/// Nothing that needs a port, a network or a desktop of the machine the test runs on.
pub(crate) const QUIET: &str = "\
[network]
listen = \"127.0.0.1\"
port = 0
mdns = { enable = false }
[display]
backend = \"synthetic\"
[console]
port = 0
";

/// Directories and configuration of a host; outlives its processes.
pub(crate) struct Home {
    dir: TempDir,
}

impl Home {
    /// With [`QUIET`] and `more` as configuration.
    pub(crate) fn new(more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("punktfunk.toml"), format!("{QUIET}{more}")).unwrap();
        Self { dir }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.dir.path().join("punktfunk.toml")
    }

    pub(crate) fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub(crate) fn runtime_dir(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    /// Made as the host makes it, for a server that runs in the test.
    pub(crate) fn make_runtime_dir(&self) -> PathBuf {
        fs::create_dir(self.runtime_dir()).unwrap();
        fs::set_permissions(self.runtime_dir(), fs::Permissions::from_mode(0o700)).unwrap();
        self.runtime_dir()
    }

    pub(crate) fn serve(&self) -> Command {
        let mut command = program();
        command.arg("serve").arg("--config").arg(self.config());
        command.arg("--state-dir").arg(self.state_dir()).arg("--runtime-dir").arg(self.runtime_dir());
        command
    }

    pub(crate) fn ctl(&self, args: &[&str]) -> Output {
        program().arg("ctl").arg("--runtime-dir").arg(self.runtime_dir()).args(args).output().unwrap()
    }
}

/// A running host that says by the service manager's protocol how it is.
pub(crate) struct Host {
    child: Child,
    notices: UnixDatagram,
}

impl Host {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(home: &Home) -> Self {
        Self::start_with(home, |_| {})
    }

    /// Likewise, with a say in the command.
    pub(crate) fn start_with(home: &Home, adjust: impl FnOnce(&mut Command)) -> Self {
        let mut host = Self::launch(home, adjust);
        host.wait_for("READY=1");
        host
    }

    /// Starts it, ready or not.
    pub(crate) fn launch(home: &Home, adjust: impl FnOnce(&mut Command)) -> Self {
        let socket = home.path().join("notify");
        let _ = fs::remove_file(&socket);
        let notices = UnixDatagram::bind(&socket).unwrap();
        notices.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut command = home.serve();
        command.env("NOTIFY_SOCKET", &socket).stderr(Stdio::piped());
        adjust(&mut command);
        Self { child: command.spawn().unwrap(), notices }
    }

    /// Waits for a notice with this line; everything that was said on the way.
    pub(crate) fn wait_for(&mut self, line: &str) -> Vec<String> {
        let mut said = Vec::new();
        let mut buffer = [0; 4096];
        while !said.iter().any(|each| each == line) {
            let Ok(length) = self.notices.recv(&mut buffer) else {
                let status = self.child.try_wait();
                panic!("the host never said {line:?} but {said:?}; {status:?}");
            };
            said.extend(String::from_utf8_lossy(&buffer[..length]).lines().map(str::to_owned));
        }
        said
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Reads its log until a line contains `text`.
    pub(crate) fn wait_for_log(&mut self, text: &str) -> String {
        let log = self.child.stderr.take().unwrap();
        let mut log = BufReader::new(log);
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "the log ended without {text:?}");
        }
        self.child.stderr = Some(log.into_inner());
        line
    }

    /// Waits for the end; what is left of its log.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap(), log)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a program wrote to its standard output.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a program wrote to its standard error.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
