//! Rows of the store and the values they stand for. What does not parse is damage, never a default.

use std::path::Path;

use punktfunk_proto::units::{Fingerprint, HostTime};
use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Row, named_params,
    types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef},
};
use sha2::{Digest, Sha256};

use super::{Contents, error::StoreError};
use crate::{
    access::{Access, Grants, NANOS},
    admin::PasswordHash,
    device::{Device, DeviceState, PairedBy},
    name::DeviceName,
};

/// Reads everything but the audit log.
pub(super) fn load(connection: &Connection, path: &Path) -> Result<Contents, StoreError> {
    or_damaged(path, read(connection))
}

/// Whether the rows are those that were written, in a file of an earlier format: checked before it is changed.
pub(super) fn check_digest(connection: &Connection, path: &Path, format: i64) -> Result<(), StoreError> {
    let check = || match meta::<[u8; 32]>(connection, "digest")? {
        Some(stored) if stored == digest(connection, format)? => Ok(Some(())),
        Some(_) | None => Ok(None),
    };
    or_damaged(path, check())
}

fn or_damaged<T>(path: &Path, read: rusqlite::Result<Option<T>>) -> Result<T, StoreError> {
    match read {
        Ok(Some(contents)) => Ok(contents),
        Ok(None) => Err(StoreError::damaged(path, "its rows are not those that were written")),
        // No code: a value of another type. Unknown: a table or column that is not there.
        Err(error) if matches!(error.sqlite_error_code(), None | Some(ErrorCode::Unknown)) => {
            Err(StoreError::damaged(path, error.to_string()))
        }
        Err(error) => Err(StoreError::from_sqlite("read the store", path, error)),
    }
}

/// `None` if the digest is not that of the rows.
fn read(connection: &Connection) -> rusqlite::Result<Option<Contents>> {
    if meta::<[u8; 32]>(connection, "digest")? != Some(digest(connection, i64::MAX)?) {
        return Ok(None);
    }
    let required = |_: ()| rusqlite::Error::QueryReturnedNoRows;
    let mut select = connection.prepare("SELECT * FROM devices ORDER BY fingerprint")?;
    let devices = select.query_map((), device_of)?.collect::<rusqlite::Result<_>>()?;
    let mut select = connection.prepare("SELECT * FROM declared ORDER BY fingerprint")?;
    let declared = select.query_map((), declared_of)?.collect::<rusqlite::Result<_>>()?;
    Ok(Some(Contents {
        host_id: meta(connection, "host_id")?.ok_or(()).map_err(required)?,
        host_fingerprint: meta(connection, "host_fingerprint")?.map(Fingerprint::from_bytes),
        successor: meta(connection, "successor")?.map(Fingerprint::from_bytes),
        clock: meta::<Unix>(connection, "clock_unix")?.ok_or(()).map_err(required)?.0,
        devices,
        declared,
        administrator: meta::<PasswordHash>(connection, ADMINISTRATOR)?,
        configuration: meta(connection, CONFIGURATION)?,
    }))
}

/// Inserts or replaces a device, among its own kind: declared ones have a table of their own.
pub(super) fn put_device(connection: &Connection, device: &Device) -> rusqlite::Result<()> {
    match device.paired_by {
        PairedBy::Declared => put_declared(connection, device),
        PairedBy::Pin | PairedBy::Approval => put_paired(connection, device),
    }
}

fn put_declared(connection: &Connection, device: &Device) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT OR REPLACE INTO declared (fingerprint, name, grants, declared_unix, expires_unix, last_seen_unix) \
         VALUES (:fingerprint, :name, :grants, :declared, :expires, :last_seen)",
        named_params! {
            ":fingerprint": device.fingerprint.as_bytes(),
            ":name": device.name.as_str(),
            ":grants": device.access.grants,
            ":declared": Unix(device.paired),
            ":expires": device.access.expires.map(Unix),
            ":last_seen": device.last_seen.map(Unix),
        },
    )?;
    Ok(())
}

