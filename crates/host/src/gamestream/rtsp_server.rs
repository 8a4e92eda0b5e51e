//! The RTSP port: ties each connection to a launch and answers its one request.
//!
//! Only addresses that a launch waits for are read at all, and only encrypted requests are answered: a request is of the launch
//! whose key opens it.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use punktfunk_gamestream::rtsp::{
    Handshake, Marks, MediaPorts, Offer, Request, Response, RtspSeal, SealedLength, Status, Step, StreamRequest,
    message::MAX_REQUEST,
};
use rand::RngCore as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

use super::{Desk, Running, Slot};

/// What a launch's handshake has led to, for who makes the session.
pub struct Wanted {
    /// The launch.
    pub slot: Slot,
    /// Says to the pages that it runs.
    pub running: Running,
    /// Its ports.
    pub media: Media,
    /// What the client shows on them.
    pub marks: Marks,
    /// What it wants.
    pub request: StreamRequest,
}

/// The sockets of one session.
pub struct Media {
    /// Video.
    pub video: punktfunk_transport::MediaSocket,
    /// Audio.
    pub audio: std::net::UdpSocket,
}

/// Why a session could not be made, as RTSP says it.
#[derive(Debug)]
pub struct Refused {
    /// What the client shows.
    pub status: Status,
    /// What the log says.
    pub reason: String,
}

/// Who makes sessions.
pub trait Stage: Send + Sync + 'static {
    /// Binds a session's sockets.
    ///
    /// # Errors
    /// No port is free.
    fn bind(&self) -> io::Result<Media>;

    /// The control port.
    fn control_port(&self) -> u16;

    /// Makes the session; it waits for its client when this returns.
    fn open(&self, wanted: Wanted) -> impl Future<Output = Result<(), Refused>> + Send;
}

/// Answers handshakes.
pub struct RtspServer<S> {
    desk: Arc<Desk>,
    stage: S,
    attempts: Mutex<Vec<Arc<Attempt>>>,
    places: Semaphore,
}

/// A handshake under way.
struct Attempt {
    peer: IpAddr,
    until: Instant,
    seal: Mutex<RtspSeal>,
    state: tokio::sync::Mutex<State>,
}

struct State {
    handshake: Handshake,
    marks: Marks,
    /// Until ANNOUNCE.
    parts: Option<(Slot, Running, Media)>,
}

/// Connections at once.
const CONNECTIONS: usize = 16;
/// For a request to arrive, and for its answer to leave.
const PATIENCE: Duration = Duration::from_secs(5);
/// From the first request of a handshake to its last.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(30);

impl<S: Stage> RtspServer<S> {
    /// For the launches of `desk`.
    pub fn new(desk: Arc<Desk>, stage: S) -> Arc<Self> {
        Arc::new(Self { desk, stage, attempts: Mutex::default(), places: Semaphore::new(CONNECTIONS) })
    }

