use super::{FILE, KnownHost, KnownHosts, KnownHostsError, TrustOrigin};
use punktfunk_proto::units::Fingerprint;
use std::{fs, path::Path};

fn host(byte: u8, address: &str) -> KnownHost {
    KnownHost {
        name: format!("host {byte}"),
        fingerprint: Fingerprint::from_bytes([byte; 32]),
        addresses: vec![address.to_owned()],
        trust: TrustOrigin::Pin,
        added_unix: 1_700_000_000,
        successor: None,
    }
}

fn stored(dir: &Path, hosts: &[KnownHost]) -> KnownHosts {
    KnownHosts::update(dir, |known| hosts.iter().cloned().for_each(|host| known.trust(host))).unwrap();
    KnownHosts::load(dir).unwrap()
}

#[test]
fn no_file_means_that_no_host_is_known_yet() {
    let dir = tempfile::tempdir().unwrap();
    assert!(KnownHosts::load(&dir.path().join("absent")).unwrap().all().is_empty());
}

#[test]
fn a_trusted_host_is_found_by_name_address_and_fingerprint() {
    let dir = tempfile::tempdir().unwrap();
    let known = stored(dir.path(), &[host(1, "10.0.0.1:9777"), host(2, "10.0.0.2:9777")]);
    let first = Some(&known.all()[0]);
    assert_eq!(known.by_name("HOST 1"), first);
    assert_eq!(known.by_name("01010101"), first);
    assert_eq!(known.by_name("0101"), None);
    assert_eq!(known.by_address("10.0.0.1:9777"), first);
    assert_eq!(known.by_fingerprint(Fingerprint::from_bytes([1; 32])), first);
}

#[test]
fn the_file_is_readable_by_people() {
    let dir = tempfile::tempdir().unwrap();
    stored(dir.path(), &[host(1, "10.0.0.1:9777")]);
    insta::assert_snapshot!(fs::read_to_string(dir.path().join(FILE)).unwrap(), @r#"
    version = 1

    [[host]]
    name = "host 1"
    fingerprint = "0101010101010101010101010101010101010101010101010101010101010101"
    addresses = ["10.0.0.1:9777"]
    trust = "pin"
    added_unix = 1700000000
    "#);
}

#[test]
fn a_host_that_was_set_up_anew_replaces_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let anew = KnownHost { name: "Host 1".into(), ..host(2, "10.0.0.1:9777") };
    let known = stored(dir.path(), &[host(1, "10.0.0.1:9777"), anew]);
    assert_eq!(known.all().len(), 1);
    assert_eq!(known.by_name("host 1").unwrap().fingerprint, Fingerprint::from_bytes([2; 32]));
}

#[test]
fn a_host_whose_address_went_to_another_stays_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let known = stored(dir.path(), &[host(1, "10.0.0.1:9777"), host(2, "10.0.0.1:9777")]);
    assert_eq!(known.by_address("10.0.0.1:9777").unwrap().fingerprint, Fingerprint::from_bytes([2; 32]));
    assert!(known.by_name("host 1").unwrap().addresses.is_empty());
}

#[test]
fn namesakes_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let namesake = KnownHost { name: "host 1".into(), ..host(2, "10.0.0.2:9777") };
    let mut known = stored(dir.path(), &[host(1, "10.0.0.1:9777"), namesake]);
    assert_eq!(known.by_name("host 1").unwrap().fingerprint, Fingerprint::from_bytes([1; 32]));
    assert_eq!(known.by_name("host 1 (02020202)").unwrap().fingerprint, Fingerprint::from_bytes([2; 32]));
    assert!(!known.rename(Fingerprint::from_bytes([2; 32]), "HOST 1"));
    assert!(known.rename(Fingerprint::from_bytes([2; 32]), "den"));
    assert_eq!(known.by_name("den").unwrap().fingerprint, Fingerprint::from_bytes([2; 32]));
}

#[test]
fn pairing_again_keeps_the_addresses_and_takes_the_new_name() {
    let dir = tempfile::tempdir().unwrap();
    let renamed = KnownHost { name: "den".into(), ..host(1, "10.0.0.9:9777") };
    let known = stored(dir.path(), &[host(1, "10.0.0.1:9777"), renamed]);
    assert_eq!(known.all().len(), 1);
    assert_eq!(known.all()[0].name, "den");
    assert_eq!(known.all()[0].addresses, ["10.0.0.9:9777", "10.0.0.1:9777"]);
}

#[test]
fn a_stranger_reached_at_an_address_takes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut known = stored(dir.path(), &[host(1, "10.0.0.1:9777")]);
    known.reached(Fingerprint::from_bytes([9; 32]), "10.0.0.1:9777".into());
    assert_eq!(known.all()[0].addresses, ["10.0.0.1:9777"]);
}

#[test]
fn a_forgotten_host_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let print = Fingerprint::from_bytes([1; 32]);
    stored(dir.path(), &[host(1, "10.0.0.1:9777")]);
    assert!(KnownHosts::update(dir.path(), |known| known.forget(print)).unwrap());
    assert!(!KnownHosts::update(dir.path(), |known| known.forget(print)).unwrap());
    assert!(KnownHosts::load(dir.path()).unwrap().all().is_empty());
}

#[test]
fn a_damaged_file_is_refused_with_the_line_and_the_way_out_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    stored(dir.path(), &[host(1, "10.0.0.1:9777")]);
    let path = dir.path().join(FILE);
    let good = fs::read_to_string(&path).unwrap();
    let bad = good.replace("fingerprint = \"01", "fingerprint = \"0");
    fs::write(&path, &bad).unwrap();
    for error in [
        KnownHosts::load(dir.path()).unwrap_err(),
        KnownHosts::update(dir.path(), |known| known.trust(host(2, "10.0.0.2:9777"))).unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(text.contains("line 5") && text.contains("64 hexadecimal digits") && text.contains("mv "), "{text}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), bad);
}

#[test]
fn every_truncation_is_refused_or_a_prefix_of_what_was_stored() {
    let dir = tempfile::tempdir().unwrap();
    let whole = stored(dir.path(), &[host(1, "10.0.0.1:9777"), host(2, "10.0.0.2:9777")]);
    let path = dir.path().join(FILE);
    let good = fs::read(&path).unwrap();
    for length in 0..good.len() {
        fs::write(&path, &good[..length]).unwrap();
        if let Ok(known) = KnownHosts::load(dir.path()) {
            // A file cut between two hosts is a whole file; pins that are left are the ones that were stored.
            let kept = known.all().iter().all(|host| whole.by_fingerprint(host.fingerprint).is_some());
            assert!(kept, "cut at {length}");
        }
    }
    fs::write(&path, [0xFF, 0xFE]).unwrap();
    assert!(matches!(KnownHosts::load(dir.path()), Err(KnownHostsError::Damaged { .. })));
}

#[test]
fn a_file_of_a_newer_client_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(FILE), "version = 2\ncolour = \"blue\"\n").unwrap();
    assert!(matches!(KnownHosts::load(dir.path()), Err(KnownHostsError::Newer { version: 2, .. })));
}

#[test]
fn clients_that_store_at_the_same_time_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for byte in 0..16_u8 {
            let dir = dir.path();
            scope.spawn(move || {
                KnownHosts::update(dir, |known| known.trust(host(byte, &format!("10.0.0.{byte}:9777")))).unwrap();
            });
        }
    });
    assert_eq!(KnownHosts::load(dir.path()).unwrap().all().len(), 16);
}
