//! The other end of the service's socket, blocking: what the host and `ctl update` use.

use std::{
    io::{self, BufRead as _, BufReader, Read, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::model::{ANSWER_LIMIT, Answer, Request, UpdateRefusal};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no update service on this machine.
    #[error("this system has no update service at {}: it is updated by its distribution's means", socket.display())]
    Absent {
        /// Where it would listen.
        socket: PathBuf,
    },
    /// This user may not.
    #[error("this user may not open {}: run this as root (sudo)", socket.display())]
    Permission {
        /// The socket.
        socket: PathBuf,
    },
    /// The connection failed or the answer took too long.
    #[error("the update service did not answer ({0}): see `journalctl -u punktfunk-update`")]
    Io(#[from] io::Error),
    /// What came is no answer.
    #[error("the answer of the update service is not understood ({0}): see `journalctl -u punktfunk-update`")]
    Protocol(String),
    /// It refused.
    #[error(transparent)]
    Refused(#[from] UpdateRefusal),
}

/// Asks the service that listens on `socket`, and waits for its answer for `patience`.
///
/// # Errors
/// There is no answer, or it is a refusal.
pub fn ask(socket: &Path, request: &Request, patience: Duration) -> Result<Answer, ClientError> {
    let mut stream = connect(socket, patience)?;
    send(&mut stream, request)?;
    receive(stream)
}

/// Brings the file `name` of `bytes` bytes.
///
/// # Errors
/// Likewise, or `content` is shorter than that.
pub fn put(socket: &Path, (name, bytes): (&str, u64), content: impl Read) -> Result<Answer, ClientError> {
    let mut stream = connect(socket, PUT_PATIENCE)?;
    send(&mut stream, &Request::Put { name: name.to_owned(), bytes })?;
    let sent = io::copy(&mut content.take(bytes), &mut stream);
    match sent {
        // A refusal before the last byte: it says more than the broken pipe does.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
        _ => stream.shutdown(Shutdown::Write).or_else(|error| match error.kind() {
            io::ErrorKind::NotConnected => Ok(()),
            _ => Err(error),
        })?,
    }
    receive(stream)
}

fn connect(socket: &Path, patience: Duration) -> Result<UnixStream, ClientError> {
    let stream = UnixStream::connect(socket).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ClientError::Absent { socket: socket.to_owned() },
        io::ErrorKind::PermissionDenied => ClientError::Permission { socket: socket.to_owned() },
        _ => ClientError::Io(error),
    })?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    Ok(stream)
}

fn send(stream: &mut UnixStream, request: &Request) -> Result<(), ClientError> {
    let mut line = serde_json::to_vec(request).map_err(|error| ClientError::Protocol(error.to_string()))?;
    line.push(b'\n');
    Ok(stream.write_all(&line)?)
}

fn receive(stream: UnixStream) -> Result<Answer, ClientError> {
    let mut line = Vec::new();
    BufReader::new(stream).take(ANSWER_LIMIT).read_until(b'\n', &mut line)?;
    if line.pop_if(|last| *last == b'\n').is_none() {
        return Err(ClientError::Io(io::ErrorKind::UnexpectedEof.into()));
    }
    match serde_json::from_slice(&line).map_err(|error| ClientError::Protocol(error.to_string()))? {
        Answer::Refused(refusal) => Err(refusal.into()),
        answer => Ok(answer),
    }
}

/// Between two pieces of a file.
const PUT_PATIENCE: Duration = Duration::from_secs(60);
