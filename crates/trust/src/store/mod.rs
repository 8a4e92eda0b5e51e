//! The SQLite file `state.db`: what is in it was written whole, and is refused whole when it is not in order.
//!
//! Every write is one transaction with `synchronous=FULL`: when a call returns `Ok`, a power cut loses nothing;
//! when it returns an error or never returns, the old content or the new one is there, never a mixture.

mod error;
mod ledger;
mod rows;
mod schema;

use std::path::{Path, PathBuf};

use punktfunk_proto::units::{Fingerprint, HostTime};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

pub use error::StoreError;
pub(crate) use ledger::{ANCHOR, Anchor, Entry, Retention};

use crate::{
    admin::PasswordHash,
    audit::{AuditHead, AuditRow, AuditVerdict, SealKey},
    device::Device,
    private,
};

/// The open store.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
    path: PathBuf,
    /// Seals the audit log; there from [`Store::begin_audit`] on.
    key: Option<SealKey>,
    retention: Retention,
}

/// All that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    /// A random, stable name of this host, for mDNS.
    pub(crate) host_id: String,
    /// The identity that belongs to this store; `None` until the first start is done.
    pub(crate) host_fingerprint: Option<Fingerprint>,
    /// The identity that is to follow.
    pub(crate) successor: Option<Fingerprint>,
    /// The latest time the store has seen.
    pub(crate) clock: HostTime,
    /// The devices that were paired.
    pub(crate) devices: Vec<Device>,
    /// The devices that were declared at the last start.
    pub(crate) declared: Vec<Device>,
    /// The administrator's password; `None` until the host is claimed.
    pub(crate) administrator: Option<PasswordHash>,
    /// The host's configuration at the last start, as [`crate::Trust::note_configuration`] wrote it.
    pub(crate) configuration: Option<String>,
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
        let mut store = Self::over(connect(&new)?, new.clone());
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
        let mut store = Self::over(connect(&path)?, path);
        let format = schema::check_version(&store.connection, &store.path)?;
        schema::check_length(&store.connection, &store.path)?;
        schema::check_integrity(&store.connection, &store.path)?;
        rows::check_digest(&store.connection, &store.path, format)?;
        store.write_ahead().map_err(|error| store.failed("open", error))?;
        store.within("upgrade the store", schema::migrate)?;
        let contents = rows::load(&store.connection, &store.path)?;
        Ok((store, contents))
    }

    fn over(connection: Connection, path: PathBuf) -> Self {
        Self { connection, path, key: None, retention: Retention::default() }
    }

    /// Writes `device` as it is now, that it is `clock`, and who did it.
    pub(crate) fn put_device(
        &mut self,
        clock: HostTime,
        device: &Device,
        entry: Option<Entry>,
    ) -> Result<(), StoreError> {
        self.write("store the device", (clock, entry.as_slice()), |tx| rows::put_device(tx, device))
    }

    /// Forgets the device.
    pub(crate) fn remove_device(
        &mut self,
        clock: HostTime,
        fingerprint: Fingerprint,
        entry: Entry,
    ) -> Result<(), StoreError> {
        self.write("remove the device", (clock, &[entry]), |tx| rows::remove_device(tx, fingerprint))
    }

    /// Writes what the configuration declares: devices to store, and declared ones to remove.
    pub(crate) fn declare(
        &mut self,
        clock: HostTime,
        put: &[Device],
        remove: &[Fingerprint],
        entries: &[Entry],
    ) -> Result<(), StoreError> {
        self.write("store the declared devices", (clock, entries), |tx| {
            put.iter().try_for_each(|device| rows::put_device(tx, device))?;
            remove.iter().try_for_each(|fingerprint| rows::remove_declared(tx, *fingerprint))
        })
    }

    /// Writes which identity belongs to this store.
    pub(crate) fn put_host_fingerprint(&mut self, clock: HostTime, host: Fingerprint) -> Result<(), StoreError> {
        self.write("store the host's fingerprint", (clock, &[]), |tx| rows::put_host_fingerprint(tx, host))
    }

    /// Writes which identity is to follow.
    pub(crate) fn put_successor(
        &mut self,
        clock: HostTime,
        successor: Option<Fingerprint>,
        entry: Entry,
    ) -> Result<(), StoreError> {
        self.write("store the successor", (clock, &[entry]), |tx| rows::put_successor(tx, successor))
    }

    /// Makes `host` the identity that belongs to this store, and puts the audit log under its `key`.
    pub(crate) fn rotate(
        &mut self,
        clock: HostTime,
        host: Fingerprint,
        key: SealKey,
        entry: Entry,
    ) -> Result<(), StoreError> {
        let before = self.key.replace(key);
        let rotated = self.write("change the host's identity", (clock, &[entry]), |tx| {
            rows::put_host_fingerprint(tx, host)?;
            rows::put_successor(tx, None)
        });
        if rotated.is_err() {
            self.key = before;
        }
        rotated
    }

    /// Writes what somebody did that changes nothing else here.
    pub(crate) fn record(&mut self, clock: HostTime, entry: Entry) -> Result<(), StoreError> {
        self.write("write the audit log", (clock, &[entry]), |_| Ok(()))
    }

    /// Fills a new store with what a backup holds; its audit log goes on after `base`.
    pub(crate) fn fill(
        &mut self,
        contents: &Contents,
        key: SealKey,
        base: AuditHead,
        entry: Entry,
    ) -> Result<(), StoreError> {
        self.within("write the audit log", |tx| ledger::begin_at(tx, &key, base))?;
        self.key = Some(key);
        self.write("store the backup", (contents.clock, &[entry]), |tx| {
            rows::put_host_id(tx, &contents.host_id)?;
            contents.host_fingerprint.iter().try_for_each(|host| rows::put_host_fingerprint(tx, *host))?;
            rows::put_successor(tx, contents.successor)?;
            rows::put_administrator(tx, contents.administrator.as_ref())?;
            contents.devices.iter().chain(&contents.declared).try_for_each(|device| rows::put_device(tx, device))
        })
    }

    /// Takes the key of the audit log and looks whether the log ends where it was left; if not, the log says so from
    /// now on. A log that is not in order keeps nobody out: who may connect is stored and checked apart from it.
    pub(crate) fn begin_audit(&mut self, clock: HostTime, key: SealKey, first: Entry) -> Result<(), StoreError> {
        let anchor = Anchor::read(self.folder())?;
        let check = ledger::check_ends(&self.connection, &key, &anchor);
        let fault = check.map_err(|error| self.failed("read the audit log", error))?;
        let head = ledger::head(&self.connection, &key).map_err(|error| self.failed("read the audit log", error))?;
        match fault {
            Some(fault) => {
                tracing::error!(%fault, "the audit log is broken; it says so from here on");
                self.within("write the audit log", |tx| {
                    ledger::append_break(tx, &key, clock, fault)?;
                    rows::seal(tx)
                })?;
                self.key = Some(key);
                self.settle();
                self.anchor();
            }
            None => {
                self.key = Some(key);
                if head.number == 0 {
                    self.record(clock, first)?;
                } else if anchor != Anchor::At(head) {
                    self.anchor();
                }
            }
        }
        Ok(())
    }

    /// The last row of the audit log.
    pub(crate) fn audit_head(&self) -> Result<AuditHead, StoreError> {
        ledger::head(&self.connection, self.key()).map_err(|error| self.failed("read the audit log", error))
    }

    /// Looks at every row of the audit log.
    pub(crate) fn verify_audit(&self) -> Result<AuditVerdict, StoreError> {
        let anchor = Anchor::read(self.folder())?;
        let verdict = ledger::verify(&self.connection, self.key(), &anchor);
        verdict.map_err(|error| self.failed("read the audit log", error))
    }

    /// Up to `limit` rows of the audit log after row `after`.
    pub(crate) fn audit_page(&self, after: u64, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        ledger::page(&self.connection, after, limit).map_err(|error| self.failed("read the audit log", error))
    }

    fn key(&self) -> &SealKey {
        self.key.as_ref().expect("Trust::open takes the key before it hands the store out")
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// Writes the administrator's password, or that there is none.
    pub(crate) fn put_administrator(
        &mut self,
        clock: HostTime,
        password: Option<&PasswordHash>,
        entry: Entry,
    ) -> Result<(), StoreError> {
        self.write("store the administrator's password", (clock, &[entry]), |tx| rows::put_administrator(tx, password))
    }

    /// Writes the host's configuration.
    pub(crate) fn put_configuration(
        &mut self,
        clock: HostTime,
        configuration: &str,
        entries: &[Entry],
    ) -> Result<(), StoreError> {
        self.write("note the configuration", (clock, entries), |tx| rows::put_configuration(tx, configuration))
    }

    /// One transaction: `change`, the time, a row of the audit log for each entry.
    fn write(
        &mut self,
        action: &'static str,
        (clock, entries): (HostTime, &[Entry]),
        change: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        let (key, retention) = (self.key.take(), self.retention);
        let written = self.within(action, |tx| {
            change(tx)?;
            for entry in entries {
                let key = key.as_ref().expect("begin_audit comes before the first entry");
                ledger::append(tx, key, retention, (clock, entry))?;
            }
            rows::put_clock(tx, clock)?;
            rows::seal(tx)
        });
        self.key = key;
        // After a failed one too: the log may hold what was refused, and the next start would take it for written.
        self.settle();
        written?;
        if !entries.is_empty() {
            self.anchor();
        }
        Ok(())
    }

    /// Notes the last row of the audit log beside the database. It is committed all the same if that fails; the
    /// note is then one behind, which is not held against the log.
    fn anchor(&self) {
        let noted = self.audit_head().map(|head| Anchor::write(self.folder(), head));
        if let Err(error) | Ok(Err(error)) = noted.map(|noted| noted.map_err(StoreError::File)) {
            tracing::warn!(%error, "{ANCHOR} stays one row behind");
        }
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

    /// Keeps `kept` rows of the audit log, and up to `slack` more.
    #[cfg(test)]
    pub(crate) fn retain(&mut self, kept: u64, slack: u64) {
        self.retention = Retention { kept, slack };
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

    /// Closes the file; what was written is in it.
    pub(crate) fn close(self) -> Result<(), StoreError> {
        let path = self.path;
        self.connection.close().map_err(|(_, error)| StoreError::from_sqlite("close the store", &path, error))
    }

    fn failed(&self, action: &'static str, error: rusqlite::Error) -> StoreError {
        StoreError::from_sqlite(action, &self.path, error)
    }
}

/// Puts right what can be put right without a key, as somebody who edits the file would.
#[cfg(test)]
pub(crate) fn reseal(connection: &Connection) {
    rows::seal(connection).unwrap();
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
