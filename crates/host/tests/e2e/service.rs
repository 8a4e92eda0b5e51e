//! Sessions whose applications the session service starts. In systemd's place stands a thread that accepts connections and
//! starts the real program on each, under this user; users, walls and control groups are the part of `make check-boot`.

use std::{
    ffi::OsString,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
};

use punktfunk_proto::session::client_control::ClientCommand;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, listen, socket_with};

use crate::fixture::{BASE, Device, Failure, Host, PATIENCE, PROGRAM, Session, Stream, configure, hello, serve};

/// Listens at `socket` and starts a session service on each connection; the processes come out of the channel.
fn session_service(socket: &Path) -> mpsc::Receiver<Child> {
    session_service_with(socket, std::env::var_os("PATH").unwrap())
}

/// Likewise, and they look for programs in `path`.
fn session_service_with(socket: &Path, path: OsString) -> mpsc::Receiver<Child> {
    let listener = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    bind(&listener, &SocketAddrUnix::new(socket).unwrap()).unwrap();
    listen(&listener, 8).unwrap();
    let base = socket.to_owned();
    let (started, sessions) = mpsc::channel();
    std::thread::spawn(move || {
        for number in 0.. {
            let Ok(connection) = accept_with(&listener, SocketFlags::CLOEXEC) else { return };
            let runtime_dir = base.with_extension(number.to_string());
            std::fs::create_dir(&runtime_dir).unwrap();
            let mut command = Command::new(PROGRAM);
            command
                .arg("run-session")
                .arg("--runtime-dir")
                .arg(&runtime_dir)
                .stdin(Stdio::from(connection))
                .env("PATH", &path);
            let _ = started.send(command.spawn().unwrap());
        }
    });
    sessions
}

/// A host in `dir` that has its applications started by the service at `dir/launch.sock`.
fn try_host(dir: &Path, application: &str) -> Result<Host, Failure> {
    configure(dir, &format!("{BASE}[session]\nlauncher = \"service\"\ncommand = [\"{application}\"]\n"));
    let mut command = serve(Command::new(PROGRAM), dir);
    command.arg("--session-socket").arg(dir.join("launch.sock"));
    Host::try_run(dir, command)
}

async fn streaming(host: &Host, device: &Device) -> (Session, Stream) {
    let mut session = device.hello_with(host, hello("640x480@60")).await;
    let welcome = session.welcome().await;
    let stream = session.start(&welcome).await;
    (session, stream)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_x11_program_of_the_session_service_is_streamed_and_the_service_ends_with_session_and_host() {
    let dir = tempfile::tempdir().unwrap();
    let sessions = session_service(&dir.path().join("launch.sock"));
    let mut host = try_host(dir.path(), "xclock").unwrap();
    // Asked once whether it is there.
    let mut probed = sessions.recv_timeout(PATIENCE).unwrap();
    assert!(probed.wait().unwrap().success());
    let device = Device::new("Viewer");
    device.pair_now(&host).await;

    let (session, mut stream) = streaming(&host, &device).await;
    // Nothing is painted before the clock is there, but for the first picture.
    assert!(stream.take(2).await[0].is_idr());
    session.tell(ClientCommand::Close { quit: true }).await;
    let mut service = sessions.recv_timeout(PATIENCE).unwrap();
    assert!(service.wait().unwrap().success());

    let (_session, mut stream) = streaming(&host, &device).await;
    assert!(stream.take(2).await[0].is_idr());
    host.kill();
    let mut service = sessions.recv_timeout(PATIENCE).unwrap();
    assert!(service.wait().unwrap().success());
}

#[test]
fn a_host_without_the_session_service_that_it_is_to_use_says_which_unit_to_start() {
    let dir = tempfile::tempdir().unwrap();
    let host = try_host(dir.path(), "xclock").unwrap();
    let log = host.log();
    assert!(log.contains("systemctl start punktfunk-session.socket"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_x_server_that_never_answers_holds_no_session_up_for_good() {
    let dir = tempfile::tempdir().unwrap();
    // Says that it is ready, as display 0, and no more: the window manager waits for its greeting.
    let server = "#!/bin/bash\nwhile [ \"$1\" != -displayfd ]; do shift; done\necho 0 >&\"$2\"\nexec sleep 1000\n";
    let program = dir.path().join("Xwayland");
    std::fs::write(&program, server).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut path = dir.path().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let sessions = session_service_with(&dir.path().join("launch.sock"), path);
    let mut host = try_host(dir.path(), "foot").unwrap();
    assert!(sessions.recv_timeout(PATIENCE).unwrap().wait().unwrap().success());
    let device = Device::new("Viewer");
    device.pair_now(&host).await;

    let mut session = device.hello_with(&host, hello("640x480@60")).await;
    session.welcome().await;
    session.tell(ClientCommand::Close { quit: true }).await;
    let mut service = sessions.recv_timeout(PATIENCE).unwrap();
    assert!(service.wait().unwrap().success());
    host.wait_for_count(&["sessions", "history"], "sessions", 1).await;
    assert!(host.log().contains("the display's thread hangs"), "{}", host.log());
    assert!(host.stop().success());
}
