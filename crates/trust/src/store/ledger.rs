//! The rows of the audit log. What a row says is hashed as it is stored, so reading it needs no format of its own.

use std::path::Path;

use punktfunk_proto::units::HostTime;
use rusqlite::{Connection, Error, OptionalExtension, Row};

use super::{error::StoreError, rows::Unix};
use crate::{
    audit::{
        AuditEvent, AuditFault, AuditHash, AuditHead, AuditRow, AuditVerdict, HistoryFault, Origin, Seal, SealKey,
    },
    private,
};

/// What is to be written: who did what.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) origin: Origin,
    pub(crate) event: AuditEvent,
}

/// How many rows stay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retention {
    /// So many are left after pruning.
    pub(crate) kept: u64,
    /// So many more may gather before.
    pub(crate) slack: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { kept: 100_000, slack: 1_000 }
    }
}

/// Adds `entry` and removes what is too many.
pub(super) fn append(
    connection: &Connection,
    key: &SealKey,
    retention: Retention,
    (at, entry): (HostTime, &Entry),
) -> rusqlite::Result<()> {
    let seal = read_seal(connection)?.unwrap_or_else(|| empty(key));
    let head = insert(connection, seal.head, at, entry)?;
    let (base, head) = match prune(connection, seal.base, head, retention)? {
        Some(through) => {
            let entry = Entry { origin: Origin::HOST, event: AuditEvent::Pruned { through } };
            (through, insert(connection, head, at, &entry)?)
        }
        None => (seal.base, head),
    };
    put_seal(connection, Seal::new(key, base, head))
}

/// Begins a log whose rows before `base` are elsewhere or nowhere.
pub(super) fn begin_at(connection: &Connection, key: &SealKey, base: AuditHead) -> rusqlite::Result<()> {
    put_seal(connection, Seal::new(key, base, base))
}

/// Adds a row that says the log is broken, after whatever is there.
pub(super) fn append_break(
    connection: &Connection,
    key: &SealKey,
    at: HostTime,
    fault: HistoryFault,
) -> rusqlite::Result<()> {
    let seal = read_seal(connection)?.unwrap_or_else(|| empty(key));
    let last = last(connection)?.filter(|last| last.number > seal.head.number);
    let entry = Entry { origin: Origin::HOST, event: AuditEvent::HistoryBroken { fault } };
    let head = insert(connection, last.unwrap_or(seal.head), at, &entry)?;
    put_seal(connection, Seal::new(key, seal.base, head))
}

/// The last row as it was sealed.
pub(super) fn head(connection: &Connection, key: &SealKey) -> rusqlite::Result<AuditHead> {
    Ok(read_seal(connection)?.unwrap_or_else(|| empty(key)).head)
}

/// Whether the ends of the log are what was last written. Looks at no row between them.
pub(super) fn check_ends(
    connection: &Connection,
    key: &SealKey,
    anchor: &Anchor,
) -> rusqlite::Result<Option<HistoryFault>> {
    let last = last(connection)?;
    let Some(seal) = read_seal(connection)? else {
        return Ok(match (last, anchor) {
            (None, Anchor::Absent) => None,
            (None, Anchor::At(anchored)) => Some(HistoryFault::RolledBack { anchored: *anchored }),
            (None, Anchor::Unreadable) => Some(HistoryFault::AnchorLost),
            (Some(_), _) => Some(HistoryFault::Seal),
        });
    };
    if !seal.is_by(key) {
        return Ok(Some(HistoryFault::Seal));
    }
    if last.unwrap_or(seal.base) != seal.head {
        return Ok(Some(HistoryFault::End { sealed: seal.head }));
    }
    check_anchor(connection, &seal, anchor)
}

