//! A program in the session that lies to the host: it ends its own display and nothing else.

use std::{
    io::{IoSlice, Read as _, Write as _},
    mem::MaybeUninit,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::net::UnixStream,
    },
    time::{Duration, Instant},
};

use punktfunk_video::frame::Received;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use crate::stand_in::{PATIENCE, Screen, StandIn};

/// A message as the host expects it: a letter and two numbers.
fn message(letter: u8, one: u64, two: u64) -> Vec<u8> {
    [&[letter][..], &one.to_le_bytes(), &two.to_le_bytes()].concat()
}

fn picture(place: u64) -> Vec<u8> {
    message(b'f', place, 0)
}

/// What stands in the place of the honest program. It comes up as that does, and then lies.
pub(crate) fn screen(lie: &str) {
    // Packets keep their borders whatever the socket is called.
    let mut host = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    host.write_all(&message(b'p', 0, 0)).unwrap();
    host.write_all(&message(b'r', 0, 0)).unwrap();
    match lie {
        "place" => host.write_all(&picture(7)).unwrap(),
        "twice" => (0..2).for_each(|_| host.write_all(&picture(0)).unwrap()),
        "short" => host.write_all(b"f").unwrap(),
        "long" => host.write_all(&[b'f'; 60_000]).unwrap(),
        "turn" => host.write_all(&message(b'p', 0, 0)).unwrap(),
        "time" => {
            host.write_all(&message(b'f', 0, 0)).unwrap();
            host.write_all(&message(b'f', 1, u64::MAX)).unwrap();
        }
        "files" => send_files(&host),
        "flood" => while host.write_all(&picture(0)).is_ok() {},
        "eager" => eager(&mut host),
        "deaf" => {
            host.write_all(&picture(0)).unwrap();
            std::thread::sleep(Duration::from_secs(1_000));
        }
        other => panic!("there is no lie called {other}"),
    }
    // The host closes the connection when it has had enough.
    while host.read(&mut [0; 64]).is_ok_and(|len| len > 0) {}
}

/// A descriptor with a picture.
fn send_files(host: &UnixStream) {
    let null: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
    let files = [null.as_fd()];
    for place in 0..2 {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(&files)));
        sendmsg(host, &[IoSlice::new(&picture(place))], &mut ancillary, SendFlags::empty()).unwrap();
    }
}

/// Offers every place the moment it has it: no lie, only as fast as it goes.
fn eager(host: &mut UnixStream) {
    (0..3).for_each(|place| host.write_all(&picture(place)).unwrap());
    let mut said = [0; 64];
    while host.read(&mut said).is_ok_and(|len| len > 0) {
        if said[0] == b'r' && host.write_all(&picture(said[1].into())).is_err() {
            return;
        }
    }
}

fn open(lie: &str) -> Screen {
    StandIn::new().with("LIE", lie).open("640x480@60", "never started").unwrap()
}

#[test]
fn lies_end_the_display_and_nothing_else() {
    let honest = StandIn::new().open("640x480@60", "exec sleep 1000").unwrap();
    honest.frame();
    for lie in ["place", "twice", "short", "long", "turn", "flood"] {
        let said = open(lie).end();
        assert!(said.starts_with("what hands on gamescope's pictures misbehaved"), "{lie}: {said}");
    }
    honest.frame();
}

#[test]
fn times_that_cannot_be_are_put_right() {
    let screen = open("time");
    let frame = screen.frame();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let captured = Duration::from_nanos(frame.info().captured_at.nanos());
    assert!(captured.abs_diff(now) < PATIENCE, "{captured:?} {now:?}");
}

#[test]
fn descriptors_that_come_with_a_message_are_not_taken() {
    let screen = open("files");
    screen.frame();
    let nulls = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let nulls = nulls.filter(|file| std::fs::read_link(file.path()).is_ok_and(|path| path.ends_with("dev/null")));
    // Standard input may be one.
    assert!(nulls.count() <= 3);
}

#[test]
fn pictures_that_come_as_fast_as_they_can_are_read_at_most_twice_a_refresh() {
    let screen = open("eager");
    screen.frame();
    let (before, began) = (screen.output.frames.counts(), Instant::now());
    while began.elapsed() < Duration::from_secs(1) {
        assert!(!matches!(screen.output.frames.recv(Duration::from_millis(50)), Received::Ended(_)));
    }
    let (after, time) = (screen.output.frames.counts(), began.elapsed().as_secs_f64());
    let read = (after.painted - before.painted) - (after.dropped - before.dropped);
    assert!(read as f64 <= time * 120.0 + 2.0, "{read} in {time} seconds");
    assert!(after.dropped > before.dropped);
}

#[test]
fn a_session_that_does_not_listen_can_still_be_closed() {
    use punktfunk_proto::input::SeatEvent;
    let screen = open("deaf");
    screen.frame();
    for _ in 0..6_000 {
        screen.output.controls.input(SeatEvent::PointerBy { dx: 1.0, dy: 0.0 });
    }
    let began = Instant::now();
    drop(screen);
    assert!(began.elapsed() < PATIENCE);
}
