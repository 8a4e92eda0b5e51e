//! A web client that believes any host, comes from any address of loopback and says what it likes.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{PATIENCE, Persona, tls};

/// Somebody with a browser, or a program in its place.
#[derive(Clone)]
pub struct Web {
    host: SocketAddr,
    from: SocketAddr,
    tls: Arc<rustls::ClientConfig>,
    cookie: Option<String>,
    token: Option<String>,
}

/// What the host answered.
#[derive(Clone, Debug)]
pub struct WebAnswer {
    /// The status.
    pub status: u16,
    /// The head, as it came.
    pub head: String,
    /// The body.
    pub body: String,
}

impl WebAnswer {
    /// The body as JSON, null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The login that the answer hands out.
    pub fn cookie(&self) -> Option<String> {
        let line = self.head.lines().find(|line| line.to_ascii_lowercase().starts_with("set-cookie:"))?;
        Some(line.split_once(':')?.1.split(';').next()?.trim().to_owned())
    }
}

impl Web {
    /// Somebody at this address who visits `host`, with the certificate of `persona` if that has one.
    ///
    /// # Errors
    /// The certificate cannot be used.
    pub fn new(host: SocketAddr, from: impl Into<std::net::IpAddr>, persona: &Persona) -> Result<Self> {
        let from = SocketAddr::new(from.into(), 0);
        Ok(Self { host, from, tls: Arc::new(tls::web(persona)?), cookie: None, token: None })
    }

    /// The same with this login.
    pub fn with_cookie(&self, cookie: &str) -> Self {
        Self { cookie: Some(cookie.to_owned()), ..self.clone() }
    }

    /// The same with this bearer token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// What its login consists of, without the cookie's name; empty if it has none.
    pub fn cookie_value(&self) -> &str {
        self.cookie.as_deref().and_then(|cookie| cookie.split_once('=')).map_or("", |(_, value)| value)
    }

    /// A connection without a word.
    ///
    /// # Errors
    /// It was not accepted.
    pub async fn touch(&self) -> Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(self.from)?;
        Ok(socket.connect(self.host).await?)
    }

    /// A connection after its handshake.
    ///
    /// # Errors
    /// It was not accepted.
    pub async fn connect(&self) -> Result<TlsStream<TcpStream>> {
        let stream = self.touch().await?;
        Ok(TlsConnector::from(Arc::clone(&self.tls)).connect(ServerName::from(self.host.ip()), stream).await?)
    }

    /// A GET.
    ///
    /// # Errors
    /// No answer came.
    pub async fn get(&self, path: &str) -> Result<WebAnswer> {
        self.ask("GET", path, "").await
    }

    /// A POST of JSON, from the host's own pages.
    ///
    /// # Errors
    /// No answer came.
    pub async fn post(&self, path: &str, body: &Value) -> Result<WebAnswer> {
        self.ask("POST", path, &body.to_string()).await
    }

    /// Any request.
    ///
    /// # Errors
    /// No answer came.
    pub async fn ask(&self, method: &str, path: &str, body: &str) -> Result<WebAnswer> {
        let cookie = self.cookie.as_ref().map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
        let token = self.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: https://{host}\r\n{cookie}{token}\
             Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}",
            host = self.host,
        );
        let answered = async {
            let mut stream = self.connect().await?;
            stream.write_all(request.as_bytes()).await?;
            let mut answer = Vec::new();
            let read = stream.read_to_end(&mut answer).await;
            ensure!(!answer.is_empty(), "the connection ended without an answer: {read:?}");
            parse(&answer)
        };
        timeout(PATIENCE, answered).await.context("no answer in time")?
    }
}

fn parse(answer: &[u8]) -> Result<WebAnswer> {
    let answer = String::from_utf8_lossy(answer);
    let (head, body) = answer.split_once("\r\n\r\n").with_context(|| format!("no answer: {answer}"))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status")?;
    Ok(WebAnswer { status, head: head.to_owned(), body: body.to_owned() })
}
