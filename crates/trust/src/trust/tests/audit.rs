//! The audit log: who did what, from where; and that nobody can change it unnoticed.

use std::{fs, net::IpAddr};

use rusqlite::Connection;

use super::{A, B, Fixture, seconds, source};
use crate::{
    access::{Grants, Offer},
    audit::{Actor, AuditEvent, AuditFault, AuditVerdict, HistoryFault, Origin, PairedHow},
    name::DeviceName,
    pin::InvitedDevice,
    trust::Verdict,
};

impl Fixture {
    /// A host with some history: ten rows or so.
    fn with_history() -> Self {
        let mut fixture = Self::require();
        fixture.pair(A, Offer::default());
        fixture.pair(B, Offer::default());
        fixture.trust.acting(Origin::ctl(1000)).revoke(fixture.now, B).unwrap();
        fixture
    }

    fn sql(&self, statements: &str) {
        Connection::open(self.folder().join("state.db")).unwrap().execute_batch(statements).unwrap();
    }

    /// The history as kinds of events.
    fn kinds(&self) -> Vec<String> {
        let kind = |event: &AuditEvent| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned();
        self.trust.audit(0, 1_000).unwrap().iter().map(|row| kind(&row.what)).collect()
    }

    fn fault(&self) -> (u64, AuditFault) {
        match self.trust.verify_audit().unwrap() {
            AuditVerdict::Broken { row, fault } => (row, fault),
            AuditVerdict::Sound { head, .. } => panic!("sound up to {head}"),
        }
    }

    fn is_sound(&self) -> bool {
        matches!(self.trust.verify_audit().unwrap(), AuditVerdict::Sound { first: 1, .. })
    }
}

#[test]
fn every_change_of_trust_has_its_row() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer { lifetime: Some(seconds(1_000)), ..Offer::default() });
    let (now, view) = (fixture.now, Offer { grants: Grants::VIEW_ONLY, lifetime: Some(seconds(5)) });
    fixture.trust.rename(now, A, DeviceName::written("Kids").unwrap()).unwrap();
    fixture.trust.set_access(now, A, view).unwrap();
    let (_, id) = fixture.knock(B);
    fixture.trust.deny(now, id).unwrap();
    let (_, id) = fixture.knock(B);
    fixture.trust.approve(now, id, None, Offer::default()).unwrap();
    fixture.wait(seconds(6));
    fixture.trust.revoke(fixture.now, A).unwrap();
    fixture.trust.forget(fixture.now, B).unwrap();
    fixture.arm(InvitedDevice::Anyone, Offer::default());
    fixture.trust.disarm();
    fixture.trust.record(fixture.now, AuditEvent::LoginFailed { attempts: 3 }).unwrap();
    let expected = [
        "log-began",
        "pin-armed",
        "pin-guessed",
        "paired",
        "renamed",
        "access-changed",
        "denied",
        "paired",
        "expired",
        "revoked",
        "forgotten",
        "pin-armed",
        "login-failed",
    ];
    assert_eq!(fixture.kinds(), expected);
    assert!(fixture.is_sound());
    assert!(fixture.restart().is_sound());
}

