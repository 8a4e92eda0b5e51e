//! Hosts that advertise themselves, on loopback.

use punktfunk_proto::wire::txt::{Advert, PairingPolicyAdvert};
use punktfunk_transport::discovery::{Advertisement, Announcement, Reach};

use crate::common::{Client, Host, Ways};

fn advertise(host: &Host, name: &str, pairing: PairingPolicyAdvert) -> Advertisement {
    let fingerprint = Some(host.fingerprint);
    let advert = Advert { fingerprint, pairing, id: None, mgmt: None, os: None, mac: Vec::new() };
    let announcement = Announcement { name, listen: host.address, txt: &advert.to_pairs() };
    Advertisement::publish(&announcement, Reach::Loopback).unwrap()
}

const SHORT: [&str; 6] = ["--mode", "320x180@30", "--seconds", "0.2", "--mdns", "loopback"];

#[test]
fn an_advertised_host_is_listed_with_what_it_says_of_itself() {
    let (client, host) = (Client::new(), Host::start(Ways::default()));
    let _advertised = advertise(&host, "client test list", PairingPolicyAdvert::Required);
    let found = client.run(&["discover", "--timeout", "2", "--mdns", "loopback"]);
    assert_eq!(found.exit, 0, "{}", found.stderr);
    let hosts = found.value["hosts"].as_array().unwrap();
    let ours = hosts.iter().find(|entry| entry["name"] == "client test list").unwrap();
    assert_eq!(ours["fingerprint"], host.fingerprint.to_string());
    assert_eq!((&ours["pairing"], &ours["known"]), (&"required".into(), &false.into()));
}

#[test]
fn an_open_host_is_trusted_on_first_use_only_if_the_user_says_so() {
    let (client, host) = (Client::new(), Host::start(Ways::default()));
    let name = "client test open";
    let _advertised = advertise(&host, name, PairingPolicyAdvert::Optional);
    let refused = client.run(&[&["connect", name], &SHORT[..]].concat());
    assert_eq!(refused.exit, 4, "{}", refused.stderr);
    assert!(refused.message().contains("--trust-on-first-use"), "{}", refused.message());
    assert!(host.heard().hellos.is_empty());
    let streamed = client.run(&[&["connect", name, "--trust-on-first-use"], &SHORT[..]].concat());
    assert_eq!(streamed.exit, 0, "{}", streamed.stderr);
    assert_eq!(client.hosts()[0]["trust"], "first-use");
    assert_eq!(client.run(&[&["connect", name], &SHORT[..]].concat()).exit, 0);
}

#[test]
fn a_host_that_requires_pairing_is_never_trusted_on_first_use() {
    let (client, host) = (Client::new(), Host::start(Ways::default()));
    let name = "client test closed";
    let _advertised = advertise(&host, name, PairingPolicyAdvert::Required);
    let refused = client.run(&[&["connect", name, "--trust-on-first-use"], &SHORT[..]].concat());
    assert_eq!(refused.exit, 4, "{}", refused.stderr);
    assert!(refused.message().contains("punktfunk pair"), "{}", refused.message());
    assert!(host.heard().hellos.is_empty() && client.hosts().is_empty());
}

#[test]
fn a_paired_host_that_moved_is_found_again_by_its_fingerprint() {
    let client = Client::new();
    let identity = crate::common::identity();
    let first =
        Host::start_at("127.0.0.1:0".parse().unwrap(), identity.clone(), Ways { pin: Some("4711"), ..Ways::default() });
    assert_eq!(client.run(&["pair", &first.address(), "--pin", "4711"]).exit, 0);
    assert_eq!(client.run(&["hosts", "rename", &first.address(), "mover"]).exit, 0);
    drop(first);
    let second = Host::start_at("127.0.0.1:0".parse().unwrap(), identity, Ways::default());
    let _advertised = advertise(&second, "client test mover", PairingPolicyAdvert::Required);
    let streamed = client.run(&[&["connect", "mover", "--timeout", "1"], &SHORT[..]].concat());
    assert_eq!(streamed.exit, 0, "{}", streamed.stderr);
    assert_eq!(client.hosts()[0]["addresses"][0], second.address());
}
