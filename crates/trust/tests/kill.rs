//! `kill -9` at random moments: what was acknowledged is there, what was not is there whole or not at all.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead, BufReader, Write},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use punktfunk_proto::units::Fingerprint;
use punktfunk_trust::{
    AuditVerdict, Device, DeviceState, Grants, Invitation, Moment, Offer, Origin, PairingPolicy, Trust, backup,
    backup::{Onto, Passphrase, Recipient, Secret, WorkFactor},
};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Where the process that is to be killed works, and what it does there.
const FOLDER: &str = "PUNKTFUNK_TRUST_KILL_TEST";
/// Kills of the host at its everyday work.
const KILLS: u32 = 200;
/// Kills of each rarer thing.
const RARE_KILLS: u32 = 40;

/// Acknowledged devices: their rights, `None` if revoked.
type Devices = BTreeMap<Fingerprint, Option<Grants>>;

#[test]
fn kill_9_during_pairing_approval_edit_revoke_and_backup_leaves_the_old_state_or_the_new() {
    let state = folder_in_memory();
    let mut rng = StdRng::seed_from_u64(9);
    let (mut devices, mut identity, mut writes, mut backups) = (Devices::new(), None, 0, 0);
    for round in 0..KILLS {
        let mut writer = start("writer", state.path());
        let mut output = BufReader::new(writer.stdout.take().unwrap());
        writes += acknowledged(&mut output, rng.random_range(1..8), &mut devices);
        kill_within(Duration::from_millis(8), &mut writer, &mut rng);
        writes += acknowledged(&mut output, usize::MAX, &mut devices);

        let trust = open(state.path());
        let host = trust.identity().fingerprint;
        assert_eq!(*identity.get_or_insert(host), host, "round {round}");
        let found: Devices = trust.devices().map(|device| (device.fingerprint, rights(device))).collect();
        check_at_most_one_ahead(&devices, &found, round);
        check_log(&trust, round);
        devices = found;
        drop(trust);
        backups += u32::from(check_backup(state.path(), host));
    }
    println!("{KILLS} kills, {writes} acknowledged writes, {} devices, {backups} whole backups", devices.len());
}

#[test]
fn kill_9_during_the_first_start_leaves_a_state_directory_that_opens() {
    let mut rng = StdRng::seed_from_u64(10);
    for round in 0..RARE_KILLS {
        let state = folder_in_memory();
        let mut writer = start("writer", state.path());
        kill_within(Duration::from_millis(60), &mut writer, &mut rng);
        check_log(&open(state.path()), round);
    }
}

#[test]
fn kill_9_during_a_change_of_identity_leaves_the_old_identity_or_the_new_and_every_device() {
    let state = folder_in_memory();
    let mut rng = StdRng::seed_from_u64(11);
    let mut trust = open(state.path());
    pair(&mut trust, Fingerprint::from_bytes([7; 32]), &mut rng);
    let mut identity = trust.identity().fingerprint.to_string();
    drop(trust);
    let mut changes = 0;
    for round in 0..RARE_KILLS {
        let mut rotator = start("rotator", state.path());
        let mut output = BufReader::new(rotator.stdout.take().unwrap());
        let promised = lines(&mut output, rng.random_range(0..4));
        kill_within(Duration::from_millis(20), &mut rotator, &mut rng);
        let promised: Vec<_> = promised.into_iter().chain(lines(&mut output, usize::MAX)).collect();
        let trust = open(state.path());
        let host = trust.identity().fingerprint.to_string();
        let last = |verb| promised.iter().rev().find_map(|line| line.strip_prefix(verb));
        let acknowledged = last("promoted ").unwrap_or(&identity);
        let ahead = last("prepared ").unwrap_or(acknowledged);
        assert!([acknowledged, ahead].contains(&host.as_str()), "round {round}: {host} is neither the old nor the new");
        assert_eq!(trust.devices().count(), 1);
        check_log(&trust, round);
        changes += usize::from(identity != host);
        identity = host;
    }
    println!("{RARE_KILLS} kills, {changes} rounds with a new identity");
}

