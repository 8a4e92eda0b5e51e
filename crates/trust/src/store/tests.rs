use super::{Contents, FILE, Store, StoreError};
use crate::{
    access::{Access, Grants, NANOS},
    device::{Device, DeviceState, PairedBy},
    name::DeviceName,
    private::FileError,
};
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use punktfunk_proto::units::{Fingerprint, HostTime};
use rusqlite::Connection;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};
use tempfile::TempDir;

fn at(seconds: u64) -> HostTime {
    HostTime::from_nanos(seconds * NANOS)
}

fn device(n: u8) -> Device {
    Device {
        fingerprint: Fingerprint::from_bytes([n; 32]),
        name: DeviceName::written(&format!("Gerät {n}")).unwrap(),
        access: Access {
            grants: if n.is_multiple_of(2) { Grants::FULL.with(Grants::ADMIN) } else { Grants::CONTROLLER_ONLY },
            granted: at(1_000),
            expires: n.is_multiple_of(3).then(|| at(2_000)),
        },
        paired: at(500),
        paired_by: if n.is_multiple_of(2) { PairedBy::Pin } else { PairedBy::Approval },
        last_seen: (n % 3 == 1).then(|| at(1_500)),
        state: if n.is_multiple_of(4) { DeviceState::Revoked { at: at(1_600) } } else { DeviceState::Paired },
    }
}

/// A folder with a store of `devices` in it, closed.
fn stored(devices: u8) -> (TempDir, Contents) {
    let folder = tempfile::tempdir().unwrap();
    Store::create(folder.path()).unwrap();
    let (mut store, _) = Store::open(folder.path()).unwrap();
    store.put_host_fingerprint(at(900), Fingerprint::from_bytes([0xFF; 32])).unwrap();
    for n in 0..devices {
        store.put_device(at(1_000 + u64::from(n)), &device(n), None).unwrap();
    }
    drop(store);
    let contents = Store::open(folder.path()).unwrap().1;
    (folder, contents)
}

fn sql(folder: &Path, statements: &str) {
    Connection::open(folder.join(FILE)).unwrap().execute_batch(statements).unwrap();
}

fn check_damaged(folder: &Path) {
    match Store::open(folder) {
        Err(error @ StoreError::Damaged { .. }) => {
            assert!(error.to_string().contains("backup"), "the error says the way out: {error}");
        }
        Err(other) => panic!("expected damage, got {other}"),
        Ok((_, contents)) => panic!("expected damage, got {} devices", contents.devices.len()),
    }
}

#[test]
fn every_field_of_every_device_survives() {
    let (_folder, contents) = stored(12);
    assert_eq!(contents.devices, (0..12).map(device).collect::<Vec<_>>());
    assert_eq!(contents.clock, at(1_011));
    assert_eq!(contents.host_fingerprint, Some(Fingerprint::from_bytes([0xFF; 32])));
    assert_eq!(contents.host_id.len(), 32);
}

#[test]
fn the_store_runs_as_it_was_decided() {
    let (folder, _) = stored(1);
    let (store, _) = Store::open(folder.path()).unwrap();
    let ask =
        |pragma| store.connection.pragma_query_value(None, pragma, |row| row.get_ref(0).map(|v| format!("{v:?}")));
    assert!(ask("journal_mode").unwrap().contains(&format!("{:?}", b"wal")));
    assert_eq!(ask("synchronous").unwrap(), "Integer(2)");
    assert_eq!(ask("foreign_keys").unwrap(), "Integer(1)");
    let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_copy_of_the_file_alone_holds_the_last_write() {
    let (folder, _) = stored(2);
    let (mut store, _) = Store::open(folder.path()).unwrap();
    store.put_device(at(3_000), &device(7), None).unwrap();
    let copy = tempfile::tempdir().unwrap();
    fs::copy(folder.path().join(FILE), copy.path().join(FILE)).unwrap();
    assert_eq!(Store::open(copy.path()).unwrap().1.devices.last(), Some(&device(7)));
}

#[test]
fn a_store_cut_off_anywhere_refuses_to_open() {
    let (folder, _) = stored(40);
    let path = folder.path().join(FILE);
    let whole = fs::read(&path).unwrap();
    let lengths = (0..whole.len()).step_by(509).chain([1, 15, 99, 100, 101, 4_096, 8_192, whole.len() - 1]);
    for length in lengths {
        fs::write(&path, &whole[..length]).unwrap();
        check_damaged(folder.path());
    }
    fs::write(&path, &whole).unwrap();
    assert!(Store::open(folder.path()).is_ok());
}

#[test]
fn a_foreign_file_refuses_to_open() {
    let (folder, _) = stored(1);
    fs::write(folder.path().join(FILE), "not a database, but long enough to look at. ".repeat(500)).unwrap();
    check_damaged(folder.path());
    fs::remove_file(folder.path().join(FILE)).unwrap();
    sql(folder.path(), "CREATE TABLE devices (fingerprint BLOB)");
    fs::set_permissions(folder.path().join(FILE), fs::Permissions::from_mode(0o600)).unwrap();
    check_damaged(folder.path());
}

#[test]
fn rows_that_were_not_written_by_us_refuse_to_open() {
    for statement in [
        "DELETE FROM devices WHERE name = 'Gerät 3'",
        "UPDATE devices SET grants = 63",
        "UPDATE devices SET revoked_unix = NULL",
        "UPDATE meta SET value = 0 WHERE key = 'clock_unix'",
        "DELETE FROM meta WHERE key = 'digest'",
        "DELETE FROM meta WHERE key = 'host_fingerprint'",
        "DROP TABLE devices",
        "INSERT INTO declared VALUES (zeroblob(32), 'x', 63, 0, NULL, NULL)",
    ] {
        let (folder, _) = stored(6);
        sql(folder.path(), statement);
        check_damaged(folder.path());
    }
}

#[test]
fn a_value_without_a_meaning_refuses_to_open_even_when_sealed() {
    for statement in [
        "UPDATE devices SET grants = 64 WHERE grants = 1",
        "UPDATE devices SET granted_unix = -1",
        "UPDATE devices SET expires_unix = 9223372036854775807",
        "DELETE FROM meta WHERE key = 'host_id'",
        "UPDATE meta SET value = x'00' WHERE key = 'host_fingerprint'",
        "UPDATE meta SET value = 'noon' WHERE key = 'clock_unix'",
    ] {
        let (folder, _) = stored(6);
        let (mut store, _) = Store::open(folder.path()).unwrap();
        store
            .within("damage", |tx| {
                tx.execute_batch(statement)?;
                super::rows::seal(tx)
            })
            .unwrap();
        drop(store);
        check_damaged(folder.path());
    }
}

#[test]
fn a_store_of_a_newer_release_is_left_alone() {
    let (folder, _) = stored(3);
    sql(folder.path(), "PRAGMA user_version = 999");
    let before = fs::read(folder.path().join(FILE)).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 999, .. }), "{error}");
    assert_eq!(fs::read(folder.path().join(FILE)).unwrap(), before);
}

