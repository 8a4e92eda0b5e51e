//! gamescope's pictures.

use std::{sync::Arc, time::Duration};

use punktfunk_proto::units::Mode;
use punktfunk_video::{
    display::{
        Backend as _,
        launch::{Service, runner},
    },
    frame::{Pixels, Received},
};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, listen, socket_with};

use crate::stand_in::{COLOUR, PATIENCE, Screen, StandIn};

/// Red, green and blue of the first and the last pixel.
fn corners(pixels: &Pixels) -> [[u8; 3]; 2] {
    let last = (pixels.height as usize - 1) * pixels.stride + (pixels.width as usize - 1) * 4;
    [0, last].map(|at| [pixels.bytes[at + 2], pixels.bytes[at + 1], pixels.bytes[at]])
}

fn shows_the_test_picture(screen: &Screen, mode: &str) {
    let wanted: Mode = mode.parse().unwrap();
    let mut last = None;
    for _ in 0..20 {
        let frame = screen.frame();
        let pixels = frame.pixels();
        assert_eq!((frame.info().mode, pixels.width, pixels.height), (wanted, wanted.width(), wanted.height()));
        assert_eq!(corners(pixels), [COLOUR; 2]);
        assert!(last < Some(frame.info().number), "pictures are counted");
        last = Some(frame.info().number);
    }
}

#[test]
fn pictures_of_exactly_the_mode_arrive_in_their_colours() {
    for mode in ["1280x720@60", "1356x614@144"] {
        let screen = StandIn::new().open(mode, "exec sleep 1000").unwrap();
        shows_the_test_picture(&screen, mode);
    }
}

#[test]
fn gamescope_is_started_headless_at_the_mode_with_the_owners_options() {
    let screen = StandIn::new().open("1280x720@60", "exec sleep 1000").unwrap();
    let arguments = std::fs::read_to_string(screen.stand_in.path().join("arguments")).unwrap();
    assert!(arguments.starts_with("--backend headless -W 1280 -H 720 -r 60 -R "), "{arguments}");
    assert!(arguments.contains("/gamescope-says --steam -- "), "{arguments}");
}

#[test]
fn pictures_of_the_session_service_arrive_too() {
    let stand_in = StandIn::new();
    let (socket, runtime_dir) = (stand_in.path().join("launch.sock"), stand_in.base());
    let listener = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    bind(&listener, &SocketAddrUnix::new(&socket).unwrap()).unwrap();
    listen(&listener, 8).unwrap();
    let directory = runtime_dir.clone();
    std::thread::spawn(move || {
        // Each session has a runtime directory of its own.
        for session in 0.. {
            let Ok(connection) = accept_with(&listener, SocketFlags::CLOEXEC) else { return };
            let directory = directory.join(session.to_string());
            std::fs::create_dir(&directory).unwrap();
            std::thread::spawn(move || runner::serve(&connection, &directory, || ()).unwrap());
        }
    });
    let service = Service::new(socket, stand_in.base(), "/no/relay");
    let backend = stand_in.backend_on(Arc::new(service), std::env::var_os("PATH").unwrap_or_default());
    backend.probe().unwrap();
    let screen = stand_in.open_on(&backend, "640x480@60", &["sleep", "1000"]).unwrap();
    shows_the_test_picture(&screen, "640x480@60");
}

#[test]
fn a_picture_that_does_not_change_is_shown_again_when_it_is_asked_for() {
    // One picture in three seconds.
    let screen = StandIn::new().with("RATE", "1/3").open("640x480@60", "exec sleep 1000").unwrap();
    let first = screen.frame().info();
    for number in 1..4 {
        screen.output.controls.repaint();
        let again = screen.frame();
        assert_eq!(corners(again.pixels()), [COLOUR; 2]);
        assert_eq!(again.info().number, first.number + number);
        assert!(again.info().captured_at > first.captured_at);
    }
}

#[test]
fn a_display_keeps_the_mode_that_it_was_opened_with() {
    let screen = StandIn::new().open("640x480@60", "exec sleep 1000").unwrap();
    assert!(!screen.stand_in.backend().changes_mode());
    screen.output.controls.set_mode("800x600@30".parse().unwrap());
    shows_the_test_picture(&screen, "640x480@60");
}

#[test]
fn of_pictures_that_the_encoder_does_not_take_the_newest_waits_and_the_rest_are_counted() {
    let screen = StandIn::new().with("RATE", "100/1").open("640x480@60", "exec sleep 1000").unwrap();
    screen.frame();
    let before = screen.output.frames.counts();
    // The encoder has other things to do until many have come.
    let deadline = std::time::Instant::now() + PATIENCE;
    while screen.output.frames.counts().painted < before.painted + 30 {
        assert!(std::time::Instant::now() < deadline);
        std::thread::yield_now();
    }
    let counts = screen.output.frames.counts();
    let Received::Frame(newest) = screen.output.frames.recv(Duration::ZERO) else { panic!("one waits") };
    assert!(newest.info().number >= counts.painted - 1);
    assert!(counts.dropped >= before.dropped + 29, "{counts:?}");
}
