//! mDNS on the loopback interface, where nobody else hears it.

mod common;

use common::PATIENCE;
use punktfunk_transport::discovery::{Advertisement, Announcement, Browser, Discovered, Discovery, Reach};
use tokio::time::timeout;

fn txt(pairing: &str) -> Vec<(String, String)> {
    [("proto", "punktfunk/1"), ("pair", pairing), ("id", "0123abcd")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
}

/// Waits for the record of `name` that `wanted` is content with; others on this machine may be advertised, too.
async fn find(browser: &mut Browser, name: &str, wanted: impl Fn(&Discovered) -> bool) -> Discovered {
    let found = async {
        loop {
            match browser.next().await.expect("mDNS runs") {
                Discovery::Found(host) if host.name == name && wanted(&host) => return host,
                _ => {}
            }
        }
    };
    timeout(2 * PATIENCE, found).await.expect("the host is found")
}

#[tokio::test]
async fn a_host_is_found_updated_and_gone_when_it_is_dropped() {
    let name = format!("Tom's PC. {}", std::process::id());
    let announcement = Announcement { name: &name, listen: "127.0.0.1:9777".parse().unwrap(), txt: &txt("required") };
    let host = Advertisement::publish(&announcement, Reach::Loopback).unwrap();
    let mut browser = Browser::start(Reach::Loopback).unwrap();
    let found = find(&mut browser, &name, |_| true).await;
    assert_eq!((found.port, &found.addresses[..]), (9_777, &[[127, 0, 0, 1].into()][..]));
    let mut pairs = found.txt.clone();
    pairs.sort();
    let mut expected = txt("required");
    expected.sort();
    assert_eq!(pairs, expected);

    host.update(&Announcement { txt: &txt("optional"), ..announcement }).unwrap();
    let optional = ("pair".to_owned(), "optional".to_owned());
    find(&mut browser, &name, |host| host.txt.contains(&optional)).await;

    let withdrawn = tokio::task::spawn_blocking(move || drop(host));
    let gone = async {
        loop {
            match browser.next().await.expect("mDNS runs") {
                Discovery::Gone { name: gone } if gone == name => return,
                _ => {}
            }
        }
    };
    timeout(2 * PATIENCE, gone).await.expect("the withdrawal is heard");
    withdrawn.await.unwrap();
}
