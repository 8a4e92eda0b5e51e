//! Serves the API over a fake host, in plain HTTP on loopback: for the console's development server and for checks of
//! the OpenAPI document. Nothing here is a way to run a host.
//!
//! ```text
//! cargo run -p punktfunk-api --example fake_host -- [--port 47991] [--unclaimed] [--device] [--openapi]
//! ```
//!
//! Prints the token, the password and, unclaimed, the code to log in with. With `--device` every
//! request counts as one of a paired device. `--openapi` prints the document instead.

#[path = "../tests/common/fake/mod.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod fake;

use std::{
    env,
    error::Error,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
    middleware::{Next, from_fn},
};
use fake::{FakeHost, PAIRED, samples};
use punktfunk_api::{ApiOptions, HostEvent, Network, Peer, Topic, openapi, router};
use punktfunk_proto::units::Fingerprint;
use tokio::{net::TcpListener, time::interval};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    if has("--openapi") {
        println!("{}", serde_json::to_string_pretty(&serde_json::to_value(openapi())?)?);
        return Ok(());
    }
    let port = arguments.iter().position(|argument| argument == "--port").and_then(|at| arguments.get(at + 1));
    let port = port.map_or(Ok(47_991), |text| text.parse())?;
    let art = tempfile::tempdir()?;
    std::fs::write(art.path().join("cover.png"), COVER)?;
    let host = if has("--unclaimed") { FakeHost::unclaimed(art.path()) } else { FakeHost::claimed(art.path()) };
    let certificate = has("--device").then_some(PAIRED);
    serve(Arc::new(host), SocketAddr::from((Ipv4Addr::LOCALHOST, port)), certificate).await
}

async fn serve(
    host: Arc<FakeHost>,
    address: SocketAddr,
    certificate: Option<Fingerprint>,
) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(address).await?;
    println!("http://{}  token {}  password {}", listener.local_addr()?, FakeHost::TOKEN, FakeHost::PASSWORD);
    if let Some(code) = host.owner().claim_code() {
        println!("claim code {code}");
    }
    tokio::spawn(live(host.clone()));
    let options = ApiOptions { token_from: Network::LOOPBACK.to_vec(), plain_origins: true, ..ApiOptions::default() };
    // Says who asks, as the TLS server does for real requests.
    let as_peer = move |ConnectInfo(source): ConnectInfo<SocketAddr>, mut request: Request, next: Next| async move {
        request.extensions_mut().insert(Peer { source, certificate });
        next.run(request).await
    };
    let router: Router = router(host, options).layer(from_fn(as_peer));
    Ok(axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await?)
}

/// Figures every second, now and then a line in the log and a change.
async fn live(host: Arc<FakeHost>) {
    let mut seconds = interval(Duration::from_secs(1));
    for count in 1_u64.. {
        seconds.tick().await;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        host.tell(HostEvent::Samples((1..=2).flat_map(|session| samples(session, now, 1)).collect()));
        if count.is_multiple_of(5) {
            host.log(&format!("{count} seconds have passed"));
        }
        if count.is_multiple_of(15) {
            host.tell(HostEvent::Changed(Topic::Pending));
        }
    }
}

/// One transparent pixel.
const COVER: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8, 6,
    0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 13, b'I', b'D', b'A', b'T', 0x78, 0x9c, 0x63, 0, 1, 0, 0, 5, 0, 1, 0x0d,
    0x0a, 0x2d, 0xb4, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];
