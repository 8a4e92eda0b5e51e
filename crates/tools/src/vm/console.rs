//! The machine's console, by its API: the fingerprint that its screen showed is the only thing that is believed.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use punktfunk_proto::units::Fingerprint;
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Somebody who visits the console, logged in or not.
pub(crate) struct Console {
    at: SocketAddr,
    tls: Arc<ClientConfig>,
    cookie: Option<String>,
}

impl Console {
    /// A visitor who was told this fingerprint.
    pub(crate) fn visit(at: SocketAddr, fingerprint: Fingerprint) -> Result<Self> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Arc::new(Pinned { fingerprint, provider: Arc::clone(&provider) });
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(Self { at, tls: Arc::new(config), cookie: None })
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

/// Believes one certificate, if its key is held.
#[derive(Debug)]
struct Pinned {
    fingerprint: Fingerprint,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if Fingerprint::from_bytes(Sha256::digest(certificate).into()) == self.fingerprint {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::General("this is not the machine whose fingerprint was shown".to_owned()))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// An emulated processor takes its time for a password.
const PATIENCE: Duration = Duration::from_secs(90);
