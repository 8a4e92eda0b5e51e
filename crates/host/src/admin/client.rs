//! The other end of the admin socket, blocking: what `ctl` uses.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    protocol::{AdminError, AdminErrorCode, AdminRequest, AdminResponse, Envelope, RESPONSE_LIMIT, VERSION},
    socket_path,
};
use crate::exit::Exit;

/// Longer than the host takes to answer that it is too slow.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// A connection to the running host.
#[derive(Debug)]
pub struct AdminClient {
    stream: BufReader<UnixStream>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AdminClientError {
    /// Nobody listens.
    #[error(
        "no host is running at {}: start it (systemctl start punktfunk-host, or punktfunk-host serve), \
         or say where it runs with --runtime-dir", socket.display()
    )]
    NotRunning {
        /// Where it was sought.
        socket: PathBuf,
    },
    /// This user may not.
    #[error("user {uid} may not open {}: run this as root (sudo) or as the host's own user", socket.display())]
    Permission {
        /// The socket.
        socket: PathBuf,
        /// The user this runs as.
        uid: u32,
    },
    /// The host did not answer in time.
    #[error("the host did not answer within {} seconds; its log may say why", ANSWER_TIMEOUT.as_secs())]
    NoAnswer,
    /// What came is no answer.
    #[error("the host's answer is not understood ({0}): host and ctl must be of the same version")]
    Protocol(String),
    /// The connection failed.
    #[error("the connection to the host failed: {0}")]
    Io(io::Error),
    /// The host answered with an error.
    #[error(transparent)]
    Refused(#[from] AdminError),
}

impl AdminClientError {
    /// The exit code that goes with it.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::NotRunning { .. } => Exit::NotRunning,
            Self::Permission { .. } => Exit::Permission,
            Self::NoAnswer => Exit::Busy,
            Self::Protocol(_) => Exit::Protocol,
            Self::Io(_) => Exit::System,
            Self::Refused(error) => match error.code {
                AdminErrorCode::NotFound | AdminErrorCode::Ambiguous => Exit::NoSuchThing,
                AdminErrorCode::Forbidden => Exit::Permission,
                AdminErrorCode::Busy => Exit::Busy,
                AdminErrorCode::UnsupportedVersion | AdminErrorCode::BadRequest | AdminErrorCode::TooLarge => {
                    Exit::Protocol
                }
                AdminErrorCode::NotStored => Exit::CannotCreate,
                AdminErrorCode::Refused | AdminErrorCode::Internal => Exit::Failed,
            },
        }
    }

    /// The word for programs (`ctl --json`).
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NotRunning { .. } => "not_running",
            Self::Permission { .. } => "permission",
            Self::NoAnswer => "no_answer",
            Self::Protocol(_) => "protocol",
            Self::Io(_) => "io",
            Self::Refused(_) => "refused",
        }
    }
}

impl AdminClient {
    /// Connects to the host that runs in `runtime_dir`.
    ///
    /// # Errors
    /// No host runs there, or this user may not.
    pub fn connect(runtime_dir: &Path) -> Result<Self, AdminClientError> {
        let socket = socket_path(runtime_dir);
        let stream = match UnixStream::connect(&socket) {
            Ok(stream) => stream,
            Err(error) => return Err(connect_error(socket, error)),
        };
        stream.set_read_timeout(Some(ANSWER_TIMEOUT)).map_err(AdminClientError::Io)?;
        stream.set_write_timeout(Some(ANSWER_TIMEOUT)).map_err(AdminClientError::Io)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends one request and waits for its answer, at most 15 s.
    ///
    /// # Errors
    /// There was no answer, or it was a refusal: [`AdminResponse::Error`] is never returned as an answer.
    pub fn call(&mut self, request: &AdminRequest) -> Result<AdminResponse, AdminClientError> {
        self.send(request)?;
        let line = self.receive()?;
        let protocol = |error: serde_json::Error| AdminClientError::Protocol(error.to_string());
        let envelope: Envelope<serde_json::Value> = serde_json::from_slice(&line).map_err(protocol)?;
        let answer = match serde_json::from_value(envelope.body) {
            Ok(answer) => answer,
            Err(_) if envelope.version != VERSION => {
                return Err(AdminClientError::Protocol(format!("version {}", envelope.version)));
            }
            Err(error) => return Err(protocol(error)),
        };
        match answer {
            AdminResponse::Error(error) => Err(error.into()),
            answer => Ok(answer),
        }
    }

    /// A host that refuses at once may have closed before the request is written: its answer is there to read.
    fn send(&mut self, request: &AdminRequest) -> Result<(), AdminClientError> {
        let body = Envelope { version: VERSION, body: request };
        let mut line = serde_json::to_vec(&body).map_err(|error| AdminClientError::Protocol(error.to_string()))?;
        line.push(b'\n');
        match self.stream.get_mut().write_all(&line) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(io_error),
        }
    }

    fn receive(&mut self) -> Result<Vec<u8>, AdminClientError> {
        let mut line = Vec::new();
        (&mut self.stream).take(RESPONSE_LIMIT as u64).read_until(b'\n', &mut line).map_err(io_error)?;
        if line.pop_if(|last| *last == b'\n').is_some() {
            return Ok(line);
        }
        let fault =
            if line.len() < RESPONSE_LIMIT { "the host closed the connection" } else { "the answer is too long" };
        Err(AdminClientError::Io(io::Error::other(fault)))
    }
}

fn connect_error(socket: PathBuf, error: io::Error) -> AdminClientError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AdminClientError::NotRunning { socket },
        io::ErrorKind::PermissionDenied => {
            AdminClientError::Permission { socket, uid: rustix::process::geteuid().as_raw() }
        }
        _ => AdminClientError::Io(error),
    }
}

fn io_error(error: io::Error) -> AdminClientError {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => AdminClientError::NoAnswer,
        _ => AdminClientError::Io(error),
    }
}
