//! The router over a fake host, and requests as a browser, a device or a program sends them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use punktfunk_api::{ApiOptions, Network, Peer, router};
use punktfunk_proto::units::Fingerprint;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower_service::Service as _;

use super::fake::FakeHost;

/// The router over a fake host.
pub(crate) struct Bench {
    pub(crate) host: Arc<FakeHost>,
    pub(crate) art: TempDir,
    router: Router,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The code of a problem. Every failure has to be one.
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        problem["code"].as_str().expect("a problem has a code").to_owned()
    }

    /// The login that the answer sets, as `NAME=VALUE`.
    pub(crate) fn login(&self) -> String {
        let cookie = self.headers[header::SET_COOKIE].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }
}

impl Bench {
    pub(crate) fn claimed() -> Self {
        Self::over(FakeHost::claimed)
    }

    pub(crate) fn unclaimed() -> Self {
        Self::over(FakeHost::unclaimed)
    }

    fn over(host: impl FnOnce(&std::path::Path) -> FakeHost) -> Self {
        let art = tempfile::tempdir().unwrap();
        std::fs::write(art.path().join("cover.png"), b"\x89PNG\r\n\x1a\n").unwrap();
        let host = Arc::new(host(art.path()));
        let files = Router::new().fallback(async || "the console");
        let options = ApiOptions {
            names: vec!["couch".into(), "couch.local".into()],
            token_from: Network::LOOPBACK.to_vec(),
            files: Some(files),
            plain_origins: false,
        };
        let router = router(host.clone(), options);
        Self { host, art, router }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        // Events never end.
        let ends = parts.headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != "text/event-stream");
        let body = if ends { body } else { Body::empty() };
        let body = to_bytes(body, 64 << 20).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// The same, for answers that do not end.
    pub(crate) async fn open(&self, request: Request<Body>) -> axum::http::Response<Body> {
        self.router.clone().call(request).await.unwrap()
    }

    /// Logs in from the house; the cookie.
    pub(crate) async fn log_in(&self) -> String {
        let answer = self.send(post("/api/v1/login", &json!({ "password": FakeHost::PASSWORD }))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.login()
    }

    /// A login whose password was proven too long ago for what is sensitive.
    pub(crate) async fn stale_login(&self) -> String {
        let login = self.log_in().await;
        self.host.owner().advance(Duration::from_secs(16 * 60));
        login
    }
}

/// Somebody in the house without a certificate.
pub(crate) const HOUSE: Peer = Peer {
    source: SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 1, 9)), 40_000),
    certificate: None,
};

/// The same, with a certificate.
pub(crate) fn with_certificate(certificate: Fingerprint) -> Peer {
    Peer { certificate: Some(certificate), ..HOUSE }
}

/// A program on the machine itself.
pub(crate) fn on_the_machine() -> Peer {
    Peer { source: SocketAddr::from(([127, 0, 0, 1], 50_000)), certificate: None }
}

/// A request of [`HOUSE`] without a body.
pub(crate) fn request(method: &str, path: &str) -> Request<Body> {
    let builder = Request::builder().method(method).uri(path).header(header::HOST, "couch.local:47990");
    builder.extension(HOUSE).body(Body::empty()).unwrap()
}

pub(crate) fn get(path: &str) -> Request<Body> {
    request("GET", path)
}

pub(crate) fn post(path: &str, body: &Value) -> Request<Body> {
    with_json(request("POST", path), body)
}

/// The request with a body of JSON.
pub(crate) fn with_json(mut request: Request<Body>, body: &Value) -> Request<Body> {
    request = with(request, "content-type", "application/json");
    *request.body_mut() = Body::from(body.to_string());
    request
}

/// The request with one header more.
pub(crate) fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().append(name, value.parse().unwrap());
    request
}

/// The request with a header in place of those of its name.
pub(crate) fn replacing(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

/// The request, from `peer`.
pub(crate) fn from(mut request: Request<Body>, peer: Peer) -> Request<Body> {
    request.extensions_mut().insert(peer);
    request
}

/// The request of a page of this host with a login.
pub(crate) fn in_login(request: Request<Body>, login: &str) -> Request<Body> {
    with(with(request, "cookie", login), "origin", "https://couch.local:47990")
}