fn put_paired(connection: &Connection, device: &Device) -> rusqlite::Result<()> {
    let revoked = match device.state {
        DeviceState::Paired => None,
        DeviceState::Revoked { at } => Some(at),
    };
    connection.execute(
        "INSERT OR REPLACE INTO devices (fingerprint, name, grants, granted_unix, expires_unix, paired_unix, \
         paired_by, last_seen_unix, revoked_unix) VALUES (:fingerprint, :name, :grants, :granted, :expires, \
         :paired, :paired_by, :last_seen, :revoked)",
        named_params! {
            ":fingerprint": device.fingerprint.as_bytes(),
            ":name": device.name.as_str(),
            ":grants": device.access.grants,
            ":granted": Unix(device.access.granted),
            ":expires": device.access.expires.map(Unix),
            ":paired": Unix(device.paired),
            ":paired_by": device.paired_by,
            ":last_seen": device.last_seen.map(Unix),
            ":revoked": revoked.map(Unix),
        },
    )?;
    Ok(())
}

/// Deletes a device.
pub(super) fn remove_device(connection: &Connection, fingerprint: Fingerprint) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM devices WHERE fingerprint = ?1", [fingerprint.as_bytes()])?;
    Ok(())
}

/// Deletes a declared device.
pub(super) fn remove_declared(connection: &Connection, fingerprint: Fingerprint) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM declared WHERE fingerprint = ?1", [fingerprint.as_bytes()])?;
    Ok(())
}

/// Notes the name of the host.
pub(super) fn put_host_id(connection: &Connection, host_id: &str) -> rusqlite::Result<()> {
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('host_id', ?1)", [host_id])?;
    Ok(())
}

/// Notes the identity that is to follow, or that there is none.
pub(super) fn put_successor(connection: &Connection, successor: Option<Fingerprint>) -> rusqlite::Result<()> {
    match successor {
        Some(next) => connection.execute("INSERT OR REPLACE INTO meta VALUES ('successor', ?1)", [next.as_bytes()])?,
        None => connection.execute("DELETE FROM meta WHERE key = 'successor'", ())?,
    };
    Ok(())
}

/// Notes the identity that belongs here.
pub(super) fn put_host_fingerprint(connection: &Connection, host: Fingerprint) -> rusqlite::Result<()> {
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('host_fingerprint', ?1)", [host.as_bytes()])?;
    Ok(())
}

/// Notes the administrator's password. A row of `meta`, so that the format stays what it is: a release without
/// administrators leaves the row alone.
pub(super) fn put_administrator(connection: &Connection, password: Option<&PasswordHash>) -> rusqlite::Result<()> {
    match password {
        Some(hash) => {
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", (ADMINISTRATOR, hash.as_str()))?
        }
        None => connection.execute("DELETE FROM meta WHERE key = ?1", [ADMINISTRATOR])?,
    };
    Ok(())
}

/// Notes the time.
pub(super) fn put_clock(connection: &Connection, clock: HostTime) -> rusqlite::Result<()> {
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('clock_unix', ?1)", [Unix(clock)])?;
    Ok(())
}

/// Writes the digest over all rows. The last step of every transaction.
pub(super) fn seal(connection: &Connection) -> rusqlite::Result<()> {
    let digest = digest(connection, i64::MAX)?;
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('digest', ?1)", [digest])?;
    Ok(())
}

/// As an earlier format did it.
#[cfg(test)]
pub(super) fn seal_as(connection: &Connection, format: i64) {
    let digest = digest(connection, format).unwrap();
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('digest', ?1)", [digest]).unwrap();
}

/// SHA-256 over every value of every row but those of the audit log, which has a chain of its own: this is computed
/// anew for each write, so it must not grow with the log. SQLite checks its structure but not what the rows say; this finds a
/// bit that flipped on the disk. It is no defence against somebody who can write the file.
fn digest(connection: &Connection, format: i64) -> rusqlite::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    for (_, query) in SEALED.iter().filter(|(since, _)| *since <= format) {
        let mut select = connection.prepare(query)?;
        let columns = select.column_count();
        let mut rows = select.query(())?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                hash_value(&mut hash, row.get_ref(column)?);
            }
        }
        hash.update(b"end of table");
    }
    Ok(hash.finalize().into())
}

/// What the digest covers, and since which format.
const SEALED: [(i64, &str); 3] = [
    (1, "SELECT * FROM meta WHERE key != 'digest' ORDER BY key"),
    (1, "SELECT * FROM devices ORDER BY fingerprint"),
    (2, "SELECT * FROM declared ORDER BY fingerprint"),
];

