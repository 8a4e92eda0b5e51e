//! The private directory of one session: sway's sockets, its configuration and its log.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::{fs::DirBuilderExt as _, fs::chown},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use super::{process, user::User};

/// A directory that only sway's user (and root) can enter. Dropping it kills the processes that have it as their
/// `XDG_RUNTIME_DIR` and removes it with everything in it.
#[derive(Debug)]
pub(super) struct RuntimeDir {
    path: PathBuf,
}

impl RuntimeDir {
    /// Makes a fresh directory in `base`. A name that is taken, by whatever, is passed over and never entered.
    pub(super) fn create(base: &Path, user: Option<User>) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = base.join(format!("{PREFIX}{}-{count}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {
                    let dir = Self { path };
                    if let Some(User { uid, gid }) = user {
                        chown(&dir.path, Some(uid), Some(gid))?;
                    }
                    return Ok(dir);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && count < u32::MAX => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// How the directories of all sessions begin.
const PREFIX: &str = "punktfunk-sway-";

impl Drop for RuntimeDir {
    fn drop(&mut self) {
        process::sweep(&self.path);
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the session's runtime directory stays behind");
        }
    }
}
