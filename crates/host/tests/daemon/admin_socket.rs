//! The admin socket against peers that are slow, large, many, foreign or of another version.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::PathBuf,
    process::Command,
    sync::Arc,
    time::Duration,
};

use punktfunk_host::{
    admin::{
        client::{AdminClient, AdminClientError},
        protocol::{AdminErrorCode, AdminRequest, AdminResponse, REQUEST_LIMIT},
        server::{AdminHandler, AdminLimits, AdminServer, Caller},
    },
    error::StartError,
};
use tokio::{sync::oneshot, task::JoinHandle};

use crate::common::{Home, PATIENCE};

/// Answers everything at once, but `PairDisarm` never.
struct Answers;

impl AdminHandler for Answers {
    async fn handle(&self, request: AdminRequest, _caller: Caller) -> AdminResponse {
        match request {
            AdminRequest::PairDisarm => std::future::pending().await,
            _ => AdminResponse::Disarmed { was_armed: true },
        }
    }
}

struct Server {
    home: Home,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    fn start(limits: AdminLimits) -> Self {
        let home = Home::new("");
        let server = AdminServer::bind(&home.make_runtime_dir(), limits).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(server.run(Arc::new(Answers), async {
            let _ = stopped.await;
        }));
        Self { home, stop, task }
    }

    fn runtime_dir(&self) -> PathBuf {
        self.home.runtime_dir()
    }

    /// Sends raw bytes and reads to the end, beside the runtime.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let (path, bytes) = (self.runtime_dir().join("admin.sock"), bytes.to_vec());
        beside(move || {
            let mut stream = UnixStream::connect(path).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let _ = stream.write_all(&bytes);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        })
        .await
    }

    async fn call(&self, request: AdminRequest) -> Result<AdminResponse, AdminClientError> {
        let dir = self.runtime_dir();
        beside(move || AdminClient::connect(&dir)?.call(&request)).await
    }
}

async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

fn limits() -> AdminLimits {
    AdminLimits::default()
}

#[tokio::test]
async fn several_requests_on_one_connection_are_answered_in_order() {
    let server = Server::start(limits());
    let status = "{\"version\":1,\"body\":{\"kind\":\"status\"}}\n";
    let answer = server.exchange(status.repeat(3).as_bytes()).await;
    assert_eq!(answer, "{\"version\":1,\"body\":{\"kind\":\"disarmed\",\"was_armed\":true}}\n".repeat(3));
}

#[tokio::test]
async fn what_is_no_request_is_answered_with_why() {
    let server = Server::start(limits());
    for wrong in [&b"hello\n"[..], b"\n", b"{}\n", b"{\"version\":1,\"body\":{\"kind\":\"reboot\"}}\n", b"\xff\xfe\n"] {
        let answer = server.exchange(wrong).await;
        assert!(answer.contains("\"code\":\"bad_request\""), "{wrong:?}: {answer}");
    }
    let deep = format!("{}\n", "[".repeat(10_000));
    assert!(server.exchange(deep.as_bytes()).await.contains("bad_request"));
    assert!(server.call(AdminRequest::Status).await.is_ok(), "others are served on");
}

#[tokio::test]
async fn another_version_is_told_so_whatever_else_it_says() {
    let server = Server::start(limits());
    let answer = server.exchange(b"{\"version\":2,\"body\":{\"kind\":\"from_the_future\"}}\n").await;
    assert!(answer.contains("unsupported_version") && answer.contains("version 1"), "{answer}");
}

#[tokio::test]
async fn a_request_without_end_is_cut_off() {
    let server = Server::start(limits());
    let answer = server.exchange(&vec![b'a'; REQUEST_LIMIT * 4]).await;
    assert!(answer.contains("\"code\":\"too_large\""), "{answer}");
    let mut longest = vec![b' '; REQUEST_LIMIT - 1];
    longest[..39].copy_from_slice(b"{\"version\":1,\"body\":{\"kind\":\"status\"}} ");
    longest.push(b'\n');
    assert!(server.exchange(&longest).await.contains("was_armed"), "one of exactly the limit is taken");
}

#[tokio::test]
async fn a_peer_that_goes_away_within_a_line_gets_no_answer() {
    let server = Server::start(limits());
    assert_eq!(server.exchange(b"{\"version\":1,\"body\":{\"kind\":\"status\"}}").await, "");
    assert_eq!(server.exchange(b"").await, "");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = Server::start(AdminLimits { read: Duration::from_millis(50), ..limits() });
    let path = server.runtime_dir().join("admin.sock");
    let read = beside(move || {
        let mut stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"{\"vers").unwrap();
        stream.read(&mut [0; 16]).unwrap()
    })
    .await;
    assert_eq!(read, 0);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered_all_the_same() {
    let server = Server::start(AdminLimits { handle: Duration::from_millis(50), ..limits() });
    let error = server.call(AdminRequest::PairDisarm).await.unwrap_err();
    assert!(matches!(&error, AdminClientError::Refused(error) if error.code == AdminErrorCode::Busy), "{error}");
}

