//! A disk that fails at any write, and a power cut between any two: the store is old or new, and memory agrees.

mod disk;

use std::{
    collections::BTreeMap,
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use disk::{Act, Failure, Lasting, Step};
use punktfunk_proto::units::{Fingerprint, HostTime};
use punktfunk_trust::{
    AuditEvent, AuditVerdict, DeclaredDevice, Device, DeviceName, Grants, Invitation, InvitedDevice, Moment, Offer,
    PairingPolicy, Trust, Verdict,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tempfile::TempDir;

const A: Fingerprint = Fingerprint::from_bytes([0xA; 32]);
const B: Fingerprint = Fingerprint::from_bytes([0xB; 32]);
const NEW: Fingerprint = Fingerprint::from_bytes([0xC; 32]);

/// The disk is one for the process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now() -> Moment {
    Moment { instant: Instant::now(), wall: HostTime::from_nanos(1_800_000_000_000_000_000) }
}

fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn open(state: &Path) -> Trust {
    Trust::open(state, PairingPolicy::Require, now()).unwrap()
}

/// A host that has paired A and B.
fn host() -> TempDir {
    let state = folder();
    let mut trust = open(state.path());
    assert!(pair(&mut trust, A) && pair(&mut trust, B));
    state
}

fn pair(trust: &mut Trust, device: Fingerprint) -> bool {
    let invitation = Invitation { device: InvitedDevice::Bound(device), ..Invitation::default() };
    trust.arm(now(), invitation, &mut StdRng::seed_from_u64(1));
    let from = Ipv4Addr::from_bits(0x0A00_0000 + u32::from(device.as_bytes()[0])).into();
    let attempt = trust.begin_pairing(now(), from, Some(device)).unwrap();
    let spent = trust.spend_pin(now(), attempt).unwrap();
    trust.pair_succeeded(now(), spent, Some("Tablet")).is_ok()
}

fn approve(trust: &mut Trust, device: Fingerprint) -> bool {
    trust.knock(now(), Ipv4Addr::LOCALHOST.into(), device, Some("Tablet")).unwrap();
    let id = trust.knocks(now()).next().unwrap().id;
    trust.approve(now(), id, None, Offer::default()).is_ok()
}

fn declare(trust: &mut Trust, device: Fingerprint) -> bool {
    let name = DeviceName::written("television").unwrap();
    let device = DeclaredDevice { name, fingerprint: device, grants: Grants::VIEW_ONLY, expires: None };
    trust.declare(now(), &[device]).is_ok()
}

/// A change, and whether it says that it is stored.
type Change = (&'static str, fn(&mut Trust) -> bool);

/// Every kind of write.
const CHANGES: [Change; 10] = [
    ("pair", |trust| pair(trust, NEW)),
    ("approve", |trust| approve(trust, NEW)),
    ("set_access", |trust| trust.set_access(now(), A, Offer { grants: Grants::VIEW_ONLY, lifetime: None }).is_ok()),
    ("rename", |trust| trust.rename(now(), A, DeviceName::written("Kids").unwrap()).is_ok()),
    ("note_seen", |trust| trust.note_seen(now(), A).is_ok()),
    ("revoke", |trust| trust.revoke(now(), A).is_ok()),
    ("forget", |trust| trust.forget(now(), B).is_ok()),
    ("declare", |trust| declare(trust, A)),
    ("record", |trust| trust.record(now(), AuditEvent::HostStopped).is_ok()),
    ("promote", |trust| trust.prepare_successor(now()).is_ok() && trust.promote_successor(now()).is_ok()),
];

/// What is promised to be old or new: the devices as they are stored, and who the host is.
#[derive(Clone, Debug, PartialEq)]
struct State {
    devices: Vec<Device>,
    host: Fingerprint,
}

impl State {
    fn of(trust: &Trust) -> Self {
        Self { devices: trust.devices().cloned().collect(), host: trust.identity().fingerprint }
    }

    /// What the next start finds.
    fn stored(state: &Path) -> Self {
        let mut trust = open(state);
        let verdict = trust.verify_audit().unwrap();
        assert!(matches!(verdict, AuditVerdict::Sound { .. }), "{verdict:?}");
        for device in [A, B, NEW] {
            let known = trust.device(device).is_some();
            let admitted = matches!(trust.assess(now(), Some(device)), Verdict::Admit(_));
            assert!(known || !admitted, "{device} was let in unknown");
        }
        Self::of(&trust)
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
            fs::set_permissions(&target, entry.metadata().unwrap().permissions()).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Makes `change` with a disk that fails at its act `nth`; whether it got that far.
fn check_failure(base: &Path, (name, change): Change, nth: usize, (how, lasting): (Failure, Lasting)) -> bool {
    let state = folder();
    copy(base, state.path());
    disk::watch(state.path());
    let mut trust = open(state.path());
    let before = State::of(&trust);
    disk::fail_after(nth, how, lasting);
    let said_stored = change(&mut trust);
    let failed = disk::repair() > 0;
    let memory = State::of(&trust);
    // As after a kill: closing the database in order would tidy up.
    let left = folder();
    copy(state.path(), left.path());
    drop(trust);
    let stored = State::stored(left.path());
    let context = format!("{name}, {how:?} {lasting:?} at act {nth}: {}", if said_stored { "Ok" } else { "Err" });
    assert!(said_stored || failed, "{context}");
    if name != "declare" {
        let is_old_or_new = stored == memory || (!said_stored && lasting == Lasting::FromThen);
        assert!(is_old_or_new, "{context}: memory has {memory:?}, the disk {stored:?}");
    }
    if !said_stored && name != "promote" {
        assert_eq!(memory, before, "{context}");
    }
    assert!(!stored.devices.is_empty() || name == "forget", "{context}: empty");
    failed
}

#[test]
fn a_disk_that_fails_at_any_write_leaves_the_old_store_or_the_new_and_memory_agrees() {
    let _alone = alone();
    let base = host();
    let mut failures = 0;
    let kinds = [
        (Failure::Full, Lasting::FromThen),
        (Failure::ReadOnly, Lasting::FromThen),
        (Failure::Io, Lasting::FromThen),
        (Failure::Io, Lasting::Once),
        (Failure::Full, Lasting::Once),
    ];
    for change in CHANGES {
        for kind in kinds {
            let far = (0..).take_while(|nth| check_failure(base.path(), change, *nth, kind)).count();
            assert!(far > 3, "{}: only {far} acts on the disk", change.0);
            failures += far;
        }
    }
    println!("{failures} failures, {} kinds of change", CHANGES.len());
}

/// The files of the store after a power cut: of what was not synced, `survives` says what did.
fn image(
    base: &BTreeMap<PathBuf, Vec<u8>>,
    steps: &[Step],
    mut survives: impl FnMut() -> bool,
) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = base.clone();
    for (at, step) in steps.iter().enumerate() {
        let is_sync = |later: &Step| later.path == step.path && matches!(later.act, Act::Sync);
        let is_durable = steps[at..].iter().any(is_sync);
        let file = files.entry(step.path.clone()).or_default();
        match &step.act {
            Act::Sync => {}
            Act::Truncate(size) if is_durable || survives() => file.resize(*size, 0),
            Act::Truncate(_) => {}
            Act::Write { offset, bytes } => {
                for (sector, part) in bytes.chunks(SECTOR).enumerate() {
                    if !is_durable && !survives() {
                        continue;
                    }
                    let start = offset + sector * SECTOR;
                    file.resize(file.len().max(start + part.len()), 0);
                    file[start..start + part.len()].copy_from_slice(part);
                }
            }
        }
    }
    files
}

/// What a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;

#[test]
fn a_power_cut_between_any_two_writes_leaves_what_was_acknowledged_and_at_most_one_change_more() {
    let _alone = alone();
    let state = host();
    disk::watch(state.path());
    let mut trust = open(state.path());
    drop(disk::steps());
    let names = ["state.db", "state.db-wal"].map(|name| state.path().join(name));
    let base: BTreeMap<_, _> = names.iter().map(|path| (path.clone(), fs::read(path).unwrap_or_default())).collect();
    let host = State::of(&trust).host;
    // Acts seen when a change was acknowledged, and the devices from then on.
    let mut acknowledged = vec![(0, State::of(&trust).devices)];
    for (name, change) in CHANGES.iter().filter(|(name, _)| !["declare", "promote", "approve"].contains(name)) {
        assert!(change(&mut trust), "{name}");
        acknowledged.push((disk::seen(), State::of(&trust).devices));
    }
    drop(trust);
    let steps = disk::steps();
    let (mut rng, mut cuts) = (StdRng::seed_from_u64(5), 0);
    let last = acknowledged.last().expect("there are changes").0;
    for cut in 0..=last {
        for survival in [0.0, 1.0, 0.5, 0.9] {
            let files = image(&base, &steps[..cut], || rng.random_bool(survival));
            let found = after_power_cut(state.path(), &files, steps[..cut].last());
            assert_eq!(found.host, host);
            let done = acknowledged.iter().rposition(|(seen, _)| *seen <= cut).expect("0 is there");
            let allowed = acknowledged[done..].iter().take(2).any(|(_, devices)| *devices == found.devices);
            assert!(allowed, "cut after act {cut} of {last}, {survival} survives: {:?}", found.devices);
            cuts += 1;
        }
    }
    println!("{cuts} power cuts over {last} acts");
}

/// What the next start finds in a state directory with these files of the store.
fn after_power_cut(state: &Path, files: &BTreeMap<PathBuf, Vec<u8>>, last: Option<&Step>) -> State {
    let image = folder();
    copy(state, image.path());
    for leftover in ["state.db-wal", "state.db-shm"] {
        let _ = fs::remove_file(image.path().join(leftover));
    }
    for (path, bytes) in files {
        fs::write(image.path().join(path.file_name().expect("files")), bytes).unwrap();
    }
    // Beside the database stands what stood there at the last act, never anything later.
    if let Some(anchor) = last.and_then(|step| step.anchor.as_ref()) {
        fs::write(image.path().join("audit.head"), anchor).unwrap();
    } else {
        fs::remove_file(image.path().join("audit.head")).unwrap();
        return after_first_act(image);
    }
    State::stored(image.path())
}

/// Before the first act nothing was recorded, so nothing is known of the file beside the database.
fn after_first_act(image: TempDir) -> State {
    State::of(&open(image.path()))
}
