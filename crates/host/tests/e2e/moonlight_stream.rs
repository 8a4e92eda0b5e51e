//! Moonlight streams: a small client of our own against a real host.

use std::time::Duration;

use punktfunk_audio::{Layout, opus::Decoder, tone::strength};
use punktfunk_video::{decode, encode::nal_units};
use serde_json::Value;
use tokio::task::block_in_place;

use crate::{
    fixture::{Host, PATIENCE},
    moonlight::{Bench, COMMON, Moonlight, element, hex},
    moonlight_client::{Client, Rtsp, Ticket, announcement, exchange},
    sound::{TONE, write_tone},
};

/// The end that clients show nothing of.
const GRACEFUL: u32 = 0x8003_0023;
const KEY_A: u8 = 0x41;

/// A host and a Moonlight that it knows.
struct Room {
    bench: Bench,
    moonlight: Moonlight,
    launches: u8,
}

impl Room {
    async fn new(extra: &str) -> Self {
        let (bench, moonlight) = (Bench::start(extra), Moonlight::new());
        moonlight.pair_now(&bench).await;
        Self { bench, moonlight, launches: 0 }
    }

    fn host(&self) -> &Host {
        &self.bench.host
    }

    /// `/launch` or `/resume`, with a key of its own.
    async fn launch(&mut self, how: &str) -> Ticket {
        self.launches += 1;
        let key = [self.launches; 16];
        let wish = format!(
            "appid=1&mode=640x480x30&sops=0&rikey={}&rikeyid=7&localAudioPlayMode=0&surroundAudioInfo=196610&corever=1",
            hex(&key)
        );
        let page = self.moonlight.page(&self.bench, &format!("/{how}?{COMMON}&{wish}")).await;
        let url = element(&page, "sessionUrl0").unwrap_or_else(|| panic!("{page}"));
        let rtsp = url.strip_prefix("rtspenc://").unwrap().parse().unwrap();
        Ticket { key, rtsp }
    }

    async fn stream(&mut self, how: &str) -> Client {
        let ticket = self.launch(how).await;
        let opened = block_in_place(|| Client::open(&ticket, &announcement(640, 480, 30), |_| false));
        opened.unwrap_or_else(|answer| panic!("{answer}\n{}", self.host().log()))
    }

    async fn state(&self) -> String {
        let info = self.moonlight.page(&self.bench, "/serverinfo").await;
        format!("{} {}", element(&info, "state").unwrap(), element(&info, "currentgame").unwrap())
    }

    async fn sessions(&self, count: usize) -> Value {
        self.host().wait_for_count(&["sessions"], "sessions", count).await
    }
}

