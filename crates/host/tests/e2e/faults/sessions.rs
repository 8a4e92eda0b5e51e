//! Nonsense within a session, and around its media socket: the session goes on, and so does the host.

use std::{io::ErrorKind, net::UdpSocket, time::Duration};

use punktfunk_proto::{
    units::ClientTime,
    wire::{ControlMessage, Hello, Welcome, WireMode},
};
use punktfunk_transport::media::PUNCH;
use rand::{Rng as _, RngCore as _, SeedableRng as _, rngs::StdRng};
use tokio::time::sleep;

use super::raw::Raw;
use crate::fixture::{Device, Host, PATIENCE, SYNTHETIC, hello};

const MODE: WireMode = WireMode { width: 320, height: 240, hz: 30 };

/// A paired device that streams to `media`, its clock rounds done, written by hand.
struct Streaming {
    host: Host,
    device: Device,
    client: Raw,
    media: UdpSocket,
    welcome: Welcome,
}

impl Streaming {
    async fn new() -> Self {
        let mut streaming = Self::started().await;
        streaming.punch();
        streaming.receives();
        streaming
    }

    /// It has said Start and not punched.
    async fn started() -> Self {
        let host = Host::start(SYNTHETIC);
        let device = Device::new("Handmade");
        device.pair_now(&host).await;
        let mut client = Raw::over(device.link(&host).await.unwrap());
        let media = bind("127.0.0.1");
        let asked = Hello { mode: MODE, ..hello("1280x720@60") };
        let welcome = client.start(&asked, media.local_addr().unwrap().port()).await;
        let mut streaming = Self { host, device, client, media, welcome };
        for round in 0..8 {
            streaming.is_answered(round).await;
        }
        streaming
    }

    fn punch(&self) {
        self.media.send_to(&PUNCH, (self.host.address.ip(), self.welcome.media_port)).unwrap();
    }

    /// A sealed datagram comes from the host's media socket.
    fn receives(&mut self) {
        let mut datagram = [0; 2_048];
        let (length, from) = self.media.recv_from(&mut datagram).expect("media arrives");
        assert_eq!((length, from.port()), (1_472, self.welcome.media_port));
    }

    /// The host answers a clock probe; whatever it says before is passed over.
    async fn is_answered(&mut self, t1: u64) {
        let t1 = ClientTime::from_nanos(t1);
        self.client.write_framed(&ControlMessage::ClockProbe { t1 }.encode()).await;
        self.expect(|message| matches!(message, ControlMessage::ClockEcho { t1: echoed, .. } if *echoed == t1)).await;
    }

    async fn expect(&mut self, wanted: impl Fn(&ControlMessage) -> bool) {
        while !wanted(&ControlMessage::decode(&self.client.message().await).unwrap()) {}
    }

    /// Everything works: control, media, and the next client.
    async fn goes_on(mut self) {
        self.is_answered(77).await;
        self.media.set_nonblocking(true).unwrap();
        while self.media.recv(&mut [0; 2_048]).is_ok() {}
        self.media.set_nonblocking(false).unwrap();
        self.receives();
        self.device.hello(&self.host).await.welcome().await;
        assert!(!self.host.log().contains("panicked"), "{}", self.host.log());
    }
}

