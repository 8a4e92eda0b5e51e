//! What of ours runs beside an application.

use std::{
    ffi::OsString,
    io::{BufRead as _, BufReader, Read as _},
    os::{fd::OwnedFd, unix::net::UnixStream},
    sync::Arc,
};

use punktfunk_video::display::{Application, Backend as _, Companion, Output, embedded::Embedded};

use crate::{screen::PATIENCE, service::served};

/// Opens a display with an application that waits and a companion that says where it is; gives the host's end of it.
fn accompanied(backend: &Embedded, script: &str) -> (Output, BufReader<UnixStream>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_read_timeout(Some(PATIENCE)).unwrap();
    let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
    let application = Application {
        command: words(&["sleep", "1000"]),
        companions: vec![Companion { command: words(&["sh", "-c", script]), socket: Arc::new(OwnedFd::from(theirs)) }],
        ..Application::default()
    };
    let output = backend.open("640x480@60".parse().unwrap(), &application).unwrap();
    (output, BufReader::new(ours))
}

/// Speaks to the host once, then waits.
const TALKS: &str = "echo \"$XDG_RUNTIME_DIR $WAYLAND_DISPLAY\" >&0; exec sleep 1000";

fn speaks_and_goes_with_the_display(backend: &Embedded) {
    let (output, mut ours) = accompanied(backend, TALKS);
    let mut said = String::new();
    ours.read_line(&mut said).unwrap();
    let (runtime_dir, wayland) = said.trim().split_once(' ').unwrap();
    assert!(!runtime_dir.is_empty());
    assert_eq!(wayland, "wayland-0");
    drop(output);
    // The end of what it would still say: nobody holds its socket any more.
    assert_eq!(ours.read_to_end(&mut Vec::new()).unwrap(), 0);
}

#[test]
fn a_companion_speaks_to_the_host_and_goes_with_the_display() {
    speaks_and_goes_with_the_display(&Embedded::default());
}

#[test]
fn a_companion_of_the_session_service_speaks_to_the_host_and_goes_with_the_display() {
    let directory = tempfile::tempdir().unwrap();
    speaks_and_goes_with_the_display(&served(&directory).0);
}

#[test]
fn a_display_stays_when_its_companion_ends() {
    let (output, mut ours) = accompanied(&Embedded::default(), "exit 1");
    assert_eq!(ours.read_to_end(&mut Vec::new()).unwrap(), 0);
    output.controls.repaint();
    assert!(matches!(output.frames.recv(PATIENCE), punktfunk_video::frame::Received::Frame(_)));
}
