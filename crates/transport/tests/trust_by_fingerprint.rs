//! Spec section 1.1 and abuse cases 20, 21: the fingerprint decides, and the key must be proven.

mod common;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use common::{
    PATIENCE, accept, connect, identity, identity_with, loopback,
    raw::{NoCertificate, forged, raw_client, raw_server},
    server,
};
use punktfunk_transport::{Client, ConnectError, Ended, Loss, Server, ServerOptions, TlsIdentity, TransportError};

#[tokio::test]
async fn each_side_learns_the_fingerprint_of_the_other() {
    let (host, client) = (identity(), identity());
    let (server, addr) = server(&host);
    let (at_host, at_client) = tokio::join!(accept(&server), connect(addr, Some(&client)));
    assert_eq!(at_host.peer_fingerprint, Some(client.fingerprint()));
    assert_eq!(at_client.unwrap().peer_fingerprint, Some(host.fingerprint()));
    assert!(at_host.peer.ip().is_loopback());
}

#[tokio::test]
async fn a_client_without_a_certificate_is_anonymous_not_refused() {
    let host = identity();
    let (server, addr) = server(&host);
    let (at_host, at_client) = tokio::join!(accept(&server), connect(addr, None));
    assert_eq!(at_host.peer_fingerprint, None);
    assert_eq!(at_client.unwrap().peer_fingerprint, Some(host.fingerprint()));
}

#[tokio::test]
async fn the_pinned_host_is_connected_to_and_another_is_named_in_the_error() {
    let (host, other) = (identity(), identity());
    let (_server, addr) = server(&host);
    let pinned = Client::connect(addr, None, Some(host.fingerprint()), PATIENCE).await;
    assert!(pinned.is_ok(), "{pinned:?}");
    match Client::connect(addr, None, Some(other.fingerprint()), PATIENCE).await {
        Err(ConnectError::PinMismatch { expected, presented }) => {
            assert_eq!((expected, presented), (other.fingerprint(), host.fingerprint()));
        }
        outcome => panic!("not a pin mismatch: {outcome:?}"),
    }
}

#[tokio::test]
async fn a_client_that_shows_a_certificate_without_its_key_never_becomes_a_link() {
    let (victim, forger) = (identity(), identity());
    let (server, addr) = server(&identity());
    let connection = raw_client(forged(&victim, &forger), b"pkf1").connect(addr, "punktfunk").unwrap();
    // The client's own half of the handshake ends before the host looks at the signature.
    if let Ok(connection) = connection.await {
        let refusal = tokio::time::timeout(PATIENCE, connection.closed()).await.expect("the host refuses");
        assert!(matches!(refusal, quinn::ConnectionError::ConnectionClosed(_)), "{refusal:?}");
    }
    // The next link is the honest client's: the forged one was never handed out.
    let (link, honest) = tokio::join!(accept(&server), connect(addr, Some(&victim)));
    assert_eq!(link.peer, SocketAddr::new(addr.ip(), link.peer.port()));
    assert_eq!(link.peer_fingerprint, Some(victim.fingerprint()));
    honest.unwrap();
    let nobody = tokio::time::timeout(Duration::from_millis(100), server.accept()).await;
    assert!(nobody.is_err(), "a second link: {nobody:?}");
}

#[tokio::test]
async fn a_host_that_shows_a_certificate_without_its_key_is_refused_even_when_it_is_pinned() {
    let (victim, forger) = (identity(), identity());
    let impostor = raw_server(forged(&victim, &forger));
    let addr = impostor.local_addr().unwrap();
    // It goes through with every handshake, so that nothing but the signature can end one.
    let accepting = tokio::spawn(async move { impostor.accept().await.expect("a call").await });
    let outcome = Client::connect(addr, None, Some(victim.fingerprint()), PATIENCE).await;
    assert!(matches!(outcome, Err(ConnectError::Handshake { .. })), "{outcome:?}");
    let refusal = tokio::time::timeout(PATIENCE, accepting).await.unwrap().unwrap();
    assert!(matches!(refusal, Err(quinn::ConnectionError::ConnectionClosed(_))), "{refusal:?}");
}

