//! One connection, from its first byte to its last.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request, Response, StatusCode, header},
};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use punktfunk_proto::units::Fingerprint;
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    sync::watch,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tower::ServiceExt as _;

use super::{Place, ServerLimits, stall::Impatient};
use crate::Peer;

pub(super) struct Connection {
    pub(super) tls: TlsAcceptor,
    pub(super) app: Router,
    pub(super) limits: ServerLimits,
    pub(super) peer: SocketAddr,
    pub(super) place: Arc<Place>,
    pub(super) stopped: watch::Receiver<bool>,
}

impl Connection {
    pub(super) async fn run(self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let Ok(Some(stream)) = timeout(self.limits.handshake, self.shake_hands(stream)).await else { return };
        let certificates = stream.get_ref().1.peer_certificates();
        let certificate = certificates.and_then(<[_]>::first).map(|leaf| Fingerprint::of_certificate(leaf));
        let peer = Peer { source: self.peer, certificate };
        self.serve(stream, peer).await;
    }

    /// TLS, or a word to a browser that was given `http://`.
    async fn shake_hands(&self, mut stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let mut first = [0];
        stream.peek(&mut first).await.ok().filter(|read| *read == 1)?;
        if first[0].is_ascii_uppercase() {
            let here = stream.local_addr().ok()?;
            let _ = stream.write_all(use_https(here).as_bytes()).await;
            let _ = stream.shutdown().await;
            return None;
        }
        self.tls.accept(stream).await.ok()
    }

    async fn serve(self, stream: TlsStream<TcpStream>, peer: Peer) {
        let Self { app, limits, place, mut stopped, .. } = self;
        let service = service_fn(move |request: Request<Incoming>| {
            answer(app.clone(), limits.request, peer, Arc::clone(&place), request)
        });
        let io = TokioIo::new(Impatient::new(stream, limits.stall));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_header_size(limits.head_bytes)
            .max_headers(64)
            .serve_connection(io, service);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

async fn answer(
    app: Router,
    within: Duration,
    peer: Peer,
    place: Arc<Place>,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(peer);
    let response = tokio::select! {
        response = app.oneshot(request) => response.unwrap_or_else(|never| match never {}),
        () = sleep(within) => took_too_long(),
    };
    place.answered();
    let streams = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    let held = streams.then(|| Held::new(place));
    Ok(response.map(|body| Answer { body, _held: held }))
}

/// The request did not come, or the host is stuck. The connection ends with it.
fn took_too_long() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
    response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    response
}

/// Where the same thing is to be had in safety. By address: what the browser calls this machine is not to be trusted yet.
fn use_https(here: SocketAddr) -> String {
    format!(
        "HTTP/1.1 308 Permanent Redirect\r\nLocation: https://{here}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
}

/// A place that nobody takes.
struct Held(Arc<Place>);

impl Held {
    fn new(place: Arc<Place>) -> Self {
        place.hold(true);
        Self(place)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.hold(false);
    }
}

/// The body of an answer; as long as events stream, the connection keeps its place.
struct Answer {
    body: Body,
    _held: Option<Held>,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
