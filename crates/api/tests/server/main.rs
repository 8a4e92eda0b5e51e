//! The HTTPS server over real sockets: who gets in, and who cannot keep others out.

mod client;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use axum::{Extension, Router, response::sse, routing::get};
use client::{Browser, Identity};
use punktfunk_api::{
    Peer,
    server::{ServerLimits, serve},
};
use punktfunk_transport::TlsIdentity;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    time::timeout,
};

/// A server that says who asks. Stops when dropped.
struct Served {
    at: SocketAddr,
    _stop: oneshot::Sender<()>,
}

async fn who(Extension(peer): Extension<Peer>) -> String {
    peer.certificate.map_or_else(|| "nobody".to_owned(), |certificate| certificate.to_string())
}

/// Events that never come.
async fn silence() -> sse::Sse<tokio_stream::Pending<Result<sse::Event, std::convert::Infallible>>> {
    sse::Sse::new(tokio_stream::pending())
}

async fn served(limits: ServerLimits) -> Served {
    let app = Router::new()
        .route("/who", get(who))
        .route("/events", get(silence))
        .route("/large", get(|| async { vec![0; 8 << 20] }))
        .route("/never", get(std::future::pending::<String>))
        .route("/take", axum::routing::post(|body: String| async move { body.len().to_string() }));
    let identity = Identity::new();
    let tls = punktfunk_transport::https(&TlsIdentity::new(identity.certificate, identity.key)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(serve(listener, tls, app, limits, async {
        let _ = stopped.await;
    }));
    Served { at, _stop: stop }
}

fn quick() -> ServerLimits {
    ServerLimits {
        connections: 8,
        per_source: 8,
        handshake: Duration::from_millis(300),
        head: Duration::from_millis(300),
        request: Duration::from_millis(600),
        stall: Duration::from_millis(300),
        ..ServerLimits::default()
    }
}

/// Reads until the peer ends the connection; fails if it does not.
async fn until_closed(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Vec<u8> {
    let mut read = Vec::new();
    let _ = timeout(Duration::from_secs(20), stream.read_to_end(&mut read)).await.expect("it is never closed");
    read
}

#[tokio::test]
async fn a_browser_without_certificate_gets_in_and_a_device_is_told_by_its_certificate() {
    let served = served(ServerLimits::default()).await;
    assert_eq!(Browser::anonymous().get(served.at, "/who").await.unwrap(), "nobody");
    let identity = Identity::new();
    let fingerprint = identity.fingerprint().to_string();
    assert_eq!(Browser::with(identity).get(served.at, "/who").await.unwrap(), fingerprint);
}

#[tokio::test]
async fn a_certificate_whose_key_is_not_held_does_not_get_in() {
    let served = served(ServerLimits::default()).await;
    let stolen = Identity { key: Identity::new().key, ..Identity::new() };
    assert!(Browser::with(stolen).get(served.at, "/who").await.is_err());
}

#[tokio::test]
async fn plain_http_is_sent_to_https() {
    let served = served(ServerLimits::default()).await;
    let mut stream = TcpStream::connect(served.at).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").await.unwrap();
    let answer = String::from_utf8(until_closed(&mut stream).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 308 "), "{answer}");
    assert!(answer.contains(&format!("Location: https://{}/\r\n", served.at)), "{answer}");
}

#[tokio::test]
async fn who_connects_and_says_nothing_is_closed() {
    let served = served(quick()).await;
    let mut silent = TcpStream::connect(served.at).await.unwrap();
    until_closed(&mut silent).await;
    let mut idle = Browser::anonymous().connect(served.at).await.unwrap();
    until_closed(&mut idle).await;
}

#[tokio::test]
async fn a_head_that_trickles_in_and_a_body_that_never_ends_are_closed() {
    let served = served(quick()).await;
    let mut slow = Browser::anonymous().connect(served.at).await.unwrap();
    let begun = Instant::now();
    let trickle = async {
        while slow.write_all(b"G").await.is_ok() && slow.flush().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if begun.elapsed() > Duration::from_secs(20) {
                panic!("it is never closed");
            }
        }
    };
    trickle.await;
    let mut endless = Browser::anonymous().connect(served.at).await.unwrap();
    endless.write_all(b"POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx").await.unwrap();
    let answer = until_closed(&mut endless).await;
    assert!(answer.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn an_answer_that_is_not_taken_ends_the_connection() {
    let served = served(quick()).await;
    let mut deaf = Browser::anonymous().connect(served.at).await.unwrap();
    deaf.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    let answer = until_closed(&mut deaf).await;
    assert!(answer.len() < 8 << 20, "the rest was not sent");
}

#[tokio::test]
async fn a_host_that_is_stuck_answers_408() {
    let served = served(quick()).await;
    let error = Browser::anonymous().get(served.at, "/never").await.unwrap_err().to_string();
    assert!(error.contains("408"), "{error}");
}

#[tokio::test]
async fn heads_of_64_kib_are_refused() {
    let served = served(ServerLimits::default()).await;
    let mut large = Browser::anonymous().connect(served.at).await.unwrap();
    let head = format!("GET /who HTTP/1.1\r\nHost: x\r\nX-Pad: {}\r\n\r\n", "a".repeat(64 << 10));
    let _ = large.write_all(head.as_bytes()).await;
    let answer = String::from_utf8_lossy(&until_closed(&mut large).await).into_owned();
    assert!(answer.starts_with("HTTP/1.1 431 ") || answer.is_empty(), "{answer}");
}

#[tokio::test]
async fn idle_connections_keep_nobody_out_and_events_keep_their_place() {
    let served = served(ServerLimits { connections: 16, per_source: 16, ..ServerLimits::default() }).await;
    let browser = Browser::anonymous();
    let mut events = browser.connect(served.at).await.unwrap();
    events.write_all(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut head = [0; 15];
    events.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(TcpStream::connect(served.at).await.unwrap());
    }
    for _ in 0..20 {
        idle.push(TcpStream::connect(served.at).await.unwrap());
        assert_eq!(browser.get(served.at, "/who").await.unwrap(), "nobody");
    }
    let more = timeout(Duration::from_millis(100), events.read(&mut [0; 1 << 16])).await;
    assert!(!matches!(more, Ok(Ok(0) | Err(_))), "the event stream was closed: {more:?}");
}