#[tokio::test]
async fn more_connections_than_allowed_are_told_so_and_room_comes_back() {
    let server = Server::start(AdminLimits { connections: 2, ..limits() });
    let path = server.runtime_dir().join("admin.sock");
    let dir = server.runtime_dir();
    beside(move || {
        // Only after an answer is it sure that a connection counts.
        let held: Vec<AdminClient> = (0..2)
            .map(|_| {
                let mut client = AdminClient::connect(&dir).unwrap();
                client.call(&AdminRequest::Status).unwrap();
                client
            })
            .collect();
        let error = AdminClient::connect(&dir).unwrap().call(&AdminRequest::Status).unwrap_err();
        assert!(matches!(&error, AdminClientError::Refused(error) if error.code == AdminErrorCode::Busy), "{error}");
        drop(held);
        // The server notices the end of the held ones on its own time.
        let free = (0..1_000).any(|_| AdminClient::connect(&dir).unwrap().call(&AdminRequest::Status).is_ok());
        assert!(free, "{}", path.display());
    })
    .await;
}

#[tokio::test]
async fn a_stopped_server_removes_its_socket_and_a_new_one_takes_its_place() {
    let server = Server::start(limits());
    let Server { home, stop, task } = server;
    stop.send(()).unwrap();
    task.await.unwrap();
    assert!(!home.runtime_dir().join("admin.sock").exists());
    let error = AdminClient::connect(&home.runtime_dir()).unwrap_err();
    assert!(matches!(error, AdminClientError::NotRunning { .. }), "{error}");
    AdminServer::bind(&home.runtime_dir(), limits()).unwrap();
}

#[tokio::test]
async fn of_servers_that_start_together_exactly_one_gets_the_socket() {
    for _ in 0..20 {
        let home = Home::new("");
        let dir = home.make_runtime_dir();
        let starts: Vec<_> = (0..4)
            .map(|_| {
                let dir = dir.clone();
                tokio::spawn(async move { AdminServer::bind(&dir, AdminLimits::default()) })
            })
            .collect();
        let mut won = Vec::new();
        for start in starts {
            match start.await.unwrap() {
                Ok(server) => won.push(server),
                Err(error) => assert!(matches!(error, StartError::AlreadyRunning { .. }), "{error}"),
            }
        }
        assert_eq!(won.len(), 1);
    }
}

#[tokio::test]
async fn a_socket_that_somebody_answers_without_our_lock_is_left() {
    let home = Home::new("");
    let dir = home.make_runtime_dir();
    let _theirs = UnixListener::bind(dir.join("admin.sock")).unwrap();
    let error = AdminServer::bind(&dir, limits()).unwrap_err().to_string();
    assert!(error.contains("another program listens there"), "{error}");
    assert!(UnixStream::connect(dir.join("admin.sock")).is_ok());
}

/// Runs `ctl status` as a user who is neither root nor the host's.
fn ctl_as_nobody(runtime_dir: PathBuf) -> std::process::Output {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
    command.arg(env!("CARGO_BIN_EXE_punktfunk-host")).args(["ctl", "--json", "status", "--runtime-dir"]);
    command.arg(runtime_dir).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_user_is_refused_by_the_socket_and_by_the_host() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can act as another user");
        return;
    }
    let server = Server::start(limits());
    let open = |path: PathBuf, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    open(server.home.path().to_owned(), 0o755);
    let (dir, socket) = (server.runtime_dir(), server.runtime_dir().join("admin.sock"));

    let closed = beside({
        let dir = dir.clone();
        move || ctl_as_nobody(dir)
    })
    .await;
    assert_eq!(closed.status.code(), Some(77), "{closed:?}");
    assert!(crate::common::stdout(&closed).contains("\"code\":\"permission\""), "{closed:?}");

    open(dir.clone(), 0o755);
    open(socket, 0o666);
    let refused = beside(move || ctl_as_nobody(dir)).await;
    assert_eq!(refused.status.code(), Some(77), "{refused:?}");
    assert!(crate::common::stdout(&refused).contains("\"code\":\"forbidden\""), "{refused:?}");
}
