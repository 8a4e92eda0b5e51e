//! One connection on which anything can be said.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use punktfunk_proto::{
    pairing::{ClientCeremony, ENTROPY_LEN, PairingError, Pin},
    units::{Fingerprint, Mode},
    wire::{CodecSet, ControlMessage, FrameReader, Hello, PairChallenge, PairProof, PairRequest, frame},
};
use quinn::{Connection, ConnectionError, Endpoint, RecvStream, SendStream};
use rand::RngCore as _;
use rustls::pki_types::CertificateDer;

use super::{PATIENCE, Persona, tls};

/// A network address to attack from. It believes any host.
#[derive(Clone, Debug)]
pub struct Rogue {
    endpoint: Endpoint,
}

impl Rogue {
    /// A socket at `source`, any port.
    ///
    /// # Errors
    /// The address is not one of this machine.
    pub fn at(source: impl Into<IpAddr>) -> Result<Self> {
        let source = source.into();
        let endpoint = Endpoint::client((source, 0).into()).with_context(|| format!("a socket at {source}"))?;
        Ok(Self { endpoint })
    }

    /// Connects to the host as `persona` and opens the control stream.
    ///
    /// # Errors
    /// The handshake fails. A host that refuses the certificate may do so later: [`Line::end`] tells.
    pub async fn call(&self, host: SocketAddr, persona: &Persona) -> Result<Line> {
        let connection = self.connect(host, persona).await?;
        let (writing, reading) = connection.open_bi().await?;
        Ok(Line { connection, writing, reading, reader: FrameReader::new() })
    }

    /// Connects to the host as `persona` and opens nothing.
    ///
    /// # Errors
    /// The handshake fails.
    pub async fn connect(&self, host: SocketAddr, persona: &Persona) -> Result<Connection> {
        let connecting = self.endpoint.connect_with(tls::client(persona)?, host, "punktfunk")?;
        Ok(tokio::time::timeout(PATIENCE, connecting).await.context("no answer")??)
    }

    /// Calls, says `payload` and waits for the end.
    ///
    /// # Errors
    /// The handshake fails.
    pub async fn ask(&self, host: SocketAddr, persona: &Persona, payload: &[u8]) -> Result<Answer> {
        let asked = Instant::now();
        let mut line = match self.call(host, persona).await {
            Ok(line) => line,
            // A host without room closes before the stream is open.
            Err(error) => {
                let end = End::of(error.downcast_ref().with_context(|| error.to_string())?);
                return Ok(Answer { payloads: Vec::new(), end, took: asked.elapsed() });
            }
        };
        let asked = Instant::now();
        // A host that has closed already says so at the end.
        let _ = line.say(payload).await;
        let mut payloads = Vec::new();
        while let Some(payload) = line.hear().await {
            payloads.push(payload);
        }
        let end = line.end().await;
        Ok(Answer { payloads, end, took: asked.elapsed() })
    }
}

/// All that a host said to one request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its messages.
    pub payloads: Vec<Vec<u8>>,
    /// How it ended.
    pub end: End,
    /// How long that took after the request.
    pub took: Duration,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// The peer closed it.
    Closed {
        /// QUIC application error code (spec section 2.6).
        code: u32,
        /// Its words, byte for byte.
        reason: Vec<u8>,
    },
    /// QUIC or TLS ended it, in these words.
    Broken(String),
    /// It has not ended within [`PATIENCE`].
    Open,
}

impl End {
    /// What a connection's error says.
    pub(super) fn of(error: &ConnectionError) -> Self {
        match error {
            ConnectionError::ApplicationClosed(close) => Self::Closed {
                code: u32::try_from(close.error_code.into_inner()).unwrap_or(u32::MAX),
                reason: close.reason.to_vec(),
            },
            error => Self::Broken(error.to_string()),
        }
    }

    /// The code it was closed with.
    pub fn code(&self) -> Option<u32> {
        match self {
            Self::Closed { code, .. } => Some(*code),
            Self::Broken(_) | Self::Open => None,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { code, reason } => write!(f, "closed 0x{code:02x}: {}", String::from_utf8_lossy(reason)),
            Self::Broken(how) => f.write_str(how),
            Self::Open => f.write_str("open"),
        }
    }
}

/// One connection and its control stream. Dropping it closes it with code 0.
#[derive(Debug)]
pub struct Line {
    connection: Connection,
    writing: SendStream,
    reading: RecvStream,
    reader: FrameReader,
}

impl Line {
    /// The other end's call, taken by somebody who listens.
    ///
    /// # Errors
    /// The caller opens no stream.
    pub(super) async fn taken(connection: Connection) -> Result<Self> {
        let (writing, reading) = tokio::time::timeout(PATIENCE, connection.accept_bi()).await??;
        Ok(Self { connection, writing, reading, reader: FrameReader::new() })
    }

