//! Abuse case 48: peers that stall after their first packets.

mod common;

use std::{
    collections::HashSet,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use common::{PATIENCE, accept, identity, server};
use punktfunk_transport::Client;
use tokio::{net::UdpSocket, sync::mpsc};

/// Long-header packets carry their type in these bits (RFC 9000, section 17.2); 3 is Retry.
fn is_retry(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| first & 0xf0 == 0xf0)
}

/// Attempts to connect to `addr` that go on, unanswered, until the test ends.
fn keep_calling(addr: SocketAddr, attempts: usize) {
    for _ in 0..attempts {
        tokio::spawn(Client::connect(addr, None, None, Duration::from_secs(60)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unproven_addresses_are_answered_by_retry_once_some_handshakes_have_stalled() {
    const ATTEMPTS: usize = 200;
    let (server, addr) = server(&identity());
    // First flights of clients that called a deaf address, replayed from sockets that never answer back.
    let deaf = UdpSocket::bind(common::loopback()).await.unwrap();
    keep_calling(deaf.local_addr().unwrap(), ATTEMPTS);
    let mut callers = HashSet::new();
    let mut sockets = Vec::new();
    let mut packet = [0; 2_048];
    while callers.len() < ATTEMPTS {
        let (length, caller) = deaf.recv_from(&mut packet).await.unwrap();
        if callers.insert(caller) {
            let socket = UdpSocket::bind(common::loopback()).await.unwrap();
            socket.send_to(&packet[..length], addr).await.unwrap();
            sockets.push(socket);
        }
    }
    let (retries, mut seen) = mpsc::channel(ATTEMPTS);
    for socket in sockets {
        let retries = retries.clone();
        tokio::spawn(async move {
            let mut packet = [0; 2_048];
            while let Ok(length) = socket.recv(&mut packet).await {
                if is_retry(&packet[..length]) {
                    return retries.send(()).await;
                }
            }
            Ok(())
        });
    }
    let expected = ATTEMPTS - 32;
    let mut count = 0;
    while count < expected {
        tokio::time::timeout(PATIENCE, seen.recv())
            .await
            .unwrap_or_else(|_| panic!("only {count} Retry packets"))
            .unwrap();
        count += 1;
    }
    let client = identity();
    let (link, connected) = tokio::join!(accept(&server), Client::connect(addr, Some(&client), None, PATIENCE));
    assert_eq!(link.peer_fingerprint, Some(client.fingerprint()));
    connected.unwrap();
}

/// Passes everything to the host from `source`, but of the host's packets only Retry: its clients prove their
/// address and then stall.
async fn stalling_path(source: Ipv4Addr, host: SocketAddr, proven: mpsc::Sender<()>) -> SocketAddr {
    let front = Arc::new(UdpSocket::bind(common::loopback()).await.unwrap());
    let addr = front.local_addr().unwrap();
    tokio::spawn(async move {
        let mut paths = std::collections::HashMap::new();
        let mut packet = [0; 2_048];
        while let Ok((length, caller)) = front.recv_from(&mut packet).await {
            let back = paths.entry(caller).or_insert_with(|| {
                let back = std::net::UdpSocket::bind((source, 0)).unwrap();
                back.set_nonblocking(true).unwrap();
                let back = Arc::new(UdpSocket::from_std(back).unwrap());
                tokio::spawn(return_retries(back.clone(), front.clone(), caller, proven.clone()));
                back
            });
            let _ = back.send_to(&packet[..length], host).await;
        }
    });
    addr
}

async fn return_retries(back: Arc<UdpSocket>, front: Arc<UdpSocket>, caller: SocketAddr, proven: mpsc::Sender<()>) {
    let mut packet = [0; 2_048];
    while let Ok(length) = back.recv(&mut packet).await {
        if is_retry(&packet[..length]) {
            let _ = front.send_to(&packet[..length], caller).await;
            let _ = proven.try_send(());
        }
    }
}

async fn connects_while_a_thousand_stall(sources: &[Ipv4Addr]) {
    const STALLED: usize = 1_000;
    let (server, addr) = server(&identity());
    let (proven, mut proofs) = mpsc::channel(STALLED);
    for source in sources {
        let path = stalling_path(*source, addr, proven.clone()).await;
        keep_calling(path, STALLED / sources.len());
    }
    // All but the first 32 were asked to prove their address and have their token.
    for _ in 0..STALLED - 100 {
        tokio::time::timeout(2 * PATIENCE, proofs.recv()).await.expect("clients are asked for proof").unwrap();
    }
    let client = identity();
    let started = Instant::now();
    let connected = Client::connect(addr, Some(&client), None, PATIENCE).await;
    let link = accept(&server).await;
    connected.unwrap();
    assert_eq!(link.peer_fingerprint, Some(client.fingerprint()));
    println!("connected after {:?} beside {STALLED} stalled handshakes", started.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_connects_while_a_thousand_handshakes_of_many_sources_stall() {
    let sources: Vec<Ipv4Addr> = (2..12).map(|last| Ipv4Addr::new(127, 0, 0, last)).collect();
    connects_while_a_thousand_stall(&sources).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_connects_while_a_thousand_handshakes_of_its_own_address_stall() {
    connects_while_a_thousand_stall(&[Ipv4Addr::LOCALHOST]).await;
}
