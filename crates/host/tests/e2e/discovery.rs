//! What the host says of itself over mDNS, heard on the loopback interface.

use punktfunk_proto::wire::txt::{Advert, PairingPolicyAdvert};
use punktfunk_transport::discovery::{Browser, Discovered, Discovery, Reach};

use crate::fixture::{BASE, Host, PATIENCE, PROGRAM, SYNTHETIC, configure, serve};

/// A host that is announced on loopback, with this policy.
fn announced(policy: &str) -> (tempfile::TempDir, Host) {
    let dir = tempfile::tempdir().unwrap();
    let base = BASE.replace("enable = false", "enable = true\ninterfaces = [\"lo\"]");
    assert_ne!(base, BASE);
    configure(dir.path(), &format!("{base}\n{SYNTHETIC}[pairing]\npolicy = \"{policy}\"\n"));
    let host = Host::run(dir.path(), serve(std::process::Command::new(PROGRAM), dir.path()));
    (dir, host)
}

/// The record of `host`; others on this machine may be announced, too.
async fn record_of(host: &Host) -> (Discovered, Advert) {
    let fingerprint = host.fingerprint();
    let mut browser = Browser::start(Reach::Loopback).unwrap();
    let search = async {
        loop {
            if let Discovery::Found(found) = browser.next().await.expect("mDNS runs") {
                let advert = Advert::from_pairs(&found.txt).filter(|it| it.fingerprint == Some(fingerprint));
                if let Some(advert) = advert {
                    return (found, advert);
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, search).await.expect("the host is announced")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_requires_pairing_announces_so_with_its_address_and_port() {
    let (_dir, host) = announced("require");
    let (found, advert) = record_of(&host).await;
    assert_eq!(advert.pairing, PairingPolicyAdvert::Required);
    assert!(found.txt.contains(&("pair".to_owned(), "required".to_owned())), "{:?}", found.txt);
    assert_eq!((found.port, &found.addresses[..]), (host.address.port(), &[host.address.ip()][..]));
    assert!(advert.id.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_host_announces_that_pairing_is_optional() {
    let (_dir, host) = announced("open");
    let (found, advert) = record_of(&host).await;
    assert_eq!(advert.pairing, PairingPolicyAdvert::Optional);
    assert!(found.txt.contains(&("pair".to_owned(), "optional".to_owned())), "{:?}", found.txt);
}
