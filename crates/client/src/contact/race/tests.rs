use super::{Caller, NoLink, Place, first_to_answer};
use crate::identity::ClientIdentity;
use punktfunk_proto::units::Fingerprint;
use punktfunk_transport::{ConnectError, Link, Server, ServerOptions, TlsIdentity};
use std::{net::UdpSocket, time::Duration};

fn identity() -> TlsIdentity {
    let made = ClientIdentity::load_or_create(tempfile::tempdir().unwrap().path()).unwrap();
    TlsIdentity::new(made.certificate_der, made.private_key_pkcs8_der)
}

/// A host that shakes hands and says nothing.
fn host() -> (Place, Fingerprint) {
    let identity = identity();
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), &identity, ServerOptions::default()).unwrap();
    let place = Place::At(server.local_addr().unwrap());
    tokio::spawn(async move {
        let mut links = Vec::new();
        while let Some(link) = server.accept().await {
            links.push(link);
        }
    });
    (place, identity.fingerprint())
}

/// An address that takes everything and says nothing.
fn black_hole() -> (UdpSocket, Place) {
    let socket = UdpSocket::bind("127.0.0.2:0").unwrap();
    let place = Place::At(socket.local_addr().unwrap());
    (socket, place)
}

async fn call(places: &[&Place], pin: Option<Fingerprint>, budget: Duration) -> Result<Link, NoLink> {
    let identity = identity();
    first_to_answer(&Caller { identity: &identity, pin, budget }, places.iter().map(|&place| place.clone()).collect())
        .await
}

/// So long that a caller who waits for its end hangs.
const AGES: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_silent_address_holds_nobody_up_and_was_called() {
    let (hole, (host, fingerprint)) = (black_hole(), host());
    let link = call(&[&hole.1, &host], Some(fingerprint), AGES).await.unwrap();
    assert_eq!(Place::At(link.peer), host);
    hole.0.set_nonblocking(true).unwrap();
    assert!(hole.0.recv(&mut [0; 2_048]).is_ok());
}

#[tokio::test]
async fn the_first_address_is_the_one_that_is_used_where_it_answers_at_once() {
    let ((first, _), (second, _)) = (host(), host());
    assert_eq!(Place::At(call(&[&first, &second], None, AGES).await.unwrap().peer), first);
}

#[tokio::test]
async fn somebody_else_at_one_address_does_not_keep_the_host_from_being_found_at_another() {
    let ((stranger, _), (host, fingerprint)) = (host(), host());
    let link = call(&[&stranger, &host], Some(fingerprint), AGES).await.unwrap();
    assert_eq!((Place::At(link.peer), link.peer_fingerprint), (host, Some(fingerprint)));
}

#[tokio::test]
async fn somebody_else_is_told_rather_than_silence_and_long_before_the_time_is_over() {
    let (hole, (stranger, presented)) = (black_hole(), host());
    let pin = Fingerprint::from_bytes([1; 32]);
    let lost = call(&[&hole.1, &stranger], Some(pin), AGES).await.unwrap_err();
    let Some(ConnectError::PinMismatch { expected, presented: shown }) = lost.failure else { panic!("{lost:?}") };
    assert_eq!((expected, shown), (pin, presented));
}

#[tokio::test]
async fn silence_everywhere_names_every_address_and_every_unknown_name() {
    let (first, second) = (black_hole(), black_hole());
    let nowhere = Place::Named("no-such-host.invalid".into(), 9_777);
    let lost = call(&[&nowhere, &first.1, &second.1], None, Duration::from_millis(900)).await.unwrap_err();
    assert_eq!(lost.called.iter().copied().map(Place::At).collect::<Vec<_>>(), [first.1, second.1]);
    assert_eq!(lost.unknown, ["no-such-host.invalid"]);
    assert!(lost.failure.is_none() && lost.some_silent());
}

#[tokio::test]
async fn a_name_is_called_at_its_addresses() {
    let (Place::At(address), fingerprint) = host() else { panic!("a host has an address") };
    let named = Place::Named("localhost".into(), address.port());
    assert_eq!(call(&[&named], Some(fingerprint), AGES).await.unwrap().peer, address);
}
