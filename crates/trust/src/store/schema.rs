//! The format of the store, and how each earlier one becomes the next.

use std::path::Path;

use rusqlite::Connection;

use super::{error::StoreError, rows};
use crate::private::FileError;

/// One step per format: entry `n` makes format `n + 1`. Entries are never changed, only added.
const MIGRATIONS: &[&str] = &[
    "CREATE TABLE meta (
         key TEXT PRIMARY KEY NOT NULL,
         value ANY NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE devices (
         fingerprint BLOB PRIMARY KEY NOT NULL CHECK (length(fingerprint) = 32),
         name TEXT NOT NULL,
         grants INTEGER NOT NULL,
         granted_unix INTEGER NOT NULL,
         expires_unix INTEGER,
         paired_unix INTEGER NOT NULL,
         paired_by TEXT NOT NULL CHECK (paired_by IN ('pin', 'approval')),
         last_seen_unix INTEGER,
         revoked_unix INTEGER
     ) STRICT, WITHOUT ROWID;
     INSERT INTO meta VALUES ('host_id', lower(hex(randomblob(16))));
     INSERT INTO meta VALUES ('clock_unix', 0);",
    "CREATE TABLE declared (
         fingerprint BLOB PRIMARY KEY NOT NULL CHECK (length(fingerprint) = 32),
         name TEXT NOT NULL,
         grants INTEGER NOT NULL,
         declared_unix INTEGER NOT NULL,
         expires_unix INTEGER,
         last_seen_unix INTEGER
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE audit (
         number INTEGER PRIMARY KEY NOT NULL,
         at_unix INTEGER NOT NULL,
         origin TEXT NOT NULL,
         event TEXT NOT NULL,
         hash BLOB NOT NULL CHECK (length(hash) = 32)
     ) STRICT;",
];

/// `pkfk`: marks a SQLite file as ours.
const APPLICATION_ID: i64 = 0x706B_666B;

/// The format this release writes.
fn latest() -> i64 {
    i64::try_from(MIGRATIONS.len()).expect("a handful of migrations")
}

/// Fills an empty file.
pub(super) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    migrate(connection)
}

/// Brings an older format up to the latest.
pub(super) fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    let found = pragma(connection, "user_version")?;
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    let steps = MIGRATIONS.get(done..).unwrap_or_default();
    if steps.is_empty() {
        return Ok(());
    }
    for step in steps {
        connection.execute_batch(step)?;
    }
    rows::seal(connection)?;
    connection.pragma_update(None, "user_version", latest())
}

/// The format of the file, if it is ours and one that this release knows.
pub(super) fn check_version(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let ask = |name| pragma(connection, name).map_err(|error| StoreError::from_sqlite("read the store", path, error));
    if ask("application_id")? != APPLICATION_ID {
        return Err(StoreError::damaged(path, "it is empty or was not written by punktfunk"));
    }
    match ask("user_version")? {
        found if found > latest() => Err(StoreError::Newer { path: path.to_owned(), found, known: latest() }),
        found if found < 1 => Err(StoreError::damaged(path, format!("its format is {found}"))),
        found => Ok(found),
    }
}

/// Whether the file ends where a page ends. SQLite takes what is missing of the last page for zeros. While the log
/// holds a write, the file may be in the middle of growing.
pub(super) fn check_length(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let length = |path: &Path| match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        other => other.map(|metadata| metadata.len()).map_err(FileError::io("open", path)),
    };
    let page =
        pragma(connection, "page_size").map_err(|error| StoreError::from_sqlite("read the store", path, error))?;
    let page = u64::try_from(page).unwrap_or(1).max(1);
    if !length(path)?.is_multiple_of(page) && length(&path.with_extension("db-wal"))? == 0 {
        return Err(StoreError::damaged(path, "it is cut off"));
    }
    Ok(())
}

/// Asks SQLite whether every page, row and index is in order.
pub(super) fn check_integrity(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let ask = || connection.pragma_query_value(None, "integrity_check", |row| row.get::<_, String>(0));
    match ask() {
        Ok(verdict) if verdict == "ok" => Ok(()),
        Ok(fault) => Err(StoreError::damaged(path, fault)),
        Err(error) => Err(StoreError::from_sqlite("check the store", path, error)),
    }
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