#[tokio::test]
async fn dates_versions_extensions_and_key_types_do_not_matter() {
    for (what, client) in strange_identities() {
        for host in [client.clone(), identity()] {
            let (server, addr) = server(&host);
            let (at_host, at_client) = tokio::join!(accept(&server), connect(addr, Some(&client)));
            let at_client = at_client.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(at_host.peer_fingerprint, Some(client.fingerprint()), "{what}");
            assert_eq!(at_client.peer_fingerprint, Some(host.fingerprint()), "{what}");
        }
    }
}

#[tokio::test]
async fn a_peer_that_does_not_speak_pkf1_is_no_client() {
    let (server, addr) = server(&identity());
    let stranger = raw_client(Arc::new(NoCertificate), b"h3").connect(addr, "punktfunk").unwrap().await;
    assert!(matches!(stranger, Err(quinn::ConnectionError::ConnectionClosed(_))), "{stranger:?}");
    let (link, client) = tokio::join!(accept(&server), connect(addr, None));
    assert_eq!((link.peer_fingerprint, client.is_ok()), (None, true));
}

#[tokio::test]
async fn a_port_in_use_is_said_so_with_the_way_out() {
    let (_server, addr) = server(&identity());
    let error = Server::bind(addr, &identity(), ServerOptions::default()).unwrap_err();
    assert!(matches!(error, TransportError::PortInUse(taken) if taken == addr), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&addr.port().to_string()) && text.contains("another port"), "{text}");
}

#[tokio::test]
async fn an_address_of_another_machine_is_said_so() {
    let error = Server::bind(([192, 0, 2, 77], 0).into(), &identity(), ServerOptions::default()).unwrap_err();
    assert!(matches!(error, TransportError::NoSuchAddress(_)), "{error:?}");
}

#[tokio::test]
async fn a_certificate_with_another_key_is_refused_before_anything_listens() {
    let (one, other) = (identity(), identity());
    let mixed = TlsIdentity::new(one.certificate_der.clone(), other.private_key_pkcs8_der.clone());
    let outcome = Server::bind(loopback(), &mixed, ServerOptions::default());
    assert!(matches!(outcome, Err(TransportError::Identity(_))), "{outcome:?}");
    let garbage = TlsIdentity::new(vec![1, 2, 3], vec![4, 5, 6]);
    assert!(matches!(connect(loopback(), Some(&garbage)).await, Err(ConnectError::Local(_))));
}

#[tokio::test]
async fn silence_is_reported_when_the_budget_is_used_up() {
    let deaf = std::net::UdpSocket::bind(loopback()).unwrap();
    let budget = Duration::from_millis(200);
    let outcome = Client::connect(deaf.local_addr().unwrap(), None, None, budget).await;
    assert!(matches!(outcome, Err(ConnectError::NoAnswer { budget: b, .. }) if b == budget), "{outcome:?}");
}

#[tokio::test]
async fn connecting_and_closing_with_zero_disturbs_nobody() {
    let (server, addr) = server(&identity());
    for _ in 0..20 {
        let (at_host, at_client) = tokio::join!(accept(&server), connect(addr, None));
        at_client.unwrap().close(0, "");
        let ended = tokio::time::timeout(PATIENCE, at_host.closed()).await.unwrap();
        assert_eq!(ended, Ended::Peer { code: 0, reason: String::new() });
    }
    let (at_host, at_client) = tokio::join!(accept(&server), connect(addr, None));
    server.shutdown(0x52, "bye").await;
    let ended = tokio::time::timeout(PATIENCE, at_client.unwrap().closed()).await.unwrap();
    assert_eq!(ended, Ended::Peer { code: 0x52, reason: "bye".to_owned() });
    assert!(server.accept().await.is_none());
    drop(at_host);
}

