//! The driver with a small session of this test's own.

mod common;

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use common::{
    PATIENCE, accept, identity, pair,
    raw::{NoCertificate, raw_client},
    server,
};
use punktfunk_proto::{
    session::{ControlSession, Transmit},
    units::{ClientClock, ClientTime, Timestamp},
};
use punktfunk_transport::{Ended, Link, Role, Server, drive};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};

/// Says what it is told to say and reports what it hears.
#[derive(Default)]
struct Talker {
    out: Vec<Transmit>,
    events: Vec<Heard>,
    unread: Vec<u8>,
    timeout: Option<Instant>,
    /// Answers each message with this many bytes.
    answer: usize,
}

#[derive(Debug, PartialEq)]
enum Heard {
    Message(Vec<u8>),
    StreamEnd,
    Datagram(Vec<u8>),
    Closed(Option<(u32, String)>),
}

/// Everything to be sent at once, in order.
type Say = Vec<Transmit>;

impl ControlSession for Talker {
    type Clock = ClientClock;
    type Event = Heard;
    type Command = Say;

    fn handle_stream(&mut self, _now: Instant, clock: ClientTime, bytes: &[u8]) {
        assert!(clock.nanos() > 0);
        self.unread.extend_from_slice(bytes);
        while let Some(message) = next_message(&mut self.unread) {
            if self.answer > 0 {
                self.out.push(Transmit::Stream(vec![0; self.answer]));
            }
            self.events.push(Heard::Message(message));
        }
    }

    fn handle_stream_end(&mut self, _now: Instant) {
        self.events.push(Heard::StreamEnd);
    }

    fn handle_datagram(&mut self, _now: Instant, datagram: &[u8]) {
        self.events.push(Heard::Datagram(datagram.to_vec()));
    }

    fn handle_closed(&mut self, _now: Instant, close: Option<(u32, String)>) {
        self.events.push(Heard::Closed(close));
    }

    fn handle_timeout(&mut self, now: Instant) {
        assert!(self.timeout.take().is_some_and(|due| due <= now));
        self.out.push(Transmit::Close { code: 0x01, reason: "too slow".to_owned() });
    }

    fn handle_command(&mut self, _now: Instant, say: Say) {
        self.out.extend(say);
    }

    fn poll_transmit(&mut self, _now: Instant, _clock: ClientTime) -> Option<Transmit> {
        (!self.out.is_empty()).then(|| self.out.remove(0))
    }

    fn poll_event(&mut self) -> Option<Heard> {
        (!self.events.is_empty()).then(|| self.events.remove(0))
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.timeout
    }
}

fn next_message(unread: &mut Vec<u8>) -> Option<Vec<u8>> {
    let length = usize::from(u16::from_le_bytes(unread.first_chunk::<2>().copied()?));
    if unread.len() < 2 + length {
        return None;
    }
    let message = unread[2..2 + length].to_vec();
    unread.drain(..2 + length);
    Some(message)
}

fn framed(message: &[u8]) -> Transmit {
    let length = u16::try_from(message.len()).unwrap().to_le_bytes();
    Transmit::Stream([&length[..], message].concat())
}

fn close(code: u32, reason: &str) -> Transmit {
    Transmit::Close { code, reason: reason.to_owned() }
}

fn wall_clock() -> ClientTime {
    Timestamp::from_nanos(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64)
}

/// One side being driven.
struct Side {
    say: mpsc::Sender<Say>,
    heard: mpsc::UnboundedReceiver<Heard>,
    end: JoinHandle<Ended>,
}

impl Side {
    fn start(link: Link, role: Role, session: Talker) -> Self {
        let (say, commands) = mpsc::channel(16);
        let (tell, heard) = mpsc::unbounded_channel();
        let end = tokio::spawn(async move {
            drive(session, wall_clock, &link, role, commands, |event| drop(tell.send(event))).await
        });
        Self { say, heard, end }
    }

    async fn say(&self, say: Say) {
        self.say.send(say).await.unwrap();
    }

    async fn hears(&mut self) -> Heard {
        timeout(PATIENCE, self.heard.recv()).await.expect("something is heard").expect("the driver runs")
    }