/// The first frame, which has to be one that a decoder can begin with.
fn first_idr(client: &mut Client) -> Vec<u8> {
    let frame = block_in_place(|| client.next_frame()).expect("a first frame");
    assert!(frame.is_idr && frame.index == 1);
    let kinds = |bytes: &[u8]| nal_units(bytes).map(|nal| nal.kind).collect::<Vec<_>>();
    assert_eq!(kinds(&frame.bytes[..frame.first])[..3], [7, 8, 5], "all of them in the first datagram");
    frame.bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_of_video_arrives_over_a_network_that_loses_and_a_key_changes_the_picture() {
    let mut room = Room::new("").await;
    let ticket = room.launch("launch").await;
    // One in twelve: never more of a frame than its parity.
    let opened = block_in_place(|| Client::open(&ticket, &announcement(640, 480, 30), |number| number % 12 == 5));
    let mut client = opened.unwrap();
    let mut decoder = decode::Decoder::open().unwrap();
    let before = decoder.look(&first_idr(&mut client)).unwrap();
    let mut last = 1;
    for _ in 0..30 {
        let frame = block_in_place(|| client.next_frame()).expect("a frame");
        assert_eq!(frame.index, last + 1, "none is missing");
        last = frame.index;
        assert!(decoder.look(&frame.bytes).expect("it decodes").distance(&before) < 10.0);
    }
    let session = &room.sessions(1).await["sessions"][0];
    assert_eq!((&session["device"], &session["mode"]), (&"Moonlight on 127.0.0.1".into(), &"640x480@30".into()));
    client.key(KEY_A, true);
    let changed = |client: &mut Client, decoder: &mut decode::Decoder| {
        let frame = client.next_frame().expect("a frame");
        decoder.look(&frame.bytes).expect("it decodes").distance(&before) > 20.0
    };
    let seen = block_in_place(|| (0..60).any(|_| changed(&mut client, &mut decoder)));
    assert!(seen, "the key changed nothing\n{}", room.host().log());
    client.request_idr();
    let idr = block_in_place(|| (0..60).any(|_| client.next_frame().expect("a frame").is_idr));
    assert!(idr, "no IDR came");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_application_plays_is_heard() {
    let dir = tempfile::tempdir().unwrap();
    let tone = dir.path().join("tone.wav");
    write_tone(&tone, Layout::Stereo, 60);
    let play = format!("exec paplay {}", tone.display());
    let application = format!("[session]\ncommand = [\"sh\", \"-c\", \"{play}\"]\n[display]\nbackend = \"embedded\"\n");
    let mut room = Room::new(&application).await;
    let mut client = room.stream("launch").await;
    let heard = |client: &Client| {
        let mut decoder = Decoder::new(Layout::Stereo).unwrap();
        let (mut all, mut pcm) = (Vec::new(), Vec::new());
        for packet in client.sound.iter().rev().take(100).rev() {
            decoder.decode(Some(packet), &mut pcm).unwrap();
            all.extend_from_slice(&pcm);
        }
        [0, 1].map(|channel| strength(all.iter().copied().skip(channel).step_by(2), TONE))
    };
    let deadline = std::time::Instant::now() + PATIENCE;
    while !heard(&client).iter().all(|strength| (0.2..0.3).contains(strength)) {
        assert!(std::time::Instant::now() < deadline, "{:?}\n{}", heard(&client), room.host().log());
        block_in_place(|| client.wait_for_end(Duration::from_millis(200)));
        assert!(!client.gone, "{}", room.host().log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_application_of_who_leaves_waits_until_they_quit() {
    let mut room = Room::new("").await;
    for (visit, how) in ["launch", "resume", "resume"].into_iter().enumerate() {
        let mut client = room.stream(how).await;
        first_idr(&mut client);
        room.sessions(1).await;
        block_in_place(|| client.leave());
        room.host().wait_for_count(&["sessions", "history"], "sessions", visit + 1).await;
        assert_eq!(room.state().await, "SUNSHINE_SERVER_BUSY 1");
    }
    let quit = room.moonlight.page(&room.bench, &format!("/cancel?{COMMON}")).await;
    assert_eq!(element(&quit, "cancel"), Some("1"));
    assert_eq!(room.state().await, "SUNSHINE_SERVER_FREE 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_taken_over_ends_and_the_new_one_streams() {
    let mut room = Room::new("[session]\nmax_sessions = 1\n").await;
    let mut first = room.stream("launch").await;
    first_idr(&mut first);
    let waiting = std::thread::spawn(move || first.wait_for_end(Duration::from_secs(10)));
    let mut second = room.stream("resume").await;
    first_idr(&mut second);
    assert_eq!(waiting.join().unwrap(), Some(GRACEFUL));
    room.sessions(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_at_once_when_it_is_quit_ended_or_its_device_removed() {
    let mut room = Room::new("").await;
    let mut ended = Vec::new();
    for how in ["quit", "ended", "removed"] {
        let mut client = room.stream("launch").await;
        first_idr(&mut client);
        let id = room.sessions(1).await["sessions"][0]["id"].to_string();
        match how {
            "quit" => drop(room.moonlight.page(&room.bench, &format!("/cancel?{COMMON}")).await),
            "ended" => assert!(room.host().ctl(&["sessions", "stop", &id]).status.success()),
            _ => {
                let device = room.moonlight.certificate.fingerprint().to_string();
                assert!(room.host().ctl(&["revoke", &device[..12]]).status.success());
            }
        }
        ended.push((how, block_in_place(|| client.wait_for_end(Duration::from_secs(3)))));
        room.sessions(0).await;
    }
    assert_eq!(ended, ["quit", "ended", "removed"].map(|how| (how, Some(GRACEFUL))));
    let history = room.host().wait_for_count(&["sessions", "history"], "sessions", 3).await;
    assert!(history["sessions"][2]["end"].as_str().unwrap().contains("removed"), "{history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rtsp_answers_nobody_who_was_not_launched_and_refuses_what_cannot_be() {
    let mut room = Room::new("").await;
    let rtsp = ([127, 0, 0, 1], room.bench.port + 21).into();
    let plain = b"OPTIONS rtsp://127.0.0.1 RTSP/1.0\r\nCSeq: 1\r\n\r\n";
    assert!(block_in_place(|| exchange(rtsp, plain)).is_empty(), "nothing was launched");
    let ticket = room.launch("launch").await;
    assert!(block_in_place(|| exchange(rtsp, plain)).is_empty(), "not encrypted");
    let stranger = Ticket { key: [0xEE; 16], ..ticket };
    assert_eq!(block_in_place(|| Rtsp::new(&stranger).ask("OPTIONS rtsp://127.0.0.1", "", "")), "");
    for (announce, answer) in [
        (announcement(640, 480, 0), "RTSP/1.0 400"),
        (announcement(640, 480, 30).replace("Enabled:1", "Enabled:0"), "RTSP/1.0 403"),
        (announcement(8_000, 480, 30), "RTSP/1.0 400"),
    ] {
        let ticket = room.launch("launch").await;
        let refused = block_in_place(|| Client::open(&ticket, &announce, |_| false)).err().expect("it is refused");
        assert!(refused.starts_with(answer), "{refused}");
    }
    assert_eq!(room.state().await, "SUNSHINE_SERVER_FREE 0", "what was refused does not run");
    let mut client = room.stream("launch").await;
    first_idr(&mut client);
}
