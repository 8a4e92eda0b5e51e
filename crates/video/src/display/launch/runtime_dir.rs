//! The private directory of one session: the application's `XDG_RUNTIME_DIR`, with its sockets in it.

use std::{
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// A directory that only the host's user can enter; removed with everything in it when dropped.
#[derive(Debug)]
pub(super) struct RuntimeDir {
    path: PathBuf,
}

impl RuntimeDir {
    /// Makes a fresh directory in `base`. A name that is taken, by whatever, is passed over and never entered.
    pub(super) fn create(base: &Path) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = base.join(format!("punktfunk-{}-{count}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && count < u32::MAX => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for RuntimeDir {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the session's runtime directory stays behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RuntimeDir;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_runtime_directory_is_private_and_goes_with_its_owner() {
        let base = tempfile::tempdir().unwrap();
        let first = RuntimeDir::create(base.path()).unwrap();
        let second = RuntimeDir::create(base.path()).unwrap();
        assert_ne!(first.path(), second.path());
        assert_eq!(first.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::write(first.path().join("wayland-0"), "").unwrap();
        drop((first, second));
        assert_eq!(base.path().read_dir().unwrap().count(), 0);
    }
}