    async fn ends(self) -> Ended {
        timeout(PATIENCE, self.end).await.expect("the driver ends").unwrap()
    }
}

async fn sides() -> (Server, Side, Side) {
    let (server, host, client) = pair().await;
    let host = Side::start(host, Role::Accepts, Talker::default());
    (server, host, Side::start(client, Role::Opens, Talker::default()))
}

#[tokio::test]
async fn messages_of_every_size_arrive_in_order_in_both_directions() {
    let (_server, mut host, mut client) = sides().await;
    let sizes = [0, 1, 26, 1_200, 16_384, 65_535];
    let messages: Vec<Vec<u8>> = (0..60_usize).map(|n| vec![n as u8; sizes[n % sizes.len()]]).collect();
    client.say(messages.iter().map(|message| framed(message)).collect()).await;
    for message in &messages {
        assert_eq!(host.hears().await, Heard::Message(message.clone()));
    }
    host.say(messages.iter().map(|message| framed(message)).collect()).await;
    for message in &messages {
        assert_eq!(client.hears().await, Heard::Message(message.clone()));
    }
}

#[tokio::test]
async fn what_was_written_before_a_close_arrives_and_then_code_and_reason() {
    for _ in 0..10 {
        let (_server, mut host, mut client) = sides().await;
        client.say(vec![framed(b"hello")]).await;
        assert_eq!(host.hears().await, Heard::Message(b"hello".to_vec()));
        host.say(vec![framed(&[7; 60_000]), framed(b"last words"), close(0x64, "denied")]).await;
        assert_eq!(client.hears().await, Heard::Message(vec![7; 60_000]));
        assert_eq!(client.hears().await, Heard::Message(b"last words".to_vec()));
        // The code explains the end of the stream, so it comes first and alone.
        assert_eq!(client.hears().await, Heard::Closed(Some((0x64, "denied".to_owned()))));
        assert_eq!(client.ends().await, Ended::Peer { code: 0x64, reason: "denied".to_owned() });
        assert_eq!(host.ends().await, Ended::Ours { code: 0x64, reason: "denied".to_owned() });
    }
}

#[tokio::test]
async fn a_parked_client_that_never_got_a_byte_learns_why_it_is_closed() {
    let (_server, mut host, mut client) = sides().await;
    client.say(vec![framed(b"knock")]).await;
    assert_eq!(host.hears().await, Heard::Message(b"knock".to_vec()));
    host.say(vec![close(0x65, "not answered in time")]).await;
    assert_eq!(client.hears().await, Heard::Closed(Some((0x65, "not answered in time".to_owned()))));
}

#[tokio::test]
async fn a_client_that_quits_is_known_by_its_code() {
    let (_server, mut host, client) = sides().await;
    client.say(vec![framed(b"hello"), close(0x51, "")]).await;
    assert_eq!(host.hears().await, Heard::Message(b"hello".to_vec()));
    let mut heard = host.hears().await;
    if heard == Heard::StreamEnd {
        heard = host.hears().await;
    }
    assert_eq!(heard, Heard::Closed(Some((0x51, String::new()))));
    assert_eq!(client.ends().await, Ended::Ours { code: 0x51, reason: String::new() });
}

#[tokio::test]
async fn a_finished_stream_is_reported_and_the_connection_stays() {
    let (_server, mut host, mut client) = sides().await;
    client.say(vec![framed(b"no proof from me"), Transmit::Finish]).await;
    assert_eq!(host.hears().await, Heard::Message(b"no proof from me".to_vec()));
    assert_eq!(host.hears().await, Heard::StreamEnd);
    host.say(vec![framed(b"still here"), Transmit::Finish]).await;
    assert_eq!(client.hears().await, Heard::Message(b"still here".to_vec()));
    let waiting = Instant::now();
    assert_eq!(client.hears().await, Heard::StreamEnd);
    assert!(waiting.elapsed() >= Duration::from_millis(200), "the client first waits for a close code");
    host.say(vec![Transmit::Datagram(b"alive".to_vec())]).await;
    assert_eq!(client.hears().await, Heard::Datagram(b"alive".to_vec()));
}

