//! What can be wrong with the store, and the way out.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::private::FileError;

/// Why the store cannot be opened or written. Nothing stored was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The host has an identity but its store is gone.
    #[error("{path} is missing, though this host has run before. {}", restore(.path), path = .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file is not what was written.
    #[error("{path} is damaged: {detail}. {}", restore(.path), path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A later release wrote it.
    #[error(
        "{path} has format {found}, this release knows up to {known}. Run the newer release again, or put back the \
         state.db you saved before the upgrade", path = .path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The latest format this release knows.
        known: i64,
    },
    /// The disk is full.
    #[error("cannot {action}: the disk that holds {} is full. Make room and try again; what was stored is intact", .path.display())]
    DiskFull {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot {action}: {} is read-only. Mount its disk writable and give this user the right to write", .path.display())]
    ReadOnly {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// Any other fault of the disk or of SQLite.
    #[error("cannot {action} in {}: {source}. What was stored is intact; check the disk", .path.display())]
    Sqlite {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file itself is in the way.
    #[error(transparent)]
    File(#[from] FileError),
}

impl StoreError {
    pub(crate) fn damaged(path: &Path, detail: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), detail: detail.into() }
    }

    pub(crate) fn from_sqlite(action: &'static str, path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::damaged(&path, source.to_string()),
            Some(ErrorCode::DiskFull) => Self::DiskFull { action, path },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { action, path },
            _ => Self::Sqlite { action, path, source },
        }
    }
}

fn restore(path: &Path) -> String {
    let folder = path.parent().unwrap_or(path).display();
    format!(
        "Nobody is let in until this is settled. Put state.db back from a backup, or move {folder} away to begin \
         anew: every device must then be paired again"
    )
}
