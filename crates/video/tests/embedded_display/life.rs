//! Start and end: what is told, what is left behind.

use std::time::{Duration, Instant};

use punktfunk_video::display::DisplayError;

use crate::screen::{PATIENCE, Screen, share};

#[test]
fn an_application_that_does_not_exist_is_named() {
    let Err(error) = Screen::open_with("640x480@60", &["/no/such/program"], &[]) else {
        panic!("there is no such program")
    };
    assert!(matches!(&error, DisplayError::Application { command, .. } if command == "/no/such/program"), "{error:?}");
    assert!(error.to_string().contains("session.command"), "{error}");
}

#[test]
fn an_application_that_exits_is_told_with_its_status() {
    let screen = Screen::open("640x480@60", &["sh", "-c", "exit 3"]);
    assert_eq!(screen.end(), "the application exited with status 3");
}

#[test]
fn an_application_that_is_killed_is_told_with_the_signal() {
    let screen = Screen::open("640x480@60", &["sh", "-c", "kill -9 $$"]);
    assert_eq!(screen.end(), "the application was ended by signal 9");
}

#[test]
fn closing_the_display_leaves_no_process_and_no_file() {
    // The shell and its child ignore SIGTERM; only SIGKILL ends them.
    let script =
        "#!/bin/sh\ntrap '' TERM\nsleep 1000 & foot --config=/dev/null sleep 1000 &\necho $$ >pid\nwait\nwait\n";
    let screen = Screen::open_with("640x480@60", &["./stubborn"], &[("stubborn", script)]).unwrap();
    screen.wait_for("a terminal to be left", |pixels| share(pixels, |colour| colour != [0; 3]) > 0.5);
    let group: i32 = std::fs::read_to_string(screen.path().join("pid")).unwrap().trim().parse().unwrap();
    assert!(group_size(group) >= 3);
    assert!(children() > 0, "Xwayland is a child as well");

    let before = Instant::now();
    let directory = screen.path();
    let Screen { controls, directory: _kept, .. } = screen;
    drop(controls);
    assert!(before.elapsed() < Duration::from_secs(3));
    assert_eq!(group_size(group), 0);
    let left: Vec<_> = std::fs::read_dir(&directory).unwrap().collect();
    assert!(left.iter().all(|entry| !entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("punktfunk")));
    while children() > 0 {
        assert!(before.elapsed() < PATIENCE, "Xwayland is still there");
        std::thread::yield_now();
    }
}

#[test]
fn displays_that_came_and_went_leave_no_thread_and_no_descriptor() {
    let open_and_close = || {
        let screen = Screen::open("640x480@60", &["xlogo"]);
        screen.wait_for("xlogo to be closed", |pixels| share(pixels, |colour| colour != [0; 3]) > 0.5);
    };
    open_and_close();
    let entries = |what: &str| std::fs::read_dir(format!("/proc/self/{what}")).unwrap().count();
    let count = || (entries("fd"), entries("task"));
    let before = count();
    (0..3).for_each(|_| open_and_close());
    let deadline = Instant::now() + PATIENCE;
    // The thread that waits for Xwayland's end is smithay's own and may take a moment.
    while count() > before {
        assert!(Instant::now() < deadline, "{before:?} became {:?}", count());
        std::thread::yield_now();
    }
}

/// How many living processes are in a process group.
fn group_size(group: i32) -> usize {
    processes().filter(|process| process.group == group).count()
}

/// How many living children this process has.
fn children() -> usize {
    let this = i32::try_from(std::process::id()).unwrap();
    processes().filter(|process| process.parent == this).count()
}

struct Process {
    parent: i32,
    group: i32,
}

fn processes() -> impl Iterator<Item = Process> {
    std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let stat = std::fs::read_to_string(entry.ok()?.path().join("stat")).ok()?;
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let state = fields.next()?;
        let process = Process { parent: fields.next()?.parse().ok()?, group: fields.next()?.parse().ok()? };
        (state != "Z").then_some(process)
    })
}
