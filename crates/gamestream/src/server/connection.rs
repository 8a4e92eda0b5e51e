//! One connection: one request, one answer.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use punktfunk_proto::units::Fingerprint;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::{Pairing, Place, Server, head};
use crate::{
    pages::{self, Answer, Caller, Desk, Lane},
    pairing::AttemptId,
};

pub(super) struct Connection {
    pub(super) server: Arc<Server>,
    pub(super) peer: SocketAddr,
    pub(super) place: Place,
}

impl Connection {
    /// Carries the connection to its end; `tls` on the port of HTTPS.
    pub(super) async fn run(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        let Ok(local) = stream.local_addr() else { return };
        let _ = stream.set_nodelay(true);
        match tls {
            None => self.serve(stream, local.ip(), Lane::Plain).await,
            Some(tls) => {
                let Ok(Ok(stream)) = timeout(self.server.limits.handshake, tls.accept(stream)).await else { return };
                let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                let lane = Lane::Secure(certificate.map(|leaf| Fingerprint::of_certificate(leaf)));
                self.serve(stream, local.ip(), lane).await;
            }
        }
    }

    async fn serve(self, mut stream: impl AsyncRead + AsyncWrite + Unpin, local: IpAddr, lane: Lane) {
        let limits = self.server.limits;
        let mut bytes = Vec::with_capacity(2_048);
        let Ok(true) = timeout(limits.request, read(&mut stream, &mut bytes)).await else { return };
        let caller = Caller { peer: self.peer.ip(), local, lane };
        let answer = match head::parse(&bytes).flatten() {
            Some(request) => self.ask(caller, request.path.to_owned(), request.query.to_owned()).await,
            None => Answer::Document(pages::malformed()),
        };
        let document = match answer {
            Answer::Document(document) => document,
            Answer::WhenTyped(attempt) => match self.wait(&mut stream, attempt).await {
                Some(document) => document,
                None => return,
            },
        };
        let _ = timeout(limits.answer, send(&mut stream, &document)).await;
    }

    /// Asks the pages, which may wait for a disk.
    async fn ask(&self, caller: Caller, path: String, query: String) -> Answer {
        let server = Arc::clone(&self.server);
        let asked = tokio::task::spawn_blocking(move || {
            let Server { host, key, pairing, .. } = &*server;
            let desk = Desk { host: &**host, key, attempts: pairing.attempts(), now: Instant::now() };
            let answer = pages::answer(&desk, &caller, &path, &query);
            if path.ends_with("pair") {
                pairing.look();
            }
            answer
        });
        asked.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a page of GameStream failed");
            Answer::Document(pages::malformed())
        })
    }

    /// Phase 1 of pairing is answered when a person has typed the PIN; `None`: the client left before.
    async fn wait(&self, stream: &mut (impl AsyncRead + Unpin), attempt: AttemptId) -> Option<String> {
        self.place.hold();
        tracing::info!(peer = %self.peer.ip(), "a Moonlight waits for its PIN");
        let mut waits = Waits { pairing: &self.server.pairing, attempt, left: true };
        let typed = tokio::select! {
            typed = self.server.pairing.typed(attempt) => typed,
            () = gone(stream) => return None,
        };
        // From here on the attempt ends by its own clock.
        waits.left = false;
        Some(if typed { pages::certificate_told(&self.server.key) } else { pages::attempt_over() })
    }
}

/// An attempt that waits on an open connection. Dropped before it is answered, its client has left.
struct Waits<'a> {
    pairing: &'a Pairing,
    attempt: AttemptId,
    left: bool,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if self.left {
            self.pairing.work(|attempts, _| attempts.left(self.attempt));
        }
    }
}

/// Reads a request's head; whether it came whole and in bounds.
async fn read(stream: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>) -> bool {
    while head::parse(bytes).is_none() {
        if bytes.len() >= head::LONGEST {
            return false;
        }
        let mut piece = [0; 1_024];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return false,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
        }
    }
    true
}

/// Waits until the client has closed, or says what is not its turn to say.
async fn gone(stream: &mut (impl AsyncRead + Unpin)) {
    let mut byte = [0];
    let _ = stream.read(&mut byte).await;
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), document: &str) -> std::io::Result<()> {
    let length = document.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/xml; charset=utf-8\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all((head + document).as_bytes()).await?;
    stream.shutdown().await
}