#[tokio::test]
async fn a_long_reason_is_cut_between_characters_and_the_first_close_counts() {
    let (_server, at_host, at_client) = common::pair().await;
    at_host.close(0x68, &"ü".repeat(200));
    at_host.close(0x01, "too late");
    let told = "ü".repeat(128);
    assert_eq!(at_host.closed().await, Ended::Ours { code: 0x68, reason: told.clone() });
    let ended = tokio::time::timeout(PATIENCE, at_client.closed()).await.unwrap();
    assert_eq!(ended, Ended::Peer { code: 0x68, reason: told });
}

#[tokio::test]
async fn a_host_that_falls_silent_is_lost_after_the_idle_timeout() {
    let options = ServerOptions { idle_timeout: Duration::from_secs(1), ..ServerOptions::default() };
    let (server, addr) = common::server_with(&identity(), options);
    // A client of its own runtime, which is stopped dead: nothing of it says good-bye.
    let client = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let link = runtime.block_on(connect(addr, None)).unwrap();
        (runtime, link)
    });
    let at_host = accept(&server).await;
    let frozen = tokio::task::spawn_blocking(|| client.join().unwrap()).await.unwrap();
    let ended = tokio::time::timeout(PATIENCE, at_host.closed()).await.unwrap();
    assert_eq!(ended, Ended::Lost(Loss::Silence));
    // A runtime may only be dropped where blocking is allowed.
    tokio::task::spawn_blocking(move || drop(frozen)).await.unwrap();
}

fn strange_identities() -> Vec<(&'static str, TlsIdentity)> {
    let contents = || rcgen::CertificateParams::new(["whoever".to_owned()]).unwrap();
    let mut expired = contents();
    expired.not_before = rcgen::date_time_ymd(1990, 1, 1);
    expired.not_after = rcgen::date_time_ymd(1991, 1, 1);
    let mut not_yet = contents();
    not_yet.not_before = rcgen::date_time_ymd(2090, 1, 1);
    not_yet.not_after = rcgen::date_time_ymd(2091, 1, 1);
    let mut critical = contents();
    let mut extension = rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99_999, 1], vec![0x05, 0x00]);
    extension.set_criticality(true);
    critical.custom_extensions = vec![extension];
    let mut identities = vec![
        ("expired", identity_with(expired)),
        ("not yet valid", identity_with(not_yet)),
        ("an unknown critical extension", identity_with(critical)),
        ("version 1", version_1(&identity())),
    ];
    for (what, algorithm) in [
        ("P-384", &rcgen::PKCS_ECDSA_P384_SHA384),
        ("Ed25519", &rcgen::PKCS_ED25519),
        ("RSA-2048", &rcgen::PKCS_RSA_SHA256),
    ] {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let certificate = contents().self_signed(&key).unwrap();
        identities.push((what, TlsIdentity::new(certificate.der().to_vec(), key.serialize_der())));
    }
    identities
}

/// The certificate without its version and extensions; its own signature is wrong then, which nobody checks.
fn version_1(identity: &TlsIdentity) -> TlsIdentity {
    let (_, certificate, _) = element(&identity.certificate_der);
    let (_, mut fields, signature) = element(certificate);
    let mut kept = Vec::new();
    while !fields.is_empty() {
        let (tag, content, rest) = element(fields);
        if !matches!(tag, 0xa0 | 0xa3) {
            kept.extend(sequence_like(tag, content));
        }
        fields = rest;
    }
    let certificate = sequence_like(0x30, &[sequence_like(0x30, &kept), signature.to_vec()].concat());
    TlsIdentity::new(certificate, identity.private_key_pkcs8_der.clone())
}

/// Tag, content and rest of a DER element.
fn element(der: &[u8]) -> (u8, &[u8], &[u8]) {
    let digits = if der[1] < 0x80 { 0 } else { usize::from(der[1] & 0x7f) };
    let length = if digits == 0 {
        usize::from(der[1])
    } else {
        der[2..2 + digits].iter().fold(0, |length, digit| length << 8 | usize::from(*digit))
    };
    let (content, rest) = der[2 + digits..].split_at(length);
    (der[0], content, rest)
}

fn sequence_like(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let header =
        if length < 0x80 { vec![tag, length as u8] } else { vec![tag, 0x82, (length >> 8) as u8, length as u8] };
    [header, content.to_vec()].concat()
}
