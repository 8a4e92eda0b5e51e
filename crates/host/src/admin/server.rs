//! The host's end of the admin socket.
//!
//! Runs on the control plane's runtime. Every connection is bounded: in the length of a line, in the time it may
//! be idle or take to read an answer, and connections in their number.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::de::DeserializeOwned;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};

use super::{
    protocol::{AdminErrorCode, AdminRequest, AdminResponse, Envelope, REQUEST_LIMIT, VERSION},
    socket_path,
};
use crate::{
    directories::{self, DirectoryLock, Purpose},
    error::StartError,
};

/// Carries out what the admin socket asks.
pub trait AdminHandler: Send + Sync + 'static {
    /// Carries out `request`. A sender that goes away does not cancel it; after [`AdminLimits::handle`] it is dropped.
    fn handle(&self, request: AdminRequest, caller: Caller) -> impl Future<Output = AdminResponse> + Send;
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user, as the kernel says.
    pub uid: u32,
}

/// What a connection may take.
#[derive(Clone, Copy, Debug)]
pub struct AdminLimits {
    /// Connections at once; one more is told that the host is busy.
    pub connections: usize,
    /// How long a connection may take to send a whole request.
    pub read: Duration,
    /// How long a request may take.
    pub handle: Duration,
    /// How long a connection may take to take an answer.
    pub write: Duration,
}

impl Default for AdminLimits {
    fn default() -> Self {
        Self {
            connections: 16,
            read: Duration::from_secs(10),
            // A self test takes eight.
            handle: Duration::from_secs(12),
            write: Duration::from_secs(5),
        }
    }
}

/// The bound admin socket. Dropping it, or the end of [`AdminServer::run`], removes its file.
#[derive(Debug)]
pub struct AdminServer {
    listener: UnixListener,
    limits: AdminLimits,
    own_uid: u32,
    _file: SocketFile,
    _lock: DirectoryLock,
}

#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl AdminServer {
    /// Binds the socket in `runtime_dir`, a directory of our own that is closed to others
    /// ([`crate::directories::prepare`]). What a host left that was killed is replaced.
    ///
    /// # Errors
    /// Another host runs there, or the socket cannot be made. Anything in its place that is no socket is left.
    pub fn bind(runtime_dir: &Path, limits: AdminLimits) -> Result<Self, StartError> {
        let lock = DirectoryLock::acquire(runtime_dir, Purpose::Runtime)?;
        directories::sweep(runtime_dir, &lock);
        let path = socket_path(runtime_dir);
        let failed = |source| StartError::AdminSocket { path: path.clone(), source };
        remove_stale(&path).map_err(failed)?;
        let listener = UnixListener::bind(&path).map_err(failed)?;
        let file = SocketFile(path.clone());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        let own_uid = rustix::process::geteuid().as_raw();
        Ok(Self { listener, limits, own_uid, _file: file, _lock: lock })
    }

    /// Serves until `stop` completes; then requests under way have a second to end.
    pub async fn run<H: AdminHandler>(self, handler: Arc<H>, stop: impl Future<Output = ()>) {
        let free = Arc::new(Semaphore::new(self.limits.connections));
        let mut connections = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let stream = tokio::select! {
                () = &mut stop => break,
                stream = accept(&self.listener) => stream,
                Some(_) = connections.join_next() => continue,
            };
            let mut connection = Connection::new(stream, self.limits);
            let caller = self.caller(&connection);
            let permit = Arc::clone(&free).try_acquire_owned();
            let handler = Arc::clone(&handler);
            connections.spawn(async move {
                match (caller, permit) {
                    (None, _) => connection.answer(&forbidden()).await,
                    (Some(_), Err(_)) => connection.answer(&busy()).await,
                    (Some(caller), Ok(_permit)) => connection.serve(&*handler, caller).await,
                }
            });
        }
        let _ = timeout(Duration::from_secs(1), async { while connections.join_next().await.is_some() {} }).await;
    }

    /// Who the kernel says the peer is, if that user may give orders.
    fn caller(&self, connection: &Connection) -> Option<Caller> {
        let uid = connection.peer_uid();
        let caller = uid.filter(|uid| admits(self.own_uid, *uid)).map(|uid| Caller { uid });
        if caller.is_none() {
            tracing::warn!(uid, "a user who may not was refused at the admin socket");
        }
        caller
    }
}

/// Whether user `peer` may give orders to a host of user `own`.
fn admits(own: u32, peer: u32) -> bool {
    peer == 0 || peer == own
}

fn forbidden() -> AdminResponse {
    AdminResponse::error(AdminErrorCode::Forbidden, "only root and the host's own user may do this")
}

