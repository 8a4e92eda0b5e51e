//! What the network is told of a host's policy, and what that is worth (abuse cases 24 and 25).

use std::time::Instant;

use punktfunk_proto::wire::txt::{Advert, PairingPolicyAdvert};
use punktfunk_tools::rogue::{CONFIGURATION, Client, PATIENCE, Victim, program};
use punktfunk_transport::discovery::{Advertisement, Announcement, Reach};

#[tokio::test(flavor = "multi_thread")]
async fn an_open_host_is_advertised_as_such_and_warned_of_in_log_and_console() {
    let (dir, client) = (tempfile::tempdir().unwrap(), Client::new().unwrap());
    let name = format!("rogue test open {}", std::process::id());
    let configured = format!(
        "{CONFIGURATION}[network.mdns]\ninterfaces = [\"lo\"]\n[host]\nname = \"{name}\"\n[pairing]\npolicy = \"open\"\n"
    );
    let host = std::process::Command::new(program("punktfunk-host").unwrap());
    let victim = Victim::run(dir.path(), host, &configured).unwrap().unwrap();
    let ours = discovered(&client, &name).await;
    assert_eq!(ours["pairing"], "optional");
    assert_eq!(ours["fingerprint"], victim.fingerprint.to_string());
    let warning = "whoever reaches this host";
    assert!(victim.ctl(&["status"]).unwrap()["warnings"][0].as_str().unwrap().contains(warning));
    assert!(victim.log().contains(warning) && victim.log().contains("WARN"), "{}", victim.log());
}

/// What the client finds of the host with this name; on a busy machine an announcement may be lost.
async fn discovered(client: &Client, name: &str) -> serde_json::Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = client.run(&["discover", "--timeout", "2", "--mdns", "loopback"]).await.unwrap();
        let hosts = found.answer["hosts"].as_array().unwrap();
        if let Some(ours) = hosts.iter().find(|host| host["name"] == name) {
            return ours.clone();
        }
        assert!(Instant::now() < deadline, "{name} is not advertised: {hosts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_advert_that_says_optional_admits_nobody_to_a_host_that_requires_pairing() {
    let (victim, client) = (Victim::start("").unwrap(), Client::new().unwrap());
    let advert = Advert {
        fingerprint: Some(victim.fingerprint),
        pairing: PairingPolicyAdvert::Optional,
        id: None,
        mgmt: None,
        os: None,
        mac: Vec::new(),
    };
    let name = format!("rogue test lie {}", std::process::id());
    let announcement = Announcement { name: &name, listen: victim.address, txt: &advert.to_pairs() };
    let _lie = Advertisement::publish(&announcement, Reach::Loopback).unwrap();
    let outcome = client.connect(&name, &["--trust-on-first-use", "--mdns", "loopback"]).await.unwrap();
    assert_eq!((outcome.exit, outcome.answer["error"]["close_code"].as_u64()), (5, Some(0x65)), "{outcome:?}");
    let knocks = victim.knocks().unwrap();
    assert_eq!(knocks.len(), 1, "it was held, as any stranger");
    let sessions = victim.ctl(&["sessions", "list"]).unwrap();
    assert_eq!((victim.devices().unwrap(), sessions["sessions"].as_array().unwrap().len()), (0, 0));
}