/// A store as format 1 left it.
fn downgraded(devices: u8) -> (TempDir, Contents) {
    let (folder, contents) = stored(devices);
    let connection = Connection::open(folder.path().join(FILE)).unwrap();
    connection.execute_batch("DROP TABLE audit; DROP TABLE declared; PRAGMA user_version = 1").unwrap();
    super::rows::seal_as(&connection, 1);
    (folder, contents)
}

#[test]
fn a_store_of_format_1_becomes_one_of_this_format_with_every_device() {
    let (folder, before) = downgraded(12);
    for _ in 0..2 {
        assert_eq!(Store::open(folder.path()).unwrap().1, before);
    }
    let format: i64 = Connection::open(folder.path().join(FILE))
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(format, 2);
}

#[test]
fn a_damaged_store_of_format_1_is_refused_before_it_is_changed() {
    let (folder, _) = downgraded(6);
    sql(folder.path(), "UPDATE devices SET grants = 63");
    check_damaged(folder.path());
    let connection = Connection::open(folder.path().join(FILE)).unwrap();
    let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(format, 1);
}

#[test]
fn a_store_that_others_can_read_refuses_to_open() {
    let (folder, _) = stored(1);
    fs::set_permissions(folder.path().join(FILE), fs::Permissions::from_mode(0o644)).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::File(FileError::Mode { mode: 0o644, .. })), "{error}");
}

#[test]
fn a_missing_store_is_not_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Store::open(folder.path()), Err(StoreError::Missing { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_first_start_that_was_cut_off_can_be_repeated() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("state.db.new"), "half").unwrap();
    fs::write(folder.path().join("state.db.new-journal"), "half").unwrap();
    assert!(!Store::is_in(folder.path()).unwrap());
    Store::create(folder.path()).unwrap();
    assert!(Store::open(folder.path()).unwrap().1.devices.is_empty());
}

#[test]
fn a_full_disk_keeps_what_was_stored() {
    let (folder, before) = stored(6);
    let (mut store, _) = Store::open(folder.path()).unwrap();
    store.fill_disk();
    let (failed, error) = (100..=255_u8)
        .find_map(|n| store.put_device(at(5_000), &device(n), None).err().map(|error| (n, error)))
        .expect("the pages run out");
    assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
    drop(store);
    let after = Store::open(folder.path()).unwrap().1;
    assert_eq!(after.devices.len(), before.devices.len() + usize::from(failed - 100));
    assert!(!after.devices.contains(&device(failed)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_bit_that_flips_on_the_disk_is_noticed_or_harmless(at in any::<proptest::sample::Index>(), bit in 0..8_u32) {
        thread_local!(static STORED: (TempDir, Contents, Vec<u8>) = {
            let (folder, contents) = stored(24);
            let whole = fs::read(folder.path().join(FILE)).unwrap();
            (folder, contents, whole)
        });
        STORED.with(|(folder, contents, whole)| {
            let mut flipped = whole.clone();
            flipped[at.index(whole.len())] ^= 1 << bit;
            for leftover in ["state.db-wal", "state.db-shm", "state.db-journal"] {
                let _ = fs::remove_file(folder.path().join(leftover));
            }
            fs::write(folder.path().join(FILE), &flipped).unwrap();
            if let Ok((_, found)) = Store::open(folder.path()) {
                prop_assert_eq!(&found, contents);
            }
            Ok(())
        })?;
    }
}
