//! Clients that do not get as far as a stream: each is told why with the code of its cause, and the next one is served.

use std::{
    net::UdpSocket,
    time::{Duration, Instant},
};

use punktfunk_proto::{
    session::client_control::{ClientClosed, ClientCommand},
    wire::{Hello, Welcome, WireMode, frame},
};
use punktfunk_transport::media::PUNCH;
use rand::{Rng as _, RngCore as _, SeedableRng as _, rngs::StdRng};

use super::raw::Raw;
use crate::fixture::{Device, Host, PATIENCE, SYNTHETIC, Session, hello};

/// Closed by the host with this code and all of these words.
async fn closed(session: &mut Session, code: u32, words: &[&str]) {
    let ClientClosed::ByHost { code: found, reason } = session.closed().await else { panic!("not closed by the host") };
    says((found, reason), code, words);
}

fn says((found, reason): (u32, String), code: u32, words: &[&str]) {
    assert_eq!(found, code, "{reason}");
    for word in words {
        assert!(reason.contains(word), "{word:?} is missing in: {reason}");
    }
}

/// The host serves `device` and has nobody else on its lists.
async fn serves(host: &Host, device: &Device) {
    assert!(host.ctl_json(&["pending"])["knocks"].as_array().unwrap().is_empty());
    host.wait_for_count(&["sessions", "list"], "sessions", 0).await;
    assert_eq!(host.ctl_json(&["devices", "list"])["devices"].as_array().unwrap().len(), 1);
    device.hello(host).await.welcome().await;
    assert!(!host.log().contains("panicked"), "{}", host.log());
}

async fn raw(host: &Host, device: &Device) -> Raw {
    Raw::over(device.link(host).await.unwrap())
}

