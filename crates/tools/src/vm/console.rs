//! The machine's console, by its API: the fingerprint that its screen showed is the only thing that is believed.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use punktfunk_proto::units::Fingerprint;
use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};
use serde_json::Value;

/// Somebody who visits the console, logged in or not.
pub(crate) struct Console {
    at: SocketAddr,
    tls: Arc<ClientConfig>,
    cookie: Option<String>,
}

impl Console {
    /// A visitor who was told this fingerprint.
    pub(crate) fn visit(at: SocketAddr, fingerprint: Fingerprint) -> Result<Self> {
        let tls = punktfunk_transport::https_client(fingerprint)?;
        Ok(Self { at, tls, cookie: None })
    }

    /// Claims the machine; the visitor is its owner then.
    pub(crate) fn claim(&mut self, code: &str, password: &str) -> Result<()> {
        self.ask("POST", "/api/v1/claim", &serde_json::json!({ "code": code, "password": password })).map(drop)
    }

    /// Logs in.
    pub(crate) fn log_in(&mut self, password: &str) -> Result<()> {
        self.cookie = None;
        self.ask("POST", "/api/v1/login", &serde_json::json!({ "password": password })).map(drop)
    }

    /// A PIN for a device.
    pub(crate) fn arm(&mut self) -> Result<String> {
        let window = self.ask("POST", "/api/v1/pairing", &serde_json::json!({ "by": "pin" }))?;
        Ok(window["pin"].as_str().context("no PIN in the answer")?.to_owned())
    }

    /// What is at this path.
    pub(crate) fn show(&mut self, path: &str) -> Result<Value> {
        self.ask("GET", path, &Value::Null)
    }

    /// One request; an answer that is no success is an error with its text.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let cookie = self.cookie.as_ref().map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {at}\r\nOrigin: https://{at}\r\n{cookie}Content-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len(),
            at = self.at,
        );
        let answer = self.exchange(&request).with_context(|| format!("{method} {path}"))?;
        let (head, body) = answer.split_once("\r\n\r\n").with_context(|| format!("{method} {path}: no answer"))?;
        let status = head.split(' ').nth(1).unwrap_or_default();
        ensure!(status.starts_with('2'), "{method} {path}: {status}: {body}");
        if let Some(cookie) = cookie_in(head) {
            self.cookie = Some(cookie);
        }
        Ok(serde_json::from_str(body).unwrap_or_default())
    }

    fn exchange(&self, request: &str) -> Result<String> {
        let stream = TcpStream::connect(self.at)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let connection = ClientConnection::new(Arc::clone(&self.tls), ServerName::from(self.at.ip()))?;
        let mut stream = StreamOwned::new(connection, stream);
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        ensure!(!answer.is_empty(), "the connection ended without an answer: {read:?}");
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

/// The login that an answer hands out.
fn cookie_in(head: &str) -> Option<String> {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("set-cookie:"))?;
    Some(line.split_once(':')?.1.split(';').next()?.trim().to_owned())
}

/// An emulated processor takes its time for a password.
const PATIENCE: Duration = Duration::from_secs(90);