    /// Accepts connections for ever.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let server = Arc::clone(&self);
                    tokio::spawn(server.connection(stream, peer));
                }
                Err(error) => {
                    tracing::debug!(%error, "the RTSP port");
                    tokio::time::sleep(AFTER_ERROR).await;
                }
            }
        }
    }

    async fn connection(self: Arc<Self>, mut stream: TcpStream, peer: SocketAddr) {
        let ip = peer.ip().to_canonical();
        let Ok(_place) = self.places.try_acquire() else { return };
        if !self.is_awaited(ip) {
            return tracing::debug!(%peer, "nobody waits for this RTSP connection");
        }
        let Ok(Ok(message)) = tokio::time::timeout(PATIENCE, read(&mut stream)).await else { return };
        let Some(answer) = self.answer(ip, &message).await else {
            return tracing::debug!(%peer, "an RTSP request of no launch");
        };
        let send = async {
            stream.write_all(&answer).await?;
            stream.shutdown().await
        };
        // A client that does not read its answer has left.
        let _ = tokio::time::timeout(PATIENCE, send).await;
    }

    fn is_awaited(&self, peer: IpAddr) -> bool {
        let armed = self.desk.armed(Instant::now());
        armed.iter().any(|slot| slot.launch.peer.to_canonical() == peer)
            || self.attempts().iter().any(|attempt| attempt.peer == peer)
    }

    /// The answer's bytes; `None` for what belongs to no launch.
    async fn answer(self: &Arc<Self>, peer: IpAddr, message: &[u8]) -> Option<Vec<u8>> {
        let (attempt, text) = match self.find(peer, message) {
            Some(found) => found,
            None => self.begin(peer, message)?,
        };
        let request = match Request::parse(&text) {
            Ok(request) => request,
            Err(error) => {
                tracing::debug!(%peer, %error, "an RTSP request");
                return None;
            }
        };
        let answer = self.handle(&attempt, &request).await.to_string();
        Some(attempt.seal().seal(&answer))
    }

    /// The handshake under way that this request is of.
    fn find(&self, peer: IpAddr, message: &[u8]) -> Option<(Arc<Attempt>, Vec<u8>)> {
        let attempts: Vec<_> = self.attempts().iter().filter(|attempt| attempt.peer == peer).cloned().collect();
        attempts.into_iter().find_map(|attempt| {
            let text = attempt.seal().open(message)?;
            Some((attempt, text))
        })
    }

    /// Begins the handshake of the launch that this request is of.
    fn begin(self: &Arc<Self>, peer: IpAddr, message: &[u8]) -> Option<(Arc<Attempt>, Vec<u8>)> {
        let now = Instant::now();
        for slot in self.desk.armed(now) {
            let mut seal = RtspSeal::new(&slot.launch.key);
            if slot.launch.peer.to_canonical() != peer {
                continue;
            }
            let Some(text) = seal.open(message) else { continue };
            let slot = self.desk.claim(now, slot.number)?;
            let attempt = Arc::new(self.attempt(slot, peer, seal)?);
            self.attempts().push(Arc::clone(&attempt));
            let server = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(HANDSHAKE_WITHIN).await;
                server.sweep();
            });
            return Some((attempt, text));
        }
        None
    }

    fn attempt(&self, slot: Slot, peer: IpAddr, seal: RtspSeal) -> Option<Attempt> {
        let media = match self.stage.bind() {
            Ok(media) => media,
            Err(error) => {
                tracing::error!(%error, "no port for a Moonlight session");
                return None;
            }
        };
        let ports = MediaPorts {
            video: media.video.local_addr().ok()?.port(),
            control: self.stage.control_port(),
            audio: media.audio.local_addr().ok()?.port(),
        };
        let mut rng = rand::rng();
        let marks = Marks { session: rng.next_u64(), ping: rng.next_u64(), connect: rng.next_u32() };
        let handshake = Handshake::new(Offer::default(), ports, marks);
        let running = self.desk.begin(&slot);
        let state = State { handshake, marks, parts: Some((slot, running, media)) };
        let until = Instant::now() + HANDSHAKE_WITHIN;
        Some(Attempt { peer, until, seal: Mutex::new(seal), state: tokio::sync::Mutex::new(state) })
    }

    async fn handle(&self, attempt: &Attempt, request: &Request<'_>) -> Response {
        let mut state = attempt.state.lock().await;
        match state.handshake.handle(request) {
            Step::Reply(response) => response,
            Step::Refused(response, error) => {
                // What was refused does not run.
                state.parts = None;
                tracing::warn!(peer = %attempt.peer, %error, "a Moonlight client is refused");
                response
            }
            Step::Announced { request: wanted, cseq } => {
                let Some((slot, running, media)) = state.parts.take() else {
                    return Handshake::refused(Status::BadRequest, cseq);
                };
                let wanted = Wanted { slot, running, media, marks: state.marks, request: *wanted };
                match self.stage.open(wanted).await {
                    Ok(()) => Handshake::announced(cseq),
                    Err(Refused { status, reason }) => {
                        tracing::warn!(peer = %attempt.peer, reason, "a Moonlight client is refused");
                        Handshake::refused(status, cseq)
                    }
                }
            }
        }
    }

    /// Forgets handshakes that have taken too long.
    fn sweep(&self) {
        let now = Instant::now();
        self.attempts().retain(|attempt| now < attempt.until);
    }

    fn attempts(&self) -> MutexGuard<'_, Vec<Arc<Attempt>>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    fn seal(&self) -> MutexGuard<'_, RtspSeal> {
        self.seal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request, as it came.
async fn read(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut message = Vec::with_capacity(2_048);
    loop {
        let complete = match SealedLength::of(&message) {
            SealedLength::Unknown => false,
            SealedLength::Sealed(length) if length > MAX_REQUEST => return Err(io::ErrorKind::InvalidData.into()),
            SealedLength::Sealed(length) => message.len() >= length,
            SealedLength::Plain => return Err(io::ErrorKind::InvalidData.into()),
        };
        if complete {
            return Ok(message);
        }
        if message.len() > MAX_REQUEST || stream.read_buf(&mut message).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Before the next try to accept.
const AFTER_ERROR: Duration = Duration::from_millis(100);