    /// Sends a framed payload.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn say(&mut self, payload: &[u8]) -> Result<()> {
        self.say_raw(&frame(payload)).await
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn say_raw(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.writing.write_all(bytes).await?)
    }

    /// Says no more.
    pub fn finish(&mut self) {
        // Refused only where the stream is gone already.
        let _ = self.writing.finish();
    }

    /// The next payload; `None` when nothing more comes.
    pub async fn hear(&mut self) -> Option<Vec<u8>> {
        let search = async {
            loop {
                if let Some(payload) = self.reader.next_frame() {
                    return Some(payload.to_vec());
                }
                let chunk = self.reading.read_chunk(64 * 1_024, true).await.ok()??;
                self.reader.push(&chunk.bytes);
            }
        };
        tokio::time::timeout(PATIENCE, search).await.ok()?
    }

    /// The next message of the protocol.
    ///
    /// # Errors
    /// The peer says nothing more, or nonsense.
    pub async fn hear_message(&mut self) -> Result<ControlMessage> {
        let Some(payload) = self.hear().await else { bail!("the peer says nothing: {:?}", self.end().await) };
        Ok(ControlMessage::decode(&payload)?)
    }

    /// Waits for the end.
    pub async fn end(&self) -> End {
        self.end_within(PATIENCE).await
    }

    /// Waits `patience` for the end.
    pub async fn end_within(&self, patience: Duration) -> End {
        match tokio::time::timeout(patience, self.connection.closed()).await {
            Ok(error) => End::of(&error),
            Err(_) => End::Open,
        }
    }

    /// Closes it with this code.
    pub fn close(&self, code: u32) {
        self.connection.close(code.into(), b"");
    }

    /// The certificate the peer showed.
    pub fn certificate(&self) -> Option<CertificateDer<'static>> {
        let chain = self.connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
        chain.first().cloned()
    }

    /// Its fingerprint.
    pub fn peer(&self) -> Option<Fingerprint> {
        self.certificate().map(|leaf| Fingerprint::of_certificate(&leaf))
    }

    /// Says the Hello of a device of this name that decodes H.264.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn hello(&mut self, name: &str) -> Result<()> {
        let hello = Hello { name: Some(name.to_owned()), ..plain_hello() };
        self.say(&hello.encode()).await
    }
}

/// The Hello of a nameless device that decodes H.264.
pub(super) fn plain_hello() -> Hello {
    let mode: Mode = "320x180@30".parse().expect("a mode");
    Hello { codecs: CodecSet::from_bits(0x07), max_shard_payload: 9_152, ..Hello::new(mode.into()) }
}

/// What was said in a ceremony, message for message.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// The client's first.
    pub request: PairRequest,
    /// The host's answer.
    pub challenge: PairChallenge,
    /// The client's second.
    pub proof: PairProof,
}

/// The honest ceremony: what was said if both sides are paired now, else how the connection ended.
///
/// # Errors
/// The connection fails in a way that is no answer to the ceremony.
pub async fn pair(mut line: Line, persona: &Persona, pin: &Pin) -> Result<Result<Transcript, End>> {
    let host = line.peer().context("the host shows no certificate")?;
    let parties = (persona.fingerprint(), host);
    let (mut ceremony, request) =
        ClientCeremony::start(Some(persona.name.clone()), &pin.clone().into(), parties, entropy());
    // A host that has closed already says so at the end.
    let _ = line.say(&ControlMessage::PairRequest(request.clone()).encode()).await;
    let Ok(ControlMessage::PairChallenge(challenge)) = line.hear_message().await else {
        return Ok(Err(line.end().await));
    };
    let proof = match ceremony.handle_challenge(&challenge) {
        Ok(proof) => proof,
        Err(PairingError::WrongPin) => {
            line.close(1);
            return Ok(Err(End::Broken("wrong PIN".to_owned())));
        }
        Err(error) => bail!(error),
    };
    line.say(&ControlMessage::PairProof(proof.clone()).encode()).await?;
    match line.hear_message().await {
        Ok(ControlMessage::PairResult { paired: true }) => {
            line.close(0);
            Ok(Ok(Transcript { request, challenge, proof }))
        }
        _ => Ok(Err(line.end().await)),
    }
}

/// Fresh random bytes for a ceremony.
pub(super) fn entropy() -> [u8; ENTROPY_LEN] {
    let mut entropy = [0; ENTROPY_LEN];
    rand::rng().fill_bytes(&mut entropy);
    entropy
}
