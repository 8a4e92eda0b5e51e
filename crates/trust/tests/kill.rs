//! `kill -9` at random moments: what was acknowledged is there, what was not is there whole or not at all.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use punktfunk_proto::units::Fingerprint;
use punktfunk_trust::{Grants, Invitation, Moment, Offer, PairingPolicy, Trust};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Where the writer that is to be killed works.
const FOLDER: &str = "PUNKTFUNK_TRUST_KILL_TEST";
const KILLS: u32 = 60;

/// Acknowledged devices: revoked or not.
type Devices = BTreeMap<Fingerprint, bool>;

#[test]
fn kill_9_at_any_moment_loses_no_acknowledged_device_and_leaves_a_store_that_opens() {
    let state = tempfile::tempdir().unwrap();
    let mut rng = StdRng::seed_from_u64(9);
    let (mut devices, mut identity, mut writes) = (Devices::new(), None, 0);
    for round in 0..KILLS {
        let mut writer = start(state.path());
        let mut output = BufReader::new(writer.stdout.take().unwrap());
        writes += acknowledged(&mut output, rng.random_range(1..8), &mut devices);
        kill_within(Duration::from_millis(8), &mut writer, &mut rng);
        writes += acknowledged(&mut output, usize::MAX, &mut devices);

        let trust = Trust::open(state.path(), PairingPolicy::Require, Moment::now()).unwrap();
        let host = trust.identity().fingerprint;
        assert_eq!(*identity.get_or_insert(host), host, "round {round}");
        let found: Devices = trust.devices().map(|device| (device.fingerprint, is_revoked(device))).collect();
        check_at_most_one_ahead(&devices, &found, round);
        devices = found;
    }
    println!("{KILLS} kills, {writes} acknowledged writes, {} devices", devices.len());
}

#[test]
fn kill_9_during_the_first_start_leaves_a_state_directory_that_opens() {
    let mut rng = StdRng::seed_from_u64(10);
    for _ in 0..KILLS {
        let state = tempfile::tempdir().unwrap();
        let mut writer = start(state.path());
        kill_within(Duration::from_millis(60), &mut writer, &mut rng);
        Trust::open(state.path(), PairingPolicy::Require, Moment::now()).unwrap();
    }
}

/// Kills at a moment nobody could have chosen.
fn kill_within(longest: Duration, writer: &mut Child, rng: &mut StdRng) {
    thread::sleep(longest.mul_f64(rng.random()));
    writer.kill().unwrap();
    writer.wait().unwrap();
}

/// The store may hold one write that was not acknowledged any more, and lacks none that was.
fn check_at_most_one_ahead(acknowledged: &Devices, found: &Devices, round: u32) {
    for (device, revoked) in acknowledged {
        let stored = found.get(device).unwrap_or_else(|| panic!("round {round}: {device} was lost"));
        assert!(*stored || !revoked, "round {round}: {device} came back");
    }
    let ahead = found.iter().filter(|(device, revoked)| acknowledged.get(device) != Some(revoked)).count();
    assert!(ahead <= 1, "round {round}: {ahead} writes nobody asked for");
}

fn is_revoked(device: &punktfunk_trust::Device) -> bool {
    !matches!(device.state, punktfunk_trust::DeviceState::Paired)
}

fn start(state: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "writer", "--ignored", "--nocapture"])
        .env(FOLDER, state)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Reads up to `limit` lines `paired FINGERPRINT` and `revoked FINGERPRINT`; a torn last line acknowledges nothing.
fn acknowledged(output: &mut impl BufRead, limit: usize, devices: &mut Devices) -> usize {
    let mut writes = 0;
    let mut line = String::new();
    while writes < limit && output.read_line(&mut line).unwrap() > 0 {
        let words = line.strip_suffix('\n').and_then(|line| line.split_once(' '));
        if let Some((verb @ ("paired" | "revoked"), fingerprint)) = words
            && let Ok(fingerprint) = fingerprint.parse()
        {
            devices.insert(fingerprint, verb == "revoked");
            writes += 1;
        }
        line.clear();
    }
    writes
}

#[test]
#[ignore = "run by the tests above as the process that is killed"]
fn writer() {
    let folder = env::var_os(FOLDER).expect("set by the test that starts this");
    let mut rng = StdRng::from_os_rng();
    let mut trust = Trust::open(Path::new(&folder), PairingPolicy::Require, Moment::now()).unwrap();
    let mut out = std::io::stdout();
    for n in 0_u32.. {
        let device = Fingerprint::from_bytes(rng.random());
        pair(&mut trust, device, n, &mut rng);
        writeln!(out, "paired {device}").and_then(|()| out.flush()).unwrap();
        if n % 3 == 0 {
            trust.revoke(Moment::now(), device).unwrap();
            writeln!(out, "revoked {device}").and_then(|()| out.flush()).unwrap();
        }
    }
}

fn pair(trust: &mut Trust, device: Fingerprint, n: u32, rng: &mut StdRng) {
    let offer = Offer { grants: Grants::CONTROLLER_ONLY, lifetime: None };
    trust.arm(Moment::now(), Invitation { offer, ..Invitation::default() }, rng);
    let source = std::net::Ipv4Addr::from_bits(0x0A00_0000 + n).into();
    let attempt = trust.begin_pairing(Moment::now(), source, Some(device)).unwrap();
    let spent = trust.spend_pin(Moment::now(), attempt).unwrap();
    trust.pair_succeeded(Moment::now(), spent, Some("Handheld")).unwrap();
}
