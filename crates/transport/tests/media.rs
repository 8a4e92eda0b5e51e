//! The media socket: whoever moves the datagrams, they are the same datagrams.

mod common;

use std::{
    net::{IpAddr, Ipv4Addr, UdpSocket},
    time::{Duration, Instant},
};

use common::PATIENCE;
use proptest::prelude::{Just, ProptestConfig, prop_oneof, proptest};
use punktfunk_transport::{
    MediaSocket, RecvBuffers, TransportError,
    media::{Offload, PUNCH, Sent},
};

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const OFFLOADS: [Offload; 3] = [Offload::Segmented, Offload::Listed, Offload::Plain];

/// A sender and a receiver that know each other.
fn sockets(sender: Offload, receiver: Offload) -> (MediaSocket, MediaSocket) {
    let mut sender = MediaSocket::bind_with(LOCALHOST, 0, sender).unwrap();
    let mut receiver = MediaSocket::bind_with(LOCALHOST, 0, receiver).unwrap();
    receiver.connect(sender.local_addr().unwrap()).unwrap();
    sender.connect(receiver.local_addr().unwrap()).unwrap();
    (sender, receiver)
}

fn receive(socket: &mut MediaSocket, buffers: &mut RecvBuffers, count: usize) -> Vec<Vec<u8>> {
    let mut datagrams = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while datagrams.len() < count && Instant::now() < deadline {
        let received = socket.recv_batch(buffers, Duration::from_millis(200)).unwrap();
        let before = datagrams.len();
        datagrams.extend(buffers.datagrams().map(|datagram| datagram.to_vec()));
        assert_eq!(datagrams.len() - before, received);
    }
    datagrams
}

#[test]
fn this_kernel_segments_and_the_twins_can_be_chosen() {
    for offload in OFFLOADS {
        assert_eq!(MediaSocket::bind_with(LOCALHOST, 0, offload).unwrap().offload(), offload);
    }
    let granted = MediaSocket::bind(LOCALHOST, 0).unwrap().buffers().unwrap();
    println!("socket buffers granted: {granted:?}");
    assert!(granted.receive > 0 && granted.send > 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn every_way_of_sending_and_receiving_yields_the_same_datagrams(
        segment in prop_oneof![1_usize..64, Just(576), Just(1_472), 1_000_usize..2_000, 8_000_usize..9_217],
        datagrams in 1_usize..150,
        short in 0_usize..9_216,
        seed in 0_u8..255,
    ) {
        let length = (datagrams * segment).saturating_sub(short.min(segment - 1));
        let bytes: Vec<u8> = (0..length).map(|n| (n as u8).wrapping_mul(31).wrapping_add(seed) ^ (n >> 8) as u8).collect();
        let expected: Vec<Vec<u8>> = bytes.chunks(segment).map(<[u8]>::to_vec).collect();
        let mut buffers = RecvBuffers::new();
        for sending in OFFLOADS {
            for receiving in OFFLOADS {
                let (mut sender, mut receiver) = sockets(sending, receiving);
                let mut arrived = Vec::new();
                // In parts that fit the socket buffers of a machine with default limits.
                for part in bytes.chunks((64_000 / segment).max(1) * segment) {
                    let count = part.chunks(segment).len();
                    let sent = sender.send_batch(part, segment).unwrap();
                    assert_eq!(sent, Sent { datagrams: count, dropped: 0 });
                    arrived.extend(receive(&mut receiver, &mut buffers, count));
                }
                assert!(arrived == expected, "{sending:?} to {receiving:?}, {datagrams} of {segment}");
            }
        }
    }
}

#[test]
fn only_a_punch_from_the_authenticated_address_is_adopted() {
    let mut host = MediaSocket::bind(LOCALHOST, 0).unwrap();
    let addr = host.local_addr().unwrap();
    let foreign = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 9), 0)).unwrap();
    let client = UdpSocket::bind((LOCALHOST, 0)).unwrap();
    foreign.send_to(&PUNCH, addr).unwrap();
    client.send_to(b"PFpunch2", addr).unwrap();
    client.send_to(b"PFpunch1 ", addr).unwrap();
    client.send_to(b"", addr).unwrap();
    client.send_to(&PUNCH, addr).unwrap();
    let announced = client.local_addr().unwrap();
    assert_eq!(host.await_punch(announced, PATIENCE).unwrap(), Some(announced));
    assert_eq!(host.foreign_datagrams(), 4);
}

#[test]
fn the_announced_port_is_believed_before_any_other_of_the_same_machine() {
    let mut host = MediaSocket::bind(LOCALHOST, 0).unwrap();
    let addr = host.local_addr().unwrap();
    let [left_over, client] = [(); 2].map(|()| UdpSocket::bind((LOCALHOST, 0)).unwrap());
    left_over.send_to(&PUNCH, addr).unwrap();
    client.send_to(&PUNCH, addr).unwrap();
    let announced = client.local_addr().unwrap();
    assert_eq!(host.await_punch(announced, PATIENCE).unwrap(), Some(announced));
}