fn busy() -> AdminResponse {
    AdminResponse::error(AdminErrorCode::Busy, "too many connections to the admin socket; try again")
}

/// The next connection. An accept that fails (out of descriptors) is tried again after a while.
async fn accept(listener: &UnixListener) -> UnixStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::warn!(%error, "the admin socket could not accept a connection");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// Removes the socket of a host that is gone. The caller holds the lock; a socket that answers all the same
/// belongs to somebody else and is left.
fn remove_stale(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::other("there is something that is no socket"));
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(io::Error::other("another program listens there"));
    }
    fs::remove_file(path)
}

struct Connection {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    limits: AdminLimits,
}

/// What came instead of a request.
enum NoRequest {
    /// The peer is done, or took too long.
    Over,
    /// Something that is answered and ends the connection.
    Refused(AdminErrorCode, String),
}

impl Connection {
    fn new(stream: UnixStream, limits: AdminLimits) -> Self {
        let (reader, writer) = stream.into_split();
        Self { reader: BufReader::new(reader), writer, limits }
    }

    fn peer_uid(&self) -> Option<u32> {
        self.writer.as_ref().peer_cred().ok().map(|credentials| credentials.uid())
    }

    async fn serve<H: AdminHandler>(mut self, handler: &H, caller: Caller) {
        loop {
            match self.read_line().await.and_then(|line| parse_request(&line)) {
                Ok(request) => {
                    let answer =
                        timeout(self.limits.handle, handler.handle(request, caller)).await.unwrap_or_else(|_| {
                            AdminResponse::error(
                                AdminErrorCode::Busy,
                                "the host took too long; ask for the state of things",
                            )
                        });
                    if self.write(&answer).await.is_err() {
                        return;
                    }
                }
                Err(NoRequest::Over) => return,
                Err(NoRequest::Refused(code, message)) => {
                    return self.answer(&AdminResponse::error(code, message)).await;
                }
            }
        }
    }

    /// The next line without its newline. At most [`REQUEST_LIMIT`] bytes of it are ever held.
    async fn read_line(&mut self) -> Result<Vec<u8>, NoRequest> {
        let mut line = Vec::new();
        let mut limited = (&mut self.reader).take(REQUEST_LIMIT as u64);
        let read = timeout(self.limits.read, limited.read_until(b'\n', &mut line)).await;
        if !matches!(read, Ok(Ok(_))) || line.is_empty() {
            return Err(NoRequest::Over);
        }
        if line.pop_if(|last| *last == b'\n').is_some() {
            return Ok(line);
        }
        if line.len() < REQUEST_LIMIT {
            return Err(NoRequest::Over); // The peer went away within a line.
        }
        Err(NoRequest::Refused(AdminErrorCode::TooLarge, format!("a request has at most {REQUEST_LIMIT} bytes")))
    }

    /// The last answer on this connection.
    async fn answer(&mut self, answer: &AdminResponse) {
        if self.write(answer).await.is_ok() {
            let _ = self.writer.shutdown().await;
            self.drain().await;
        }
    }

    /// Takes what the peer still sends: closing with unread bytes would throw away the answer before it is read.
    async fn drain(&mut self) {
        let mut rest = (&mut self.reader).take(1 << 20);
        let _ = timeout(Duration::from_secs(1), tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    }

    async fn write(&mut self, answer: &AdminResponse) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Envelope { version: VERSION, body: answer })?;
        line.push(b'\n');
        timeout(self.limits.write, self.writer.write_all(&line)).await?
    }
}

/// The version is looked at before the rest, which another version may write in another way.
fn parse_request(line: &[u8]) -> Result<AdminRequest, NoRequest> {
    let bad =
        |error: serde_json::Error| NoRequest::Refused(AdminErrorCode::BadRequest, format!("not a request: {error}"));
    let envelope: Envelope<serde_json::Value> = parse_json(line).map_err(bad)?;
    if envelope.version != VERSION {
        let message = format!("this host speaks version {VERSION}, the request is version {}", envelope.version);
        return Err(NoRequest::Refused(AdminErrorCode::UnsupportedVersion, message));
    }
    serde_json::from_value(envelope.body).map_err(bad)
}

fn parse_json<T: DeserializeOwned>(line: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(line)
}

#[cfg(test)]
mod tests {
    use super::admits;

    #[test]
    fn only_root_and_the_hosts_own_user_are_admitted() {
        assert!(admits(990, 0));
        assert!(admits(990, 990));
        assert!(!admits(990, 1000));
        assert!(!admits(0, 1000));
    }
}