/// The anchor is written after the row, so it may lag behind, but it never names a row that is not there.
fn check_anchor(connection: &Connection, seal: &Seal, anchor: &Anchor) -> rusqlite::Result<Option<HistoryFault>> {
    let anchored = match anchor {
        Anchor::At(anchored) => *anchored,
        // The first row of all was written, its anchor not yet.
        Anchor::Absent if seal.head.number <= seal.base.number + 1 => return Ok(None),
        Anchor::Absent | Anchor::Unreadable => return Ok(Some(HistoryFault::AnchorLost)),
    };
    let found = if anchored.number == seal.base.number {
        Some(seal.base.hash)
    } else {
        let number = i64::try_from(anchored.number).unwrap_or(i64::MAX);
        let select = "SELECT hash FROM audit WHERE number = ?1";
        connection.query_row(select, [number], |row| row.get(0)).optional()?.map(AuditHash::from_bytes)
    };
    // A row that was pruned since cannot be asked for.
    let holds = found == Some(anchored.hash) || anchored.number < seal.base.number;
    Ok((!holds).then_some(HistoryFault::RolledBack { anchored }))
}

/// Looks at every row.
pub(super) fn verify(connection: &Connection, key: &SealKey, anchor: &Anchor) -> rusqlite::Result<AuditVerdict> {
    let seal = read_seal(connection)?.unwrap_or_else(|| empty(key));
    let broken = |row, fault| Ok(AuditVerdict::Broken { row, fault });
    let mut last = seal.base;
    let mut select = connection.prepare("SELECT number, at_unix, origin, event, hash FROM audit ORDER BY number")?;
    let mut rows = select.query(())?;
    while let Some(row) = rows.next()? {
        let stored = Stored::read(row)?;
        match last.next(stored.at_unix, &stored.origin, &stored.event) {
            Some(next) if stored.head.number != next.number => return broken(next.number, AuditFault::Missing),
            Some(next) if stored.head.number > seal.head.number => return broken(next.number, AuditFault::Forged),
            Some(next) if stored.head != next => return broken(next.number, AuditFault::Altered),
            Some(next) => last = next,
            None => return broken(stored.head.number, AuditFault::Forged),
        }
        if let AuditEvent::HistoryBroken { fault } = stored.event() {
            return broken(last.number, fault.into());
        }
    }
    if last.number < seal.head.number {
        return broken(last.number + 1, AuditFault::Missing);
    }
    match check_ends(connection, key, anchor)? {
        Some(fault) => broken(last.number, fault.into()),
        None => Ok(AuditVerdict::Sound { first: seal.base.number + 1, head: last }),
    }
}

/// Up to `limit` rows after the one with number `after`, the oldest first.
pub(super) fn page(connection: &Connection, after: u64, limit: u32) -> rusqlite::Result<Vec<AuditRow>> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut select = connection
        .prepare("SELECT number, at_unix, origin, event, hash FROM audit WHERE number > ?1 ORDER BY number LIMIT ?2")?;
    select.query_map([after, i64::from(limit)], |row| Stored::read(row).map(Stored::show))?.collect()
}

/// What the file beside the database remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// There is no file.
    Absent,
    /// It is not what this host writes.
    Unreadable,
    /// The last row when it was written.
    At(AuditHead),
}

impl Anchor {
    /// Reads the file in the state directory `folder`.
    pub(super) fn read(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(ANCHOR);
        if !private::exists(&path)? {
            return Ok(Self::Absent);
        }
        let bytes = private::read(&path, ANCHOR_MAX)?;
        let parse = || {
            let (number, hash) = std::str::from_utf8(&bytes).ok()?.strip_suffix('\n')?.split_once(' ')?;
            Some(AuditHead { number: number.parse().ok()?, hash: hash.parse().ok()? })
        };
        Ok(parse().map_or(Self::Unreadable, Self::At))
    }

    /// Writes `head` there, whole or not at all.
    pub(super) fn write(folder: &Path, head: AuditHead) -> Result<(), private::FileError> {
        private::replace(&folder.join(ANCHOR), format!("{head}\n").as_bytes())
    }
}

