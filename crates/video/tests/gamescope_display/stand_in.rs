//! What stands in for gamescope, and a display on it.

use std::{
    ffi::OsString,
    fs,
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use punktfunk_proto::units::Mode;
use punktfunk_video::{
    display::{
        Application, Backend as _, DisplayError, Output,
        gamescope::{Gamescope, Gpu, Setup},
        launch::{Children, Launcher},
    },
    frame::{CapturedFrame, Received},
};
use tempfile::TempDir;

use crate::eis::{Typed, serve};

/// Long enough for any program to start on a busy machine; a test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Red, green and blue of the test picture.
pub(crate) const COLOUR: [u8; 3] = [0x20, 0x50, 0x80];

/// What the script does can be set: `RATE`, `FAULT`, `VERSION`, `HELP`.
const SCRIPT: &str = include_str!("gamescope.sh");

/// A stand-in for gamescope in a directory of its own.
pub(crate) struct StandIn {
    directory: TempDir,
    variables: Vec<(&'static str, String)>,
    patience: Duration,
    gpu: Gpu,
}

impl StandIn {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let stand_in = Self { directory, variables: Vec::new(), patience: PATIENCE, gpu: Gpu::Any };
        stand_in.program("gamescope", SCRIPT);
        stand_in
    }

    /// A program that the session finds first.
    pub(crate) fn program(&self, name: &str, script: &str) {
        let bin = self.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join(name), script).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Sets what the script does.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    pub(crate) fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    pub(crate) fn needing_a_gpu(mut self) -> Self {
        self.gpu = Gpu::Needed;
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Where the runtime directories of sessions are made.
    pub(crate) fn base(&self) -> PathBuf {
        let base = self.path().join("run");
        fs::create_dir_all(&base).unwrap();
        base
    }

    pub(crate) fn backend(&self) -> Gamescope {
        self.backend_on(Arc::new(Children::new(self.base())), std::env::var_os("PATH").unwrap())
    }

    /// A backend whose sessions look for programs in `path` beside those of the stand-in.
    pub(crate) fn backend_on(&self, launcher: Arc<dyn Launcher>, path: OsString) -> Gamescope {
        let assigned = |name: &str, value: OsString| [name.into(), "=".into(), value].concat_all();
        let bin = [self.path().join("bin").into_os_string(), ":".into(), path].concat_all();
        let mut program = vec!["/usr/bin/env".into(), assigned("PATH", bin)];
        program.push(assigned("STAND_IN", self.path().into()));
        program.extend(self.variables.iter().map(|(name, value)| assigned(name, value.into())));
        program.push(std::env::current_exe().unwrap().into());
        program.extend(["--ignored", "--exact", "session_program", "--nocapture", "-q", "--"].map(OsString::from));
        Gamescope::new(Setup {
            launcher,
            program,
            options: vec!["--steam".into()],
            gpu: self.gpu,
            patience: self.patience,
        })
    }

    /// Opens a display with a shell script on it, which runs in the stand-in's directory.
    pub(crate) fn open(self, mode: &str, script: &str) -> Result<Screen, DisplayError> {
        let backend = self.backend();
        self.open_on(&backend, mode, &["sh", "-c", script])
    }

    pub(crate) fn open_on(self, backend: &Gamescope, mode: &str, command: &[&str]) -> Result<Screen, DisplayError> {
        let paints = !self.variables.iter().any(|(name, _)| ["FAULT", "LIE"].contains(name));
        let application = Application {
            command: command.iter().map(OsString::from).collect(),
            directory: Some(self.path().into()),
            ..Application::default()
        };
        // A source that crashes or hangs is GStreamer's fault: it gets another chance.
        for _ in 0..8 {
            let _ = fs::remove_file(self.path().join("eis"));
            let _ = fs::remove_file(self.path().join("crashed"));
            let typed = serve(UnixListener::bind(self.path().join("eis")).unwrap());
            let output = backend.open(mode.parse::<Mode>().unwrap(), &application)?;
            if !paints || self.has_painted(&output) {
                return Ok(Screen { output, typed, stand_in: self });
            }
        }
        panic!("GStreamer's source fails every time");
    }

    /// Waits for the first picture; false when its source has crashed, or paints nothing.
    fn has_painted(&self, output: &Output) -> bool {
        let deadline = Instant::now() + PATIENCE / 4;
        while Instant::now() < deadline {
            match output.frames.recv(Duration::from_millis(20)) {
                Received::Frame(_) => return true,
                Received::Idle if self.path().join("crashed").exists() => return false,
                Received::Idle => {}
                Received::Ended(reason) => panic!("the display ended: {reason}"),
            }
        }
        false
    }
}

trait ConcatAll {
    fn concat_all(self) -> OsString;
}

impl<const N: usize> ConcatAll for [OsString; N] {
    fn concat_all(self) -> OsString {
        self.into_iter().fold(OsString::new(), |mut all, part| {
            all.push(part);
            all
        })
    }
}

/// An open display.
pub(crate) struct Screen {
    pub(crate) output: Output,
    pub(crate) typed: Typed,
    pub(crate) stand_in: StandIn,
}

impl Screen {
    /// The next picture.
    pub(crate) fn frame(&self) -> CapturedFrame<'_> {
        match self.output.frames.recv(PATIENCE) {
            Received::Frame(frame) => frame,
            Received::Idle => panic!("no picture"),
            Received::Ended(reason) => panic!("the display ended: {reason}"),
        }
    }

    /// Waits for the end and returns its reason.
    pub(crate) fn end(&self) -> String {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Received::Ended(reason) = self.output.frames.recv(Duration::from_millis(100)) {
                return reason;
            }
        }
        panic!("the display never ended");
    }
}

/// Processes that run in a session below `base`.
pub(crate) fn processes_of(base: &Path) -> Vec<String> {
    let mark = format!("XDG_RUNTIME_DIR={}", base.display());
    let processes = fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable.starts_with(mark.as_bytes()))
    });
    processes.map(|entry| fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default()).collect()
}