fn bind(ip: &str) -> UdpSocket {
    let socket = UdpSocket::bind((ip, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn seeded() -> StdRng {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    StdRng::seed_from_u64(seed)
}

#[tokio::test(flavor = "multi_thread")]
async fn oversized_and_senseless_control_messages_are_ignored() {
    let mut streaming = Streaming::new().await;
    let mut rng = seeded();
    let before = resident_kib(&streaming.host);
    let mut longest = vec![0xEE; 65_535];
    for kind in 0..=u8::MAX {
        longest[..5].copy_from_slice(&[b'P', b'K', b'F', b'c', kind]);
        streaming.client.write_framed(&longest).await;
        // A length that none of the fixed messages has.
        streaming.client.write_framed(&longest[..6]).await;
        streaming.is_answered(kind.into()).await;
    }
    for _ in 0..500 {
        let mut noise = vec![0; rng.random_range(0..300)];
        rng.fill_bytes(&mut noise);
        streaming.client.write_framed(&noise).await;
    }
    let host = resident_kib(&streaming.host);
    assert!(host < before + 16 * 1_024, "{before} KiB before 17 MB of nonsense, {host} KiB after");
    streaming.goes_on().await;
}

fn resident_kib(host: &Host) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", host.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn senseless_datagrams_on_the_control_connection_are_dropped() {
    let streaming = Streaming::new().await;
    let mut rng = seeded();
    for number in 0..2_000 {
        let mut noise = vec![0; rng.random_range(0..1_000)];
        rng.fill_bytes(&mut noise);
        if let (Some(tag), true) = (noise.first_mut(), number % 2 == 0) {
            *tag = rng.random_range(0xC8..=0xD3);
        }
        streaming.client.datagram(noise).await;
    }
    streaming.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mode_change_that_makes_no_sense_is_refused_and_the_mode_stays() {
    let mut streaming = Streaming::new().await;
    for (width, height, hz) in [
        (0, 0, 60),
        (1, 1, 60),
        (641, 480, 60),
        (640, 480, 0),
        (640, 480, 1_000_000_000),
        (16_384, 16_384, 60),
        (8_192, 64, 60),
    ] {
        let asked = ControlMessage::Reconfigure(WireMode { width, height, hz });
        streaming.client.write_framed(&asked.encode()).await;
        let refusal = ControlMessage::Reconfigured { accepted: false, mode: MODE };
        streaming.expect(|message| *message == refusal).await;
    }
    streaming.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_punch_from_a_foreign_source_draws_no_stream() {
    let mut streaming = Streaming::started().await;
    let foreign = bind("127.0.0.2");
    let host = (streaming.host.address.ip(), streaming.welcome.media_port);
    for _ in 0..50 {
        foreign.send_to(&PUNCH, host).unwrap();
        foreign.send_to(b"and something else", host).unwrap();
    }
    sleep(Duration::from_millis(300)).await;
    streaming.punch();
    streaming.receives();
    for _ in 0..50 {
        foreign.send_to(&PUNCH, host).unwrap();
        streaming.receives();
    }
    foreign.set_nonblocking(true).unwrap();
    assert_eq!(foreign.recv(&mut [0; 2_048]).unwrap_err().kind(), ErrorKind::WouldBlock);
    streaming.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_punch_is_none_even_from_the_right_source() {
    let mut streaming = Streaming::started().await;
    let neighbour = bind("127.0.0.1");
    let host = (streaming.host.address.ip(), streaming.welcome.media_port);
    for noise in [&b"PFpunch"[..], b"PFpunch2", b"PFpunch1 and more", b"", &[0; 1_400]] {
        neighbour.send_to(noise, host).unwrap();
    }
    streaming.punch();
    streaming.receives();
    neighbour.set_nonblocking(true).unwrap();
    assert_eq!(neighbour.recv(&mut [0; 2_048]).unwrap_err().kind(), ErrorKind::WouldBlock);
    streaming.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_neither_punches_nor_listens_harms_nobody_and_can_still_leave() {
    let mut streaming = Streaming::started().await;
    drop(std::mem::replace(&mut streaming.media, bind("127.0.0.1")));
    // After 2.5 s without a punch the host streams to a port that answers every datagram with an ICMP error.
    let deadline = std::time::Instant::now() + PATIENCE;
    while !streaming.host.log().contains("no punch arrived") {
        assert!(std::time::Instant::now() < deadline, "{}", streaming.host.log());
        sleep(Duration::from_millis(20)).await;
    }
    sleep(Duration::from_millis(200)).await;
    streaming.is_answered(99).await;
    streaming.device.hello(&streaming.host).await.welcome().await;
    streaming.client.finish().await;
    assert!(matches!(streaming.client.close(PATIENCE).await, (0, _)));
    assert!(!streaming.host.log().contains("panicked"), "{}", streaming.host.log());
}