struct Stored {
    head: AuditHead,
    at_unix: i64,
    origin: String,
    event: String,
}

impl Stored {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let number = u64::try_from(row.get::<_, i64>(0)?).map_err(|_| Error::IntegralValueOutOfRange(0, -1))?;
        let head = AuditHead { number, hash: AuditHash::from_bytes(row.get(4)?) };
        Ok(Self { head, at_unix: row.get(1)?, origin: row.get(2)?, event: row.get(3)? })
    }

    fn event(&self) -> AuditEvent {
        let unreadable = || AuditEvent::Unreadable { written: self.event.clone() };
        serde_json::from_str(&self.event).unwrap_or_else(|_| unreadable())
    }

    fn show(self) -> AuditRow {
        let origin = serde_json::from_str(&self.origin).unwrap_or(Origin::UNREADABLE);
        let unix = u64::try_from(self.at_unix).unwrap_or_default();
        AuditRow { head: self.head, unix, origin, what: self.event() }
    }
}

fn insert(connection: &Connection, head: AuditHead, at: HostTime, entry: &Entry) -> rusqlite::Result<AuditHead> {
    let json = |error: serde_json::Error| Error::ToSqlConversionFailure(Box::new(error));
    let origin = serde_json::to_string(&entry.origin).map_err(json)?;
    let event = serde_json::to_string(&entry.event).map_err(json)?;
    let at_unix = Unix(at).seconds();
    let next = head.next(at_unix, &origin, &event).ok_or(Error::IntegralValueOutOfRange(0, i64::MAX))?;
    let number = i64::try_from(next.number).expect("next() keeps to i64");
    connection.execute(
        "INSERT INTO audit (number, at_unix, origin, event, hash) VALUES (?1, ?2, ?3, ?4, ?5)",
        (number, at_unix, origin, event, next.hash.as_bytes()),
    )?;
    Ok(next)
}

/// Deletes the oldest rows if there are too many; the last one deleted.
fn prune(
    connection: &Connection,
    base: AuditHead,
    head: AuditHead,
    retention: Retention,
) -> rusqlite::Result<Option<AuditHead>> {
    if head.number.saturating_sub(base.number) <= retention.kept + retention.slack {
        return Ok(None);
    }
    let number = head.number - retention.kept;
    let select = "SELECT hash FROM audit WHERE number = ?1";
    let row = i64::try_from(number).expect("below the head");
    // A row that somebody took out cannot be pruned up to; the log stays long until it can.
    let hash = connection.query_row(select, [row], |row| row.get(0)).optional()?.map(AuditHash::from_bytes);
    let Some(hash) = hash else { return Ok(None) };
    connection.execute("DELETE FROM audit WHERE number <= ?1", [row])?;
    Ok(Some(AuditHead { number, hash }))
}

fn last(connection: &Connection) -> rusqlite::Result<Option<AuditHead>> {
    let select = "SELECT number, at_unix, origin, event, hash FROM audit ORDER BY number DESC LIMIT 1";
    connection.query_row(select, (), |row| Ok(Stored::read(row)?.head)).optional()
}

fn empty(key: &SealKey) -> Seal {
    Seal::new(key, key.genesis(), key.genesis())
}

/// A seal that cannot be read is as good as none.
fn read_seal(connection: &Connection) -> rusqlite::Result<Option<Seal>> {
    let select = "SELECT value FROM meta WHERE key = 'audit_seal'";
    let bytes: Option<Vec<u8>> = connection.query_row(select, (), |row| row.get(0)).optional()?;
    Ok(bytes.as_deref().and_then(Seal::from_bytes))
}

fn put_seal(connection: &Connection, seal: Seal) -> rusqlite::Result<()> {
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('audit_seal', ?1)", [seal.to_bytes()])?;
    Ok(())
}

/// The file in the state directory that remembers the last row.
pub(crate) const ANCHOR: &str = "audit.head";
/// Longer files are not ours.
const ANCHOR_MAX: u64 = 256;
