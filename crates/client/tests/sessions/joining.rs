//! `punktfunk join`

use std::net::{SocketAddr, UdpSocket};

use punktfunk_proto::{
    pairing::{JoinAddress, JoinLink},
    units::Fingerprint,
};

use crate::common::{Client, Host, Ways};

const TOKEN: &str = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ";

fn armed() -> Host {
    Host::start(Ways { pin: Some(TOKEN), ..Ways::default() })
}

fn link(addresses: &[SocketAddr], host: Fingerprint, name: &str) -> String {
    let addresses = addresses.iter().map(|at| JoinAddress::ip(at.ip(), at.port()).unwrap()).collect();
    let link = JoinLink::new(addresses, host, TOKEN.parse().unwrap()).unwrap().named(name).unwrap();
    link.to_text().to_string()
}

/// An address that takes everything and says nothing.
fn black_hole() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.2:0").unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[test]
fn a_link_trusts_the_host_that_it_names_without_a_pin_or_a_question() {
    let (client, host) = (Client::new(), armed());
    let joined = client.run_with(&["join", "-"], &link(&[host.address], host.fingerprint, "Tom's den"));
    assert_eq!(joined.exit, 0, "{}", joined.stderr);
    assert_eq!(joined.value["joined"]["fingerprint"], host.fingerprint.to_string());
    let known = &client.hosts()[0];
    assert_eq!((&known["trust"], &known["name"]), (&"link".into(), &"Tom's den".into()));
    let heard = host.heard();
    assert_eq!((heard.paired.len(), heard.pairing_messages, heard.connections), (1, 2, 1));
    let streamed = client.run(&["connect", "Tom's den", "--mode", "320x180@30", "--seconds", "0.2"]);
    assert_eq!(streamed.exit, 0, "{}", streamed.stderr);
}

#[test]
fn a_black_hole_among_the_addresses_does_not_hold_the_device_up() {
    let (client, host) = (Client::new(), armed());
    let (_silent, nowhere) = black_hole();
    // Waiting for the first address until its share of the time is over would take half an hour.
    let joined =
        client.run_with(&["join", "-", "--timeout", "3600"], &link(&[nowhere, host.address], host.fingerprint, "den"));
    assert_eq!(joined.exit, 0, "{}", joined.stderr);
    assert_eq!(joined.value["joined"]["addresses"][0], host.address());
}

#[test]
fn another_host_at_the_address_of_the_link_is_sent_nothing() {
    let (client, other) = (Client::new(), armed());
    let meant = Fingerprint::from_bytes([0xAB; 32]);
    let refused = client.run_with(&["join", "-"], &link(&[other.address], meant, "den"));
    assert_eq!(refused.exit, 4, "{}", refused.stderr);
    let message = refused.message();
    assert!(message.contains(&meant.grouped()) && message.contains(&other.fingerprint.grouped()), "{message}");
    assert_eq!((other.heard().pairing_messages, other.heard().connections), (0, 0));
    assert!(client.hosts().is_empty());
}

#[test]
fn a_link_that_was_used_or_is_too_old_says_to_ask_for_a_new_one() {
    let (client, host) = (Client::new(), Host::start(Ways::default()));
    let refused = client.run_with(&["join", "-"], &link(&[host.address], host.fingerprint, "den"));
    assert_eq!((refused.exit, refused.close_code()), (5, Some(0x60)), "{}", refused.stderr);
    assert!(refused.message().contains("new link"), "{}", refused.message());
}

#[test]
fn a_link_whose_place_a_newer_one_took_says_so_and_trusts_nobody() {
    let (client, host) =
        (Client::new(), Host::start(Ways { pin: Some("00000000000000000000000000"), ..Ways::default() }));
    let refused = client.run_with(&["join", "-"], &link(&[host.address], host.fingerprint, "den"));
    assert_eq!((refused.exit, refused.close_code()), (4, None), "{}", refused.stderr);
    assert!(refused.message().contains("new link"), "{}", refused.message());
    assert!(client.hosts().is_empty() && host.heard().paired.is_empty());
}

#[test]
fn where_nobody_answers_all_addresses_are_listed() {
    let client = Client::new();
    let holes = [black_hole(), black_hole()];
    let addresses = holes.each_ref().map(|(_, address)| *address);
    let text = link(&addresses, Fingerprint::from_bytes([1; 32]), "den");
    let refused = client.run_with(&["join", "-", "--timeout", "0.8"], &text);
    assert_eq!(refused.exit, 3, "{}", refused.stderr);
    for address in addresses {
        assert!(refused.message().contains(&address.to_string()), "{}", refused.message());
    }
}

#[test]
fn what_is_no_link_is_a_wrong_command_line_that_says_what_is_wrong() {
    let client = Client::new();
    let refused = client.run_with(&["join", "-"], "https://den/join\n");
    assert_eq!(refused.exit, 2);
    assert!(refused.message().contains("punktfunk://"), "{}", refused.message());
}

#[test]
fn a_link_on_the_command_line_is_not_repeated_anywhere() {
    let (client, host) = (Client::new(), armed());
    let text = link(&[host.address], host.fingerprint, "den");
    for (command, exit) in [("join", 0), ("pair", 2), ("connect", 2)] {
        let ran = client.run(&["-vv", command, &text]);
        assert_eq!(ran.exit, exit, "{}", ran.stderr);
        assert!(!format!("{}{}", ran.stderr, ran.value).contains(TOKEN), "{command}: {}", ran.stderr);
    }
}

#[test]
fn a_host_that_was_given_a_name_keeps_it_when_it_is_joined_again() {
    let (client, host) = (Client::new(), armed());
    let text = link(&[host.address], host.fingerprint, "den");
    assert_eq!(client.run_with(&["join", "-"], &text).exit, 0);
    assert_eq!(client.run(&["hosts", "rename", "den", "cave"]).exit, 0);
    assert_eq!(client.run_with(&["join", "-"], &text).value["joined"]["name"], "cave");
    assert_eq!(client.hosts().len(), 1);
}