#[tokio::test]
async fn datagrams_go_both_ways_and_the_oldest_unsent_ones_give_way() {
    let (_server, mut host, mut client) = sides().await;
    client.say(vec![Transmit::Datagram(vec![0xc8; 18])]).await;
    assert_eq!(host.hears().await, Heard::Datagram(vec![0xc8; 18]));
    // One task writes all fifty before QUIC gets to send any, so what 4096 bytes cannot hold is gone.
    let burst = (0..50_u8).map(|n| Transmit::Datagram(vec![n; 1_000])).collect();
    host.say(burst).await;
    let mut arrived = Vec::new();
    while arrived.last() != Some(&49) {
        match client.hears().await {
            Heard::Datagram(bytes) => arrived.push(bytes[0]),
            other => panic!("{other:?}"),
        }
    }
    // Three of 1000 bytes with their book-keeping fill 4096; a fourth would not.
    assert_eq!(arrived, [47, 48, 49]);
}

#[tokio::test]
async fn a_datagram_too_large_for_the_path_is_dropped_and_harms_nothing() {
    let (_server, host, mut client) = sides().await;
    host.say(vec![Transmit::Datagram(vec![1; 5_000]), Transmit::Datagram(b"small".to_vec())]).await;
    assert_eq!(client.hears().await, Heard::Datagram(b"small".to_vec()));
}

#[tokio::test]
async fn the_timers_of_a_session_run_although_the_client_never_opens_its_stream() {
    let (_server, host, client) = pair().await;
    let timeout = Some(Instant::now() + Duration::from_millis(30));
    let host = Side::start(host, Role::Accepts, Talker { timeout, ..Talker::default() });
    assert_eq!(client.closed().await, Ended::Peer { code: 0x01, reason: "too slow".to_owned() });
    assert_eq!(host.ends().await, Ended::Ours { code: 0x01, reason: "too slow".to_owned() });
}

#[tokio::test]
async fn a_reachability_check_ends_a_host_session_without_harm() {
    let (_server, host, client) = pair().await;
    let mut host = Side::start(host, Role::Accepts, Talker::default());
    client.close(0, "");
    assert_eq!(host.hears().await, Heard::Closed(Some((0, String::new()))));
    assert_eq!(host.ends().await, Ended::Peer { code: 0, reason: String::new() });
}

#[tokio::test]
async fn a_peer_that_asks_and_never_reads_is_held_up_and_can_still_be_closed() {
    const QUESTIONS: usize = 50_000;
    let (server, addr) = server(&identity());
    let stranger = raw_client(Arc::new(NoCertificate), b"pkf1");
    let (host, client) = tokio::join!(accept(&server), stranger.connect(addr, "punktfunk").unwrap());
    let host = Side::start(host, Role::Accepts, Talker { answer: 60_000, ..Talker::default() });
    let client = client.unwrap();
    let (mut ask, _never_read) = client.open_bi().await.unwrap();
    // 3 GB of answers are asked for; the questions stop being taken long before.
    let question = [&1_000_u16.to_le_bytes()[..], &[0; 1_000]].concat();
    let mut asked = 0;
    while asked < QUESTIONS && timeout(Duration::from_millis(500), ask.write_all(&question)).await.is_ok() {
        asked += 1;
    }
    assert!(asked < 2_000, "{asked} questions were taken");
    host.say(vec![close(0x01, "enough")]).await;
    assert_eq!(host.ends().await, Ended::Ours { code: 0x01, reason: "enough".to_owned() });
}

#[tokio::test]
async fn the_end_of_a_link_closed_elsewhere_is_reported_as_ours() {
    let (_server, host, client) = pair().await;
    let host = Arc::new(host);
    let (_say, commands) = mpsc::channel(1);
    let driven = host.clone();
    let end =
        tokio::spawn(
            async move { drive(Talker::default(), wall_clock, &driven, Role::Accepts, commands, |_| {}).await },
        );
    host.close(0x66, "replaced");
    assert_eq!(client.closed().await, Ended::Peer { code: 0x66, reason: "replaced".to_owned() });
    assert_eq!(end.await.unwrap(), Ended::Ours { code: 0x66, reason: "replaced".to_owned() });
}