#[test]
fn a_row_says_who_what_when_and_from_where() {
    let mut fixture = Fixture::require();
    let (now, console) = (fixture.now, Origin::console("a1", source(9)));
    let mut rng = rand::rng();
    fixture.trust.acting(console.clone()).arm(now, crate::Invitation::default(), &mut rng);
    let device = Origin::device(A, source(7));
    let spent = fixture.spend(A, 7).unwrap();
    fixture.trust.acting(device.clone()).pair_succeeded(now, spent, Some("\u{1b}[31mTV")).unwrap();
    fixture.trust.acting(Origin::ctl(1000)).revoke(now, A).unwrap();
    fixture.trust.record(now, AuditEvent::HostStopped).unwrap();
    let rows = fixture.trust.audit(1, 100).unwrap();
    let origins: Vec<_> = rows.iter().map(|row| row.origin.clone()).collect();
    let by_itself = Origin { actor: Actor::Device { fingerprint: A }, source: None };
    assert_eq!(origins, [console.clone(), by_itself, device, Origin::ctl(1000), Origin::HOST]);
    assert!(rows.iter().all(|row| row.unix == 1_800_000_000));
    match &rows[2].what {
        AuditEvent::Paired { device, by: PairedHow::Pin { armed_by }, access } => {
            assert_eq!((device.name.as_str(), armed_by, access.grants), ("TV", &console, Grants::FULL));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_change_that_is_not_stored_has_no_row_and_a_row_that_is_not_stored_has_no_change() {
    let mut fixture = Fixture::with_history();
    let before = fixture.kinds();
    fixture.trust.store.set_faulty(true);
    assert!(fixture.trust.set_access(fixture.now, A, Offer { grants: Grants::VIEW_ONLY, lifetime: None }).is_err());
    fixture.trust.store.set_faulty(false);
    assert_eq!(fixture.kinds(), before);
    fixture.sql("CREATE TRIGGER no BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END");
    assert!(fixture.trust.set_access(fixture.now, A, Offer { grants: Grants::VIEW_ONLY, lifetime: None }).is_err());
    fixture.sql("DROP TRIGGER no");
    let fixture = fixture.restart();
    assert_eq!(fixture.trust.device(A).unwrap().access.grants, Grants::FULL);
    assert!(fixture.is_sound());
}

#[test]
fn an_edited_deleted_swapped_or_added_row_is_found_and_named() {
    let edits = [
        ("UPDATE audit SET event = replace(event, 'full', 'view-only') WHERE number = 2", 2, AuditFault::Altered),
        ("UPDATE audit SET origin = '{\"actor\":{\"kind\":\"host\"}}' WHERE number = 8", 8, AuditFault::Altered),
        ("UPDATE audit SET at_unix = at_unix + 1 WHERE number = 3", 3, AuditFault::Altered),
        ("DELETE FROM audit WHERE number = 4", 4, AuditFault::Missing),
        ("DELETE FROM audit WHERE number = 1", 1, AuditFault::Missing),
        ("DELETE FROM audit WHERE number >= 7", 7, AuditFault::Missing),
        ("DELETE FROM audit", 1, AuditFault::Missing),
        (
            "INSERT INTO audit SELECT number + 1, at_unix, origin, event, hash FROM audit WHERE number = 8",
            9,
            AuditFault::Forged,
        ),
        (
            "UPDATE audit SET number = -1 WHERE number = 3; UPDATE audit SET number = 3 WHERE number = 4; \
             UPDATE audit SET number = 4 WHERE number = -1",
            3,
            AuditFault::Altered,
        ),
    ];
    for (edit, row, fault) in edits {
        let fixture = Fixture::with_history();
        assert_eq!((fixture.kinds().len(), fixture.is_sound()), (8, true));
        fixture.sql(edit);
        assert_eq!(fixture.fault(), (row, fault.clone()), "{edit}");
        let fixture = fixture.restart();
        assert_eq!(fixture.fault().0, row, "{edit}, after a restart");
    }
}

#[test]
fn a_log_that_is_rewritten_from_its_first_row_is_found_because_the_key_is_not_in_the_database() {
    let fixture = Fixture::with_history();
    // Everything that can be computed without the host's key is put right.
    let mut head = crate::audit::AuditHead::genesis(fixture.trust.host_id());
    let connection = Connection::open(fixture.folder().join("state.db")).unwrap();
    for row in fixture.trust.audit(0, 4).unwrap() {
        let origin = serde_json::to_string(&row.origin).unwrap();
        let event = serde_json::to_string(&AuditEvent::HostStopped).unwrap();
        head = head.next(row.unix.try_into().unwrap(), &origin, &event).unwrap();
        let number = i64::try_from(head.number).unwrap();
        let update = "UPDATE audit SET event = ?1, hash = ?2 WHERE number = ?3";
        connection.execute(update, (event, head.hash.as_bytes(), number)).unwrap();
    }
    connection.execute("DELETE FROM audit WHERE number > 4", ()).unwrap();
    let other = crate::audit::SealKey::derive(b"a guess", fixture.trust.host_id());
    let seal = crate::audit::Seal::new(&other, other.genesis(), head).to_bytes();
    connection.execute("UPDATE meta SET value = ?1 WHERE key = 'audit_seal'", [seal]).unwrap();
    crate::store::reseal(&connection);
    drop(connection);
    assert_eq!(fixture.fault(), (4, AuditFault::History(HistoryFault::Seal)));
    let fixture = fixture.restart();
    assert_eq!(fixture.fault(), (5, AuditFault::History(HistoryFault::Seal)), "it is written down");
}

#[test]
fn an_older_database_put_in_place_is_found_by_the_file_beside_it_and_stays_found() {
    let mut fixture = Fixture::require();
    fixture.pair(A, Offer::default());
    let earlier = fs::read(fixture.folder().join("state.db")).unwrap();
    fixture.trust.revoke(fixture.now, A).unwrap();
    let lost = fixture.trust.audit_head().unwrap();
    let path = fixture.folder().join("state.db");
    fs::write(&path, earlier).unwrap();
    let mut fixture = fixture.restart();
    assert!(matches!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Admit(_)), "the old state is in force");
    let broken = AuditFault::History(HistoryFault::RolledBack { anchored: lost });
    assert_eq!(fixture.fault(), (5, broken.clone()));
    fixture.trust.record(fixture.now, AuditEvent::HostStopped).unwrap();
    assert_eq!(fixture.restart().fault(), (5, broken), "new rows do not cover it up");
}

#[test]
fn taking_the_file_beside_the_database_away_is_found() {
    for content in [None, Some("nonsense\n")] {
        let fixture = Fixture::with_history();
        let path = fixture.folder().join("audit.head");
        match content {
            Some(content) => fs::write(&path, content).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        assert_eq!(fixture.fault(), (8, AuditFault::History(HistoryFault::AnchorLost)));
        assert_eq!(fixture.restart().fault(), (9, AuditFault::History(HistoryFault::AnchorLost)));
    }
}

#[test]
fn a_crash_between_a_row_and_its_note_beside_the_database_is_no_fault() {
    let mut fixture = Fixture::with_history();
    let path = fixture.folder().join("audit.head");
    let earlier = fs::read(&path).unwrap();
    fixture.trust.revoke(fixture.now, A).unwrap();
    fs::write(&path, &earlier).unwrap();
    assert!(fixture.is_sound());
    let fixture = fixture.restart();
    assert!(fixture.is_sound());
    assert_ne!(fs::read(&path).unwrap(), earlier, "the note is brought up to date");
}

#[test]
fn a_broken_log_keeps_nobody_out_and_goes_on() {
    let fixture = Fixture::with_history();
    fixture.sql("DELETE FROM audit WHERE number > 3");
    let mut fixture = fixture.restart();
    assert!(matches!(fixture.trust.assess(fixture.now, Some(A)), Verdict::Admit(_)));
    assert!(fixture.trust.revoke(fixture.now, A).unwrap());
    assert!(fixture.kinds().ends_with(&["history-broken".into(), "revoked".into()]));
}

#[test]
fn pruning_bounds_the_log_keeps_the_chain_and_is_a_row_itself() {
    let mut fixture = Fixture::with_history();
    fixture.trust.store.retain(20, 5);
    for session in 0..100 {
        fixture.trust.record(fixture.now, AuditEvent::SessionStarted { session, device: None }).unwrap();
        let rows = fixture.trust.audit(0, 1_000).unwrap();
        assert!(rows.len() <= 26, "{} rows", rows.len());
    }
    let AuditVerdict::Sound { first, head } = fixture.trust.verify_audit().unwrap() else { panic!("broken") };
    let rows = fixture.trust.audit(0, 1_000).unwrap();
    assert_eq!((rows[0].head.number, rows.last().unwrap().head), (first, head));
    assert!(first > 80 && rows.iter().any(|row| matches!(row.what, AuditEvent::Pruned { .. })));
    fixture.sql(&format!("DELETE FROM audit WHERE number = {first}"));
    assert_eq!(fixture.fault(), (first, AuditFault::Missing), "only the host prunes");
}

#[test]
fn the_export_is_one_line_of_json_a_row_and_pages_reach_every_row() {
    let mut fixture = Fixture::with_history();
    for session in 0..600 {
        let device = fixture.trust.device(A).map(Into::into);
        fixture.trust.record(fixture.now, AuditEvent::SessionStarted { session, device }).unwrap();
    }
    let mut out = Vec::new();
    assert_eq!(fixture.trust.export_audit(&mut out).unwrap(), 608);
    let lines: Vec<serde_json::Value> =
        std::str::from_utf8(&out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 608);
    assert_eq!(lines[7]["what"]["event"], "revoked");
    assert_eq!(lines[7]["origin"]["actor"]["uid"], 1000);
    assert_eq!(lines[607]["number"], 608);
    assert_eq!(lines[607]["hash"].as_str().map(str::len), Some(64));
}

#[test]
fn what_strangers_say_is_cut_and_scrubbed_in_the_log() {
    let mut fixture = Fixture::require();
    let reason = format!("{}\u{1b}[31m\n{}", "ü".repeat(200), "x".repeat(10_000));
    let ended = AuditEvent::SessionEnded { session: 1, reason: reason.into() };
    let source: IpAddr = "2001:db8::1".parse().unwrap();
    fixture.trust.acting(Origin { actor: Actor::Stranger, source: Some(source) }).record(fixture.now, ended).unwrap();
    let row = fixture.trust.audit(1, 1).unwrap().remove(0);
    let AuditEvent::SessionEnded { reason, .. } = row.what else { panic!("another row") };
    assert_eq!(reason.as_str(), "ü".repeat(128));
    assert_eq!(row.origin.source, Some(source));
}
