//! The SQLite file `state.db`: what is in it was written whole, and is refused whole when it is not in order.
//!
//! Every write is one transaction with `synchronous=FULL`: when a call returns `Ok`, a power cut loses nothing;
//! when it returns an error or never returns, the old content or the new one is there, never a mixture.

mod error;
mod rows;
mod schema;

use std::path::{Path, PathBuf};

use punktfunk_proto::units::{Fingerprint, HostTime};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

pub use error::StoreError;

use crate::{admin::PasswordHash, device::Device, private};

/// The open store.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
    path: PathBuf,
}

/// All that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    /// A random, stable name of this host, for mDNS.
    pub(crate) host_id: String,
    /// The identity that belongs to this store; `None` until the first start is done.
    pub(crate) host_fingerprint: Option<Fingerprint>,
    /// The latest time the store has seen.
    pub(crate) clock: HostTime,
    /// The devices.
    pub(crate) devices: Vec<Device>,
    /// The administrator's password; `None` until the host is claimed.
    pub(crate) administrator: Option<PasswordHash>,
}

impl Store {
    /// Whether there is a store in `folder`, or anything of one.
    pub(crate) fn is_in(folder: &Path) -> Result<bool, StoreError> {
        let names = [FILE.to_owned(), format!("{FILE}-wal"), format!("{FILE}-journal")];
        for name in names {
            if private::exists(&folder.join(name))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes a new store. It appears under its name only when it is complete, so that an empty or half-written
    /// file under that name is always damage.
    pub(crate) fn create(folder: &Path) -> Result<(), StoreError> {
        let new = folder.join(format!("{FILE}.new"));
        for leftover in ["", "-journal", "-wal", "-shm"].map(|suffix| folder.join(format!("{FILE}.new{suffix}"))) {
            if private::exists(&leftover)? {
                std::fs::remove_file(&leftover).map_err(private::FileError::io("remove", &leftover))?;
            }
        }
        private::create(&new, b"")?;
        let mut store = Self { connection: connect(&new)?, path: new.clone() };
        store.within("create the store", schema::create)?;
        store.close()?;
        private::rename(&new, &folder.join(FILE))?;
        Ok(())
    }

    /// Opens the store in `folder` and checks all of it.
    pub(crate) fn open(folder: &Path) -> Result<(Self, Contents), StoreError> {
        let path = folder.join(FILE);
        if !private::exists(&path)? {
            return Err(StoreError::Missing { path });
        }
        private::check_file(&path)?;
        let mut store = Self { connection: connect(&path)?, path };
        schema::check_version(&store.connection, &store.path)?;
        schema::check_integrity(&store.connection, &store.path)?;
        store.write_ahead().map_err(|error| store.failed("open", error))?;
        store.within("upgrade the store", schema::migrate)?;
        let contents = rows::load(&store.connection, &store.path)?;
        Ok((store, contents))
    }

    /// Writes `device` as it is now, and that it is `clock`.
    pub(crate) fn put_device(&mut self, clock: HostTime, device: &Device) -> Result<(), StoreError> {
        self.write("store the device", clock, |tx| rows::put_device(tx, device))
    }

    /// Forgets the device.
    pub(crate) fn remove_device(&mut self, clock: HostTime, fingerprint: Fingerprint) -> Result<(), StoreError> {
        self.write("remove the device", clock, |tx| rows::remove_device(tx, fingerprint))
    }

    /// Writes which identity belongs to this store.
    pub(crate) fn put_host_fingerprint(&mut self, clock: HostTime, host: Fingerprint) -> Result<(), StoreError> {
        self.write("store the host's fingerprint", clock, |tx| rows::put_host_fingerprint(tx, host))
    }

    /// Writes the administrator's password, or that there is none.
    pub(crate) fn put_administrator(
        &mut self,
        clock: HostTime,
        password: Option<&PasswordHash>,
    ) -> Result<(), StoreError> {
        self.write("store the administrator's password", clock, |tx| rows::put_administrator(tx, password))
    }

    fn write(
        &mut self,
        action: &'static str,
        clock: HostTime,
        change: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        self.within(action, |tx| {
            change(tx)?;
            rows::put_clock(tx, clock)?;
            rows::seal(tx)
        })?;
        self.settle();
        Ok(())
    }

    /// Moves what was committed from the log into the file itself, so that a copy of `state.db` alone is whole and
    /// damage to the log costs nothing. The commit is safe without; a failure leaves the work to the next write.
    fn settle(&self) {
        let moved = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()));
        if let Err(error) = moved {
            tracing::debug!(%error, "write-ahead log stays for now");
        }
    }

    /// Switches to write-ahead logging: one sync per commit, and a torn commit is dropped whole.
    fn write_ahead(&self) -> rusqlite::Result<()> {
        self.connection.pragma_update_and_check(None, "journal_mode", "wal", |row| {
            let mode: String = row.get(0)?;
            if mode == "wal" { Ok(()) } else { Err(rusqlite::Error::ExecuteReturnedResults) }
        })
    }

    /// Makes every write fail from now on, as a disk that went read-only does, or ends that.
    #[cfg(test)]
    pub(crate) fn set_faulty(&self, faulty: bool) {
        self.connection.pragma_update(None, "query_only", faulty).unwrap();
    }

    /// Lets the file grow no further, as a full disk does.
    #[cfg(test)]
    pub(crate) fn fill_disk(&self) {
        let pages: i64 = self.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        self.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    }

    /// Runs `change` in one transaction; an error rolls all of it back.
    fn within(
        &mut self,
        action: &'static str,
        change: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        let run = |connection: &mut Connection| {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            change(&tx)?;
            tx.commit()
        };
        run(&mut self.connection).map_err(|error| self.failed(action, error))
    }

    fn close(self) -> Result<(), StoreError> {
        let path = self.path;
        self.connection.close().map_err(|(_, error)| StoreError::from_sqlite("close the store", &path, error))
    }

    fn failed(&self, action: &'static str, error: rusqlite::Error) -> StoreError {
        StoreError::from_sqlite(action, &self.path, error)
    }
}

/// Opens an existing file. SQLite looks into it only when it is first asked something.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        connection.pragma_update(None, "synchronous", "full")?;
        Ok(connection)
    };
    open().map_err(|error| StoreError::from_sqlite("open", path, error))
}

/// The name of the file in the state directory.
pub(crate) const FILE: &str = "state.db";

#[cfg(test)]
mod tests;