#[test]
fn a_port_that_a_translator_changed_is_believed_when_the_announced_one_is_silent() {
    let mut host = MediaSocket::bind(LOCALHOST, 0).unwrap();
    let translated = UdpSocket::bind((LOCALHOST, 0)).unwrap();
    translated.send_to(&PUNCH, host.local_addr().unwrap()).unwrap();
    let punched = host.await_punch((LOCALHOST, 1).into(), PATIENCE).unwrap();
    assert_eq!(punched, Some(translated.local_addr().unwrap()));
}

#[test]
fn without_a_punch_the_wait_ends_in_time() {
    let mut host = MediaSocket::bind(LOCALHOST, 0).unwrap();
    let addr = host.local_addr().unwrap();
    let foreign = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 9), 0)).unwrap();
    foreign.send_to(&PUNCH, addr).unwrap();
    let started = Instant::now();
    assert_eq!(host.await_punch((LOCALHOST, 1).into(), Duration::from_millis(120)).unwrap(), None);
    assert!((Duration::from_millis(120)..PATIENCE).contains(&started.elapsed()));
}

#[test]
fn a_host_on_ipv6_knows_an_ipv4_client_by_its_address() {
    let mut host = MediaSocket::bind(IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED), 0).unwrap();
    let port = host.local_addr().unwrap().port();
    let client = UdpSocket::bind((LOCALHOST, 0)).unwrap();
    client.send_to(&PUNCH, (LOCALHOST, port)).unwrap();
    let punched = host.await_punch(client.local_addr().unwrap(), PATIENCE).unwrap().unwrap();
    assert_eq!((punched.ip().to_canonical(), punched.port()), (LOCALHOST, client.local_addr().unwrap().port()));
}

#[test]
fn what_others_send_to_a_connected_socket_never_arrives() {
    let (mut sender, mut receiver) = sockets(Offload::Segmented, Offload::Segmented);
    let stranger = UdpSocket::bind((LOCALHOST, 0)).unwrap();
    stranger.send_to(b"not from the host", receiver.local_addr().unwrap()).unwrap();
    sender.send_batch(b"from the host", 1_472).unwrap();
    let mut buffers = RecvBuffers::new();
    assert_eq!(receive(&mut receiver, &mut buffers, 1), [b"from the host".to_vec()]);
    assert_eq!(receiver.recv_batch(&mut buffers, Duration::ZERO).unwrap(), 0);
    assert_eq!(buffers.datagrams().count(), 0);
}

#[test]
fn a_closed_port_at_the_other_end_is_no_error_for_either_side() {
    for offload in OFFLOADS {
        let (mut sender, receiver) = sockets(offload, Offload::Plain);
        drop(receiver);
        for _ in 0..20 {
            let sent = sender.send_batch(&[1; 3_000], 1_000).unwrap();
            assert_eq!(sent.datagrams + sent.dropped, 3, "{offload:?}");
            sender.punch().unwrap();
        }
        assert_eq!(sender.recv_batch(&mut RecvBuffers::new(), Duration::from_millis(20)).unwrap(), 0);
    }
}

#[test]
fn a_full_socket_drops_and_says_how_many_instead_of_blocking() {
    for offload in OFFLOADS {
        let (mut sender, receiver) = sockets(offload, Offload::Listed);
        let bytes = vec![5; 1_400 * 64];
        let started = Instant::now();
        let mut sent = Sent::default();
        for _ in 0..200 {
            let one = sender.send_batch(&bytes, 1_400).unwrap();
            sent.datagrams += one.datagrams;
            sent.dropped += one.dropped;
        }
        assert_eq!(sent.datagrams + sent.dropped, 200 * 64, "{offload:?}");
        assert!(started.elapsed() < PATIENCE);
        drop(receiver);
    }
}

#[test]
fn misuse_is_an_error_not_a_panic() {
    let mut unconnected = MediaSocket::bind(LOCALHOST, 0).unwrap();
    assert!(unconnected.send_batch(b"to nobody", 4).is_err());
    assert!(unconnected.send_batch(b"no size", 0).is_err());
    assert_eq!(unconnected.send_batch(b"", 4).unwrap(), Sent::default());
    let taken = unconnected.local_addr().unwrap();
    let error = MediaSocket::bind(LOCALHOST, taken.port()).unwrap_err();
    assert!(matches!(error, TransportError::PortInUse(addr) if addr == taken), "{error:?}");
}

#[test]
fn nothing_is_allocated_per_batch_or_datagram() {
    for offload in OFFLOADS {
        let (mut sender, mut receiver) = sockets(offload, offload);
        let (bytes, mut buffers) = (vec![9; 1_472 * 30], RecvBuffers::new());
        let mut arrived = 0;
        let allocations = allocation_counter::measure(|| {
            for _ in 0..50 {
                sender.send_batch(&bytes, 1_472).unwrap();
                let mut missing = 30;
                while missing > 0 {
                    let received = receiver.recv_batch(&mut buffers, PATIENCE).unwrap();
                    assert!(received > 0);
                    missing -= received;
                    arrived += buffers.datagrams().map(|datagram| datagram.len()).sum::<usize>();
                }
            }
        });
        assert_eq!(arrived, 50 * bytes.len());
        assert_eq!(allocations.count_total, 0, "{offload:?}");
    }
}
