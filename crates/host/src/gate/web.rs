//! The console, as a browser that knows the host's certificate.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use punktfunk_api::model::Health;
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{GateOptions, status};
use crate::admin::protocol::HostStatus;

/// Asks for the health over HTTPS. What is wrong with the house is no matter here, only that the console answers.
pub(super) async fn console(options: &GateOptions, status: &HostStatus) -> Result<String, String> {
    let Some(address) = listens(options, status).await? else {
        return Ok("the console is switched off in the configuration".into());
    };
    let begun = Instant::now();
    let health = timeout(ANSWER_WITHIN, ask(address, status))
        .await
        .map_err(|_| format!("the console at {address} did not answer within {} s", ANSWER_WITHIN.as_secs()))??;
    Ok(format!("{address} answers over HTTPS after {} ms: {:?}", begun.elapsed().as_millis(), health.state))
}

/// Where the console listens; it may take a moment longer than the host. `None`: it is not to.
async fn listens(options: &GateOptions, first: &HostStatus) -> Result<Option<SocketAddr>, String> {
    let mut found = first.clone();
    let deadline = Instant::now() + LISTENS_WITHIN;
    loop {
        if let Some(console) = &found.console {
            let address: SocketAddr = console.parse().map_err(|_| format!("{console:?} is no address"))?;
            return Ok(Some(here(address)));
        }
        if let Some(warning) = found.warnings.iter().find(|warning| warning.starts_with("the console cannot listen")) {
            return Err(warning.clone());
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        found = status(options).map_err(|fault| fault.to_string())?;
    }
}

async fn ask(address: SocketAddr, status: &HostStatus) -> Result<Health, String> {
    let failed = |what: &str, error: &dyn std::fmt::Display| format!("the console at {address}: {what}: {error}");
    let tls = punktfunk_transport::https_client(status.fingerprint).map_err(|error| failed("TLS", &error))?;
    let tcp = TcpStream::connect(address).await.map_err(|error| failed("no connection", &error))?;
    let stream = TlsConnector::from(tls).connect(ServerName::from(address.ip()), tcp).await;
    let mut stream = stream.map_err(|error| failed("no handshake", &error))?;
    let request = format!("GET /api/v1/health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|error| failed("it takes no request", &error))?;
    let mut answer = Vec::new();
    // The end of the connection without TLS's own is the end of the answer all the same.
    let read = (&mut stream).take(ANSWER_LIMIT).read_to_end(&mut answer).await;
    if answer.is_empty() {
        return Err(failed("no answer", &read.err().map_or_else(|| "closed".to_owned(), |error| error.to_string())));
    }
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| failed("no answer of HTTP", &"no head"))?;
    // 503 is how it says that devices cannot stream.
    match head.split(' ').nth(1) {
        Some("200" | "503") => serde_json::from_str(body.trim()).map_err(|error| failed("no health", &error)),
        other => Err(failed("it answers", &other.unwrap_or("nothing"))),
    }
}

/// Where a socket that listens there is reached from this machine.
pub(super) fn here(address: SocketAddr) -> SocketAddr {
    let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    SocketAddr::new(ip, address.port())
}

/// A console that is to listen does so by then.
const LISTENS_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
const ANSWER_LIMIT: u64 = 1 << 20;