#[test]
fn kill_9_during_a_restore_leaves_the_state_before_or_the_restored_one() {
    let mut rng = StdRng::seed_from_u64(12);
    let state = folder_in_memory();
    // Two hosts with a different number of devices: a mixture of them would show.
    let hosts: Vec<(Fingerprint, usize)> = BACKUPS
        .iter()
        .zip([2, 5])
        .map(|(name, devices)| (make_backup(&state.path().join(name), devices, &mut rng), usize::from(devices)))
        .collect();
    let mut found = [0; 2];
    let mut cut_off = 0;
    for round in 0..RARE_KILLS {
        let mut restorer = start("restorer", state.path());
        let mut output = BufReader::new(restorer.stdout.take().unwrap());
        lines(&mut output, rng.random_range(1..4));
        kill_within(Duration::from_millis(15), &mut restorer, &mut rng);
        cut_off += u32::from(state.path().join("restore.new").exists() || state.path().join("restore.ready").exists());
        let trust = open(state.path());
        let is = (trust.identity().fingerprint, trust.devices().count());
        let which = hosts.iter().position(|host| *host == is);
        found[which.unwrap_or_else(|| panic!("round {round}: {is:?} is neither of {hosts:?}"))] += 1;
        check_log(&trust, round);
        for leftover in ["restore.new", "restore.ready"] {
            assert!(!state.path().join(leftover).exists(), "round {round}: {leftover}");
        }
    }
    println!("{RARE_KILLS} kills, {cut_off} in the middle: {} found one host, {} the other", found[0], found[1]);
}

/// Writes the backup of a new host with `devices` devices to `file`.
fn make_backup(file: &Path, devices: u8, rng: &mut StdRng) -> Fingerprint {
    let source = folder_in_memory();
    let mut trust = open(source.path());
    (0..devices).for_each(|n| pair(&mut trust, Fingerprint::from_bytes([n; 32]), rng));
    backup::write(&mut trust, Moment::now(), fs::File::create(file).unwrap(), to_passphrase()).unwrap();
    trust.identity().fingerprint
}

/// What a killed process wrote stays with the kernel, so no disk is needed; without one there are more rounds in
/// the same time.
fn folder_in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn open(state: &Path) -> Trust {
    Trust::open(state, PairingPolicy::Require, Moment::now()).unwrap()
}

fn check_log(trust: &Trust, round: u32) {
    let verdict = trust.verify_audit().unwrap();
    assert!(matches!(verdict, AuditVerdict::Sound { .. }), "round {round}: {verdict:?}");
}

/// Kills at a moment nobody could have chosen.
fn kill_within(longest: Duration, writer: &mut Child, rng: &mut StdRng) {
    thread::sleep(longest.mul_f64(rng.random()));
    writer.kill().unwrap();
    writer.wait().unwrap();
}

/// The store may hold one write that was not acknowledged any more, and lacks none that was.
fn check_at_most_one_ahead(acknowledged: &Devices, found: &Devices, round: u32) {
    for (device, rights) in acknowledged {
        let stored = found.get(device).unwrap_or_else(|| panic!("round {round}: {device} was lost"));
        assert!(stored.is_none() || rights.is_some(), "round {round}: {device} came back");
    }
    let ahead = found.iter().filter(|(device, rights)| acknowledged.get(device) != Some(rights)).count();
    assert!(ahead <= 1, "round {round}: {ahead} writes nobody asked for");
}

fn rights(device: &Device) -> Option<Grants> {
    matches!(device.state, DeviceState::Paired).then_some(device.access.grants)
}

/// A backup under its name is whole; says whether there is one.
fn check_backup(state: &Path, host: Fingerprint) -> bool {
    let Ok(file) = fs::File::open(backup_of(state)) else { return false };
    let fresh = folder_in_memory();
    let secret = Secret::passphrase(PASSPHRASE.into());
    let restored = backup::restore(fresh.path(), file, &secret, Onto::Nothing).unwrap();
    assert_eq!(restored.summary.fingerprint, host);
    fs::remove_file(backup_of(state)).unwrap();
    true
}

fn backup_of(state: &Path) -> PathBuf {
    state.join("backup.age")
}

