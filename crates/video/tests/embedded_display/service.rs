//! Applications that the session service starts. In systemd's place stands a thread that accepts connections; what it
//! hands them to is the real service, in threads of this process. X11 programs are left to `make check-boot`, which runs
//! the service as a process of its own.

use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

use punktfunk_video::display::{
    DisplayError,
    embedded::Embedded,
    launch::{Launcher as _, Service, runner},
};
use rustix::net::{
    AddressFamily, Shutdown, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, listen, send, shutdown,
    socket_with,
};
use tempfile::TempDir;

use crate::screen::{Screen, share, write_script};

/// Listens as `punktfunk-session.socket` does and gives each connection to `serve`, in a thread.
fn listens(path: &Path, serve: impl Fn(OwnedFd) + Clone + Send + 'static) {
    let listener = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    bind(&listener, &SocketAddrUnix::new(path).unwrap()).unwrap();
    listen(&listener, 8).unwrap();
    std::thread::spawn(move || {
        while let Ok(connection) = accept_with(&listener, SocketFlags::CLOEXEC) {
            let serve = serve.clone();
            std::thread::spawn(move || serve(connection));
        }
    });
}

fn service(directory: &Path) -> Service {
    Service::new(directory.join("launch.sock"), directory, "/no/relay/for/xwayland")
}

/// A display whose applications a session service starts; the connections of its sessions come out of the channel.
pub(crate) fn served(directory: &TempDir) -> (Embedded, mpsc::Receiver<OwnedFd>) {
    let runtime_dir: PathBuf = directory.path().join("run");
    std::fs::create_dir(&runtime_dir).unwrap();
    let (sessions, seen) = mpsc::channel();
    let probed = Arc::new(AtomicBool::new(false));
    listens(&directory.path().join("launch.sock"), move |connection| {
        // The first connection only asks whether there is a service, and waits for its end.
        if probed.swap(true, Ordering::Relaxed) {
            let _ = sessions.send(connection.try_clone().unwrap());
        }
        runner::serve(&connection, &runtime_dir, || ()).unwrap();
    });
    (Embedded::with(Arc::new(service(directory.path()))), seen)
}

fn open(command: &[&str]) -> Result<Screen, DisplayError> {
    let directory = tempfile::tempdir().unwrap();
    let (backend, _) = served(&directory);
    Screen::open_on(&backend, "640x480@60", command, directory)
}

#[test]
fn what_the_session_service_starts_is_shown_and_goes_with_the_display() {
    let directory = tempfile::tempdir().unwrap();
    // The shell ignores SIGTERM; only SIGKILL ends it.
    let script = "#!/bin/sh\ntrap '' TERM\nfoot --config=/dev/null sleep 1000 &\necho $$ >pid\nwait\nwait\n";
    write_script(&directory.path().join("stubborn"), script);
    let (backend, _) = served(&directory);
    let screen = Screen::open_on(&backend, "640x480@60", &["./stubborn"], directory).unwrap();
    screen.wait_for("a terminal of the session service", |pixels| share(pixels, |colour| colour != [0; 3]) > 0.5);
    let leader = std::fs::read_to_string(screen.path().join("pid")).unwrap();
    let process = PathBuf::from(format!("/proc/{}", leader.trim()));
    assert!(process.exists());
    let Screen { controls, directory: _kept, .. } = screen;
    drop(controls);
    assert!(!process.exists());
}

#[test]
fn how_an_application_of_the_session_service_ended_is_told() {
    let screen = open(&["sh", "-c", "exit 3"]).unwrap();
    assert_eq!(screen.end(), "the application exited with status 3");
    let screen = open(&["sh", "-c", "kill -9 $$"]).unwrap();
    assert_eq!(screen.end(), "the application was ended by signal 9");
}

#[test]
fn an_application_that_the_session_service_cannot_start_is_named() {
    let Err(error) = open(&["/no/such/program"]) else { panic!("there is no such program") };
    assert!(matches!(&error, DisplayError::Application { command, .. } if command == "/no/such/program"), "{error:?}");
    assert!(error.to_string().contains("No such file or directory"), "{error}");
}

#[test]
fn a_session_service_that_is_killed_ends_the_display() {
    let directory = tempfile::tempdir().unwrap();
    let (backend, sessions) = served(&directory);
    let screen = Screen::open_on(&backend, "640x480@60", &["sleep", "1000"], directory).unwrap();
    let connection = sessions.recv().unwrap();
    shutdown(&connection, Shutdown::Both).unwrap();
    drop(connection);
    assert_eq!(screen.end(), "the session service ended the application");
}

#[test]
fn without_a_session_service_the_unit_to_start_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let error = service(directory.path()).probe().unwrap_err().to_string();
    assert!(error.contains("systemctl start punktfunk-session.socket"), "{error}");
    assert!(error.contains("launch.sock (No such file or directory"), "{error}");
}

#[test]
fn a_session_service_that_talks_nonsense_is_refused() {
    for said in [&b"r"[..], b"d\0\0\0\0", &[0xff; 4_096]] {
        let directory = tempfile::tempdir().unwrap();
        let (done, wait) = mpsc::channel::<()>();
        listens(&directory.path().join("launch.sock"), move |connection| {
            send(&connection, said, rustix::net::SendFlags::empty()).unwrap();
            drop(done.clone());
        });
        let error = service(directory.path()).probe().unwrap_err();
        assert!(matches!(error, DisplayError::Missing { .. }), "{error:?}");
        assert!(wait.try_recv().is_err());
    }
}

#[test]
fn nonsense_instead_of_an_end_ends_the_display() {
    let directory = tempfile::tempdir().unwrap();
    let (backend, sessions) = served(&directory);
    let screen = Screen::open_on(&backend, "640x480@60", &["sleep", "1000"], directory).unwrap();
    let connection = sessions.recv().unwrap();
    send(&connection, &[0xff; 4_096], rustix::net::SendFlags::empty()).unwrap();
    drop(connection);
    assert!(screen.end().starts_with("the session service failed"));
}