fn application(command: &[&str]) -> String {
    format!("[display]\nbackend = \"embedded\"\n[session]\ncommand = {command:?}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_does_not_exist_is_0x68_with_the_key_to_set_and_the_host_lives() {
    let dir = tempfile::tempdir().unwrap();
    let mut host = Host::start_in(dir.path(), &application(&["/opt/games/nonexistent"]));
    let device = Device::new("Gamer");
    device.pair_now(&host).await;
    for _ in 0..3 {
        let mut session = device.hello(&host).await;
        closed(&mut session, 0x68, &["/opt/games/nonexistent", "did not start", "No such file", "session.command"])
            .await;
    }
    host.wait_for_count(&["sessions", "list"], "sessions", 0).await;
    assert!(host.stop().success());
    let host = Host::start_in(dir.path(), &application(&["sleep", "600"]));
    serves(&host, &device).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_an_application_says_which_key_to_set() {
    let host = Host::start("[display]\nbackend = \"embedded\"\n");
    let device = Device::new("Gamer");
    device.pair_now(&host).await;
    closed(&mut device.hello(&host).await, 0x68, &["no application", "session.command"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_exits_at_once_is_0x52_with_its_status() {
    for (script, words) in [("exit 3", "exited with status 3"), ("kill -9 $$", "ended by signal 9")] {
        let host = Host::start(&application(&["sh", "-c", script]));
        let device = Device::new("Gamer");
        device.pair_now(&host).await;
        for _ in 0..2 {
            let mut session = device.hello(&host).await;
            let welcome = session.welcome().await;
            start_and_punch(&session, &welcome).await;
            closed(&mut session, 0x52, &["application", words]).await;
        }
        serves(&host, &device).await;
    }
}

/// Says Start and punches, without waiting for the clock rounds.
async fn start_and_punch(session: &Session, welcome: &Welcome) {
    let media = UdpSocket::bind("127.0.0.1:0").unwrap();
    media.send_to(&PUNCH, (session.host.ip(), welcome.media_port)).unwrap();
    session.tell(ClientCommand::Start { media_port: media.local_addr().unwrap().port() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mode_that_no_display_has_is_0x68_with_the_limit_it_breaks() {
    let host = Host::start(SYNTHETIC);
    let device = Device::new("Confused");
    device.pair_now(&host).await;
    for ((width, height, hz), words) in [
        ((0, 0, 60), &["0 pixels", "64 to 8192"]),
        ((1, 1, 60), &["1 pixels", "64 to 8192"]),
        ((1_281, 720, 60), &["1281 pixels is odd", "must be even"]),
        ((1_280, 721, 60), &["721 pixels is odd", "must be even"]),
        ((16_384, 16_384, 60), &["16384 pixels", "64 to 8192"]),
        ((u32::MAX, u32::MAX, u32::MAX), &["4294967295 pixels", "64 to 8192"]),
        ((1_280, 720, 0), &["0 Hz", "outside 1 to"]),
        ((1_280, 720, 1_000_000_000), &["1000000000 Hz", "outside 1 to"]),
        ((8_192, 8_192, 60), &["too large for H.264", "choose a smaller mode"]),
        ((4_098, 64, 60), &["too large for H.264", "choose a smaller mode"]),
    ] {
        let asked = Hello { mode: WireMode { width, height, hz }, ..hello("1280x720@60") };
        closed(&mut device.hello_with(&host, asked).await, 0x68, words).await;
    }
    serves(&host, &device).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_is_0x67_with_both_versions_named() {
    let host = Host::start(SYNTHETIC);
    let device = Device::new("From the future");
    device.pair_now(&host).await;
    for version in [0, 1, 3, u32::MAX] {
        let asked = Hello { version, ..hello("1280x720@60") };
        let words = ["version 2", &format!("not {version}")];
        closed(&mut device.hello_with(&host, asked).await, 0x67, &words).await;
    }
    serves(&host, &device).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_message_that_is_none_is_0x68_and_leaves_no_trace() {
    let host = Host::start(SYNTHETIC);
    let device = Device::new("Noisy");
    device.pair_now(&host).await;
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let whole = hello("1280x720@60").encode();
    let mut firsts: Vec<Vec<u8>> = (0..20).map(|length| whole[..length].to_vec()).collect();
    firsts.extend([b"PKFc".to_vec(), b"PKFc\x10".to_vec(), b"PKFc\x10\xff".to_vec(), b"PKFc\x01".to_vec()]);
    firsts.extend([b"PKFs\x01".to_vec(), b"GET / HTTP/1.1\r\n\r\n".to_vec(), vec![0; 65_535], vec![0xFF; 65_535]]);
    firsts.extend((0..12).map(|_| {
        let mut noise = vec![0; rng.random_range(1..2_000)];
        rng.fill_bytes(&mut noise);
        noise
    }));
    for first in firsts {
        let mut client = raw(&host, &device).await;
        client.write_framed(&first).await;
        let shown = &first[..first.len().min(32)];
        let (code, reason) = client.close(PATIENCE).await;
        assert_eq!(code, 0x68, "{reason} after {shown:x?}");
        assert!(reason.contains("protocol error"), "{reason} after {shown:x?}");
    }
    serves(&host, &device).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_within_its_first_message_ends_the_connection_at_once() {
    let host = Host::start(SYNTHETIC);
    let device = Device::new("Cut off");
    device.pair_now(&host).await;
    let whole = frame(&hello("1280x720@60").encode());
    for length in [1, 2, 3, whole.len() - 1] {
        let mut client = raw(&host, &device).await;
        client.write(&whole[..length]).await;
        client.finish().await;
        client.close(Duration::from_secs(5)).await;
    }
    serves(&host, &device).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_longer_than_any_hello_is_read_as_far_as_it_is_known() {
    let host = Host::start(SYNTHETIC);
    let device = Device::new("From the future");
    device.pair_now(&host).await;
    let mut long = Hello { hdr: Some(Default::default()), max_shard_payload: 9_152, ..hello("1280x720@60") }.encode();
    long.resize(65_535, 0xAA);
    let mut client = raw(&host, &device).await;
    client.write_framed(&long).await;
    client.message().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_stall_are_closed_in_time_and_give_their_place_back() {
    let host = Host::start(&format!("{SYNTHETIC}[session]\nmax_sessions = 1\n"));
    let device = Device::new("Sleepy");
    device.pair_now(&host).await;
    let began = Instant::now();
    let (mut silent, mut half, mut never_starts) =
        (raw(&host, &device).await, raw(&host, &device).await, device.hello(&host).await);
    half.write(&frame(&hello("1280x720@60").encode())[..20]).await;
    never_starts.welcome().await;
    closed(&mut never_starts, 0x01, &["no Start in time"]).await;
    assert!(began.elapsed() > Duration::from_secs(9), "it has ten seconds");
    // The only place is free again.
    let mut next = device.hello(&host).await;
    next.welcome().await;
    drop(next);
    for client in [&mut silent, &mut half] {
        says(client.close(Duration::from_secs(25)).await, 0x01, &["no first message in time"]);
    }
    assert!(began.elapsed() > Duration::from_secs(19), "they have twenty seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_says_anything_but_start_after_its_welcome_is_0x68() {
    let host = Host::start(SYNTHETIC);
    let device = Device::new("Out of turn");
    device.pair_now(&host).await;
    for second in [&b"PKF1"[..], b"PKF1\x10", b"PKFc\x03", b""] {
        let mut client = raw(&host, &device).await;
        client.write_framed(&hello("1280x720@60").encode()).await;
        client.message().await;
        client.write_framed(second).await;
        let (code, reason) = client.close(PATIENCE).await;
        assert_eq!(code, 0x68, "{reason} after {second:x?}");
        assert!(reason.contains("no Start"), "{reason}");
    }
    serves(&host, &device).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_parked_client_goes_on_to_say_changes_nothing() {
    let host = Host::start(SYNTHETIC);
    let stranger = Device::new("Pushy");
    let mut client = raw(&host, &stranger).await;
    let hello = hello("1280x720@60").encode();
    for _ in 0..50 {
        client.write_framed(&hello).await;
        client.write_framed(b"PKF1\x10\x27").await;
        client.write_framed(b"PKFc\x03").await;
        client.datagram([0xC8, 0, 0x41, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).await;
    }
    let pending = host.wait_for_count(&["pending"], "knocks", 1).await;
    assert_eq!(host.ctl_json(&["sessions", "list"])["sessions"].as_array().unwrap().len(), 0);
    host.ctl_json(&["deny", &pending["knocks"][0]["id"].to_string()]);
    assert_eq!(client.close(PATIENCE).await.0, 0x64);
}
