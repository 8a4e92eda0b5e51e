//! The state directory and the runtime directory: made if absent, refused if others could read them.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::{fs::FlockOperation, io::Errno};

use crate::error::StartError;

/// Where the host keeps what must survive it, unless told otherwise.
pub const STATE_DIR: &str = "/var/lib/punktfunk";
/// Where the host keeps its sockets, unless told otherwise.
pub const RUNTIME_DIR: &str = "/run/punktfunk";
/// Where the session service listens, unless told otherwise.
pub const SESSION_SOCKET: &str = "/run/punktfunk-session/launch.sock";

/// What a directory is for: said in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Identity and database.
    State,
    /// Sockets.
    Runtime,
}

impl Purpose {
    /// `state` or `runtime`, as in `--state-dir` and `--runtime-dir`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Runtime => "runtime",
        }
    }
}

/// Makes `path` (with its parents) if it is absent and makes sure that it is a directory of our own, closed to
/// others, that can be written.
///
/// # Errors
/// What is wrong with it and what to do. The mode of a directory that exists is never changed: it may be one that
/// was named by mistake, such as `/tmp`.
pub fn prepare(path: &Path, purpose: Purpose) -> Result<PathBuf, StartError> {
    let unusable = |fault: String| StartError::Directory { purpose, path: path.to_owned(), fault };
    let create = || fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    create().map_err(|error| unusable(format!("cannot be created: {error}")))?;
    let path = fs::canonicalize(path).map_err(|error| unusable(format!("cannot be found: {error}")))?;
    let metadata = fs::metadata(&path).map_err(|error| unusable(format!("cannot be examined: {error}")))?;
    let own = rustix::process::geteuid().as_raw();
    if metadata.uid() != own {
        return Err(unusable(format!("belongs to user {}, the host runs as user {own}", metadata.uid())));
    }
    if metadata.mode() & 0o077 != 0 {
        let mode = metadata.mode() & 0o7777;
        return Err(unusable(format!("is open to other users (mode {mode:04o}); run: chmod 700 {}", path.display())));
    }
    try_write(&path).map_err(|error| unusable(format!("cannot be written: {error}")))?;
    Ok(path)
}

/// The claim to a directory: while it lives no second host uses it, even one that was started at the same moment.
/// The kernel gives it up when the process ends, however it ends.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: fs::File,
}

impl DirectoryLock {
    /// Claims `directory`, which must exist.
    ///
    /// # Errors
    /// Another host holds it, or the lock file cannot be made.
    pub fn acquire(directory: &Path, purpose: Purpose) -> Result<Self, StartError> {
        let unusable = |error: io::Error| {
            let fault = format!("cannot be locked: {error}");
            StartError::Directory { purpose, path: directory.to_owned(), fault }
        };
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(directory.join("host.lock")).map_err(unusable)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: file }),
            Err(Errno::WOULDBLOCK) => Err(StartError::AlreadyRunning { purpose, path: directory.to_owned() }),
            Err(errno) => Err(unusable(errno.into())),
        }
    }
}

/// Removes what the sessions of a host that was killed left in `directory`, the runtime directory, which `_claim`
/// shows to be nobody else's.
pub fn sweep(directory: &Path, _claim: &DirectoryLock) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let is_session = entry.file_name().to_string_lossy().starts_with(SESSION_PREFIX);
        if is_session && let Err(error) = fs::remove_dir_all(entry.path()) {
            tracing::warn!(path = %entry.path().display(), %error, "what a killed host left cannot be removed");
        }
    }
}

/// How the directories begin that displays make for their sessions.
const SESSION_PREFIX: &str = "punktfunk-";

/// Finds out now, not at the first pairing, that the disk is full or read-only.
pub(crate) fn try_write(directory: &Path) -> io::Result<()> {
    // One name for all hosts: what a killed one left is taken over by the next.
    let probe = directory.join(".write-probe");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&probe)?;
    let written = file.write_all(b"probe\n").and_then(|()| file.sync_all());
    match fs::remove_file(&probe) {
        // A second host that starts in the same directory was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => written,
        removed => written.and(removed),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    };

    use super::{Purpose, prepare};

    #[test]
    fn an_absent_directory_is_made_for_the_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = prepare(&dir.path().join("a/b"), Purpose::State).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0, "the probe is removed");
    }

    #[test]
    fn a_directory_open_to_others_is_refused_and_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let error = prepare(dir.path(), Purpose::Runtime).unwrap_err().to_string();
        assert!(error.contains("chmod 700") && error.contains("--runtime-dir"), "{error}");
        assert_eq!(fs::metadata(dir.path()).unwrap().mode() & 0o777, 0o755);
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("state");
        fs::write(&file, "").unwrap();
        let error = prepare(&file, Purpose::State).unwrap_err().to_string();
        assert!(error.contains(file.to_str().unwrap()) && error.contains("--state-dir"), "{error}");
    }
}