/// Type, length, bytes: no two different rows hash alike.
fn hash_value(hash: &mut Sha256, value: ValueRef<'_>) {
    let mut field = |kind: u8, bytes: &[u8]| {
        hash.update([kind]);
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    match value {
        ValueRef::Null => field(0, &[]),
        ValueRef::Integer(integer) => field(1, &integer.to_be_bytes()),
        ValueRef::Real(real) => field(2, &real.to_be_bytes()),
        ValueRef::Text(text) => field(3, text),
        ValueRef::Blob(blob) => field(4, blob),
    }
}

fn meta<T: FromSql>(connection: &Connection, key: &str) -> rusqlite::Result<Option<T>> {
    connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()
}

fn device_of(row: &Row<'_>) -> rusqlite::Result<Device> {
    let optional_time = |column| row.get::<_, Option<Unix>>(column).map(|unix| unix.map(|Unix(time)| time));
    let fingerprint = Fingerprint::from_bytes(row.get("fingerprint")?);
    Ok(Device {
        fingerprint,
        name: DeviceName::claimed(Some(&row.get::<_, String>("name")?), fingerprint),
        access: Access {
            grants: row.get("grants")?,
            granted: row.get::<_, Unix>("granted_unix")?.0,
            expires: optional_time("expires_unix")?,
        },
        paired: row.get::<_, Unix>("paired_unix")?.0,
        paired_by: row.get("paired_by")?,
        last_seen: optional_time("last_seen_unix")?,
        state: optional_time("revoked_unix")?.map_or(DeviceState::Paired, |at| DeviceState::Revoked { at }),
    })
}

fn declared_of(row: &Row<'_>) -> rusqlite::Result<Device> {
    let optional_time = |column| row.get::<_, Option<Unix>>(column).map(|unix| unix.map(|Unix(time)| time));
    let fingerprint = Fingerprint::from_bytes(row.get("fingerprint")?);
    let declared = row.get::<_, Unix>("declared_unix")?.0;
    Ok(Device {
        fingerprint,
        name: DeviceName::claimed(Some(&row.get::<_, String>("name")?), fingerprint),
        access: Access { grants: row.get("grants")?, granted: declared, expires: optional_time("expires_unix")? },
        paired: declared,
        paired_by: PairedBy::Declared,
        last_seen: optional_time("last_seen_unix")?,
        state: DeviceState::Paired,
    })
}

/// A time as it is stored: whole seconds since 1970.
pub(super) struct Unix(pub(super) HostTime);

impl Unix {
    /// The number.
    pub(super) fn seconds(&self) -> i64 {
        i64::try_from(self.0.nanos() / NANOS).expect("u64 nanoseconds are below 2^35 seconds")
    }
}

impl ToSql for Unix {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.seconds().into())
    }
}

impl FromSql for Unix {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let seconds = value.as_i64()?;
        let nanos = u64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(NANOS));
        nanos.map(|nanos| Self(HostTime::from_nanos(nanos))).ok_or(FromSqlError::OutOfRange(seconds))
    }
}

impl FromSql for PasswordHash {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::parse(value.as_str()?).map_err(|_| FromSqlError::InvalidType)
    }
}

impl ToSql for Grants {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.bits().into())
    }
}

impl FromSql for Grants {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bits = value.as_i64()?;
        u32::try_from(bits).ok().and_then(Self::from_bits).ok_or(FromSqlError::OutOfRange(bits))
    }
}

impl ToSql for PairedBy {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Pin => "pin",
            Self::Approval => "approval",
            Self::Declared => "declared",
        }
        .into())
    }
}

impl FromSql for PairedBy {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "pin" => Ok(Self::Pin),
            "approval" => Ok(Self::Approval),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

/// Notes the host's configuration.
pub(super) fn put_configuration(connection: &Connection, configuration: &str) -> rusqlite::Result<()> {
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", (CONFIGURATION, configuration))?;
    Ok(())
}

/// The key in `meta` of the host's configuration.
const CONFIGURATION: &str = "configuration";
/// The key in `meta` of the administrator's password.
const ADMINISTRATOR: &str = "administrator";