fn start(role: &str, state: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", role, "--ignored", "--nocapture"])
        .env(FOLDER, state)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Reads up to `limit` lines that acknowledge something; a torn last line acknowledges nothing.
fn lines(output: &mut impl BufRead, limit: usize) -> Vec<String> {
    const VERBS: [&str; 6] = ["paired ", "edited ", "revoked ", "prepared ", "promoted ", "restored "];
    let mut found = Vec::new();
    let mut line = String::new();
    while found.len() < limit && output.read_line(&mut line).unwrap() > 0 {
        let whole = line.strip_suffix('\n').filter(|line| VERBS.iter().any(|verb| line.starts_with(verb)));
        found.extend(whole.map(str::to_owned));
        line.clear();
    }
    found
}

fn acknowledged(output: &mut impl BufRead, limit: usize, devices: &mut Devices) -> usize {
    let lines = lines(output, limit);
    for line in &lines {
        let Some((verb, fingerprint)) = line.split_once(' ') else { continue };
        let Ok(fingerprint) = fingerprint.parse() else { continue };
        devices.insert(fingerprint, (verb != "revoked").then_some(if verb == "edited" { EDITED } else { PAIRED }));
    }
    lines.len()
}

fn folder() -> PathBuf {
    env::var_os(FOLDER).expect("set by the test that starts this").into()
}

/// Tells the test that it is on the disk.
fn acknowledge(verb: &str, what: impl std::fmt::Display) {
    let mut out = std::io::stdout();
    writeln!(out, "{verb} {what}").and_then(|()| out.flush()).unwrap();
}

#[test]
#[ignore = "run by the tests above as the process that is killed"]
fn writer() {
    let folder = folder();
    let mut rng = StdRng::from_os_rng();
    let mut trust = open(&folder);
    for n in 0_u32.. {
        let device = Fingerprint::from_bytes(rng.random());
        if n.is_multiple_of(2) {
            pair(&mut trust, device, &mut rng)
        } else {
            approve(&mut trust, device, n)
        };
        acknowledge("paired", device);
        let mut owner = trust.acting(Origin::ctl(0));
        if n % 4 == 1 {
            owner.set_access(Moment::now(), device, Offer { grants: EDITED, lifetime: None }).unwrap();
            acknowledge("edited", device);
        }
        if n % 3 == 0 {
            owner.revoke(Moment::now(), device).unwrap();
            acknowledge("revoked", device);
        }
        if n % 4 == 2 {
            let part = folder.join("backup.part");
            backup::write(&mut owner, Moment::now(), fs::File::create(&part).unwrap(), to_passphrase()).unwrap();
            fs::rename(part, backup_of(&folder)).unwrap();
        }
    }
}

#[test]
#[ignore = "run by the tests above as the process that is killed"]
fn rotator() {
    let mut trust = open(&folder());
    loop {
        acknowledge("prepared", trust.prepare_successor(Moment::now()).unwrap());
        acknowledge("promoted", trust.promote_successor(Moment::now()).unwrap());
    }
}

#[test]
#[ignore = "run by the tests above as the process that is killed"]
fn restorer() {
    for name in BACKUPS.iter().cycle() {
        let file = fs::File::open(folder().join(name)).unwrap();
        let secret = Secret::passphrase(PASSPHRASE.into());
        let restored = backup::restore(&folder(), file, &secret, Onto::Replaced).unwrap();
        acknowledge("restored", restored.summary.fingerprint);
        restored.kept.iter().for_each(|kept| fs::remove_dir_all(kept).unwrap());
    }
}

fn to_passphrase() -> Recipient {
    Recipient::Passphrase(Passphrase::new(PASSPHRASE.into()).unwrap(), WorkFactor::LIGHT)
}

fn approve(trust: &mut Trust, device: Fingerprint, n: u32) {
    let source = Ipv4Addr::from_bits(0x0A00_0000 + n).into();
    trust.knock(Moment::now(), source, device, Some("Handheld")).unwrap();
    let id = trust.knocks(Moment::now()).find(|knock| knock.fingerprint == device).unwrap().id;
    trust.approve(Moment::now(), id, None, Offer { grants: PAIRED, lifetime: None }).unwrap();
}

fn pair(trust: &mut Trust, device: Fingerprint, rng: &mut StdRng) {
    let offer = Offer { grants: PAIRED, lifetime: None };
    trust.arm(Moment::now(), Invitation { offer, ..Invitation::default() }, rng);
    let source = Ipv4Addr::from_bits(0x0A00_0000 | rng.random_range(0..1 << 24)).into();
    let attempt = trust.begin_pairing(Moment::now(), source, Some(device)).unwrap();
    let spent = trust.spend_pin(Moment::now(), attempt).unwrap();
    trust.pair_succeeded(Moment::now(), spent, Some("Handheld")).unwrap();
}

const PAIRED: Grants = Grants::CONTROLLER_ONLY;
const EDITED: Grants = Grants::VIEW_ONLY;
const BACKUPS: [&str; 2] = ["one.age", "other.age"];
const PASSPHRASE: &str = "kill me if you can";
