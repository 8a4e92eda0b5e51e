//! Files that only this user may touch: checked before they are read, written whole or not at all.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use zeroize::Zeroizing;

/// Why a file or folder of the state directory cannot be used. The text says the way out.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused.
    #[error("cannot {action} {}: {source}; check that the disk has room and that this user may write there", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Others may read or write it.
    #[error("{path} has mode {mode:04o}, so other users can reach it; run: chmod {wanted:04o} {path}", path = .path.display())]
    Mode {
        /// What.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What they must be.
        wanted: u32,
    },
    /// It belongs to somebody else.
    #[error(
        "{path} belongs to user {owner}, but the host runs as user {ours}; \
         run the host as its owner, or: chown {ours} {path}",
        path = .path.display()
    )]
    Owner {
        /// What.
        path: PathBuf,
        /// Whose.
        owner: u32,
        /// Who we are.
        ours: u32,
    },
    /// Not a plain file or folder where one must be.
    #[error("{} is not a plain {expected}; move it away", .path.display())]
    Kind {
        /// What.
        path: PathBuf,
        /// `file` or `folder`.
        expected: &'static str,
    },
    /// Another process works with the folder.
    #[error("{} is in use by another punktfunk-host; stop that one, or give this one its own --state-dir", .path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
}

impl FileError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// Makes the folder with mode 0700, or checks that nobody else can write to the one that is there. Others may look
/// into it: what it holds is checked piece by piece.
pub(crate) fn ensure_folder(path: &Path) -> Result<(), FileError> {
    if !exists(path)? {
        DirBuilder::new().recursive(true).mode(FOLDER).create(path).map_err(FileError::io("create", path))?;
    }
    // Followed, unlike files: the state directory itself may be a link to another disk.
    let metadata = fs::metadata(path).map_err(FileError::io("open", path))?;
    if !metadata.is_dir() {
        return Err(FileError::Kind { path: path.to_owned(), expected: "folder" });
    }
    check_owner_and_mode(path, &metadata, Others { refused: 0o022, wanted: FOLDER })
}

/// Checks that `path` is a plain folder, ours alone.
pub(crate) fn check_folder(path: &Path) -> Result<(), FileError> {
    let metadata = fs::symlink_metadata(path).map_err(FileError::io("open", path))?;
    if !metadata.is_dir() {
        return Err(FileError::Kind { path: path.to_owned(), expected: "folder" });
    }
    check_owner_and_mode(path, &metadata, Others { refused: 0o077, wanted: FOLDER })
}

/// Checks that `path` is a plain file, ours alone.
pub(crate) fn check_file(path: &Path) -> Result<(), FileError> {
    let metadata = fs::symlink_metadata(path).map_err(FileError::io("open", path))?;
    if !metadata.is_file() {
        return Err(FileError::Kind { path: path.to_owned(), expected: "file" });
    }
    check_owner_and_mode(path, &metadata, Others { refused: 0o077, wanted: FILE })
}

/// Reads a file that is ours alone and not longer than `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    check_file(path)?;
    let mut bytes = Zeroizing::new(Vec::new());
    let file = File::open(path).map_err(FileError::io("read", path))?;
    file.take(limit).read_to_end(&mut bytes).map_err(FileError::io("read", path))?;
    Ok(bytes)
}

/// Writes a file that must not exist yet, mode 0600, and waits until it is on the disk.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(FileError::io("write", path))
}

/// Writes a file that may exist: afterwards the old content is there or the new.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    remove_file(&new)?;
    create(&new, bytes)?;
    rename(&new, path)
}

/// Removes a file, if there is one.
pub(crate) fn remove_file(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Removes a folder with all that is in it, if there is one.
pub(crate) fn remove_folder(path: &Path) -> Result<(), FileError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Waits until the names in the folder are on the disk.
pub(crate) fn sync_folder(path: &Path) -> Result<(), FileError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(FileError::io("write", path))
}

/// Gives `from` the name `to` and waits until the name is on the disk.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), FileError> {
    let parent = to.parent().unwrap_or(Path::new("/"));
    fs::rename(from, to).and_then(|()| File::open(parent)?.sync_all()).map_err(FileError::io("write", to))
}

/// Holds the folder for this process until the result is dropped; the kernel lets go when the process dies.
pub(crate) fn lock(path: &Path) -> Result<File, FileError> {
    let folder = File::open(path).map_err(FileError::io("open", path))?;
    match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(folder),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(FileError::InUse { path: path.to_owned() }),
        Err(errno) => Err(FileError::io("lock", path)(errno.into())),
    }
}

/// Whether there is anything at `path`. What cannot be asked is an error, not an absence.
pub(crate) fn exists(path: &Path) -> Result<bool, FileError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(FileError::io("open", path)(error)),
    }
}

/// What other users may not do, and the mode that is right.
struct Others {
    refused: u32,
    wanted: u32,
}

fn check_owner_and_mode(path: &Path, metadata: &Metadata, others: Others) -> Result<(), FileError> {
    let ours = rustix::process::geteuid().as_raw();
    if metadata.uid() != ours {
        return Err(FileError::Owner { path: path.to_owned(), owner: metadata.uid(), ours });
    }
    let mode = metadata.mode() & 0o7777;
    if mode & others.refused != 0 {
        return Err(FileError::Mode { path: path.to_owned(), mode, wanted: others.wanted });
    }
    Ok(())
}

/// Mode of folders.
const FOLDER: u32 = 0o700;
/// Mode of files.
const FILE: u32 = 0o600;
