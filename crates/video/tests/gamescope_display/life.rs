//! How displays begin and end.

use std::{
    fs,
    time::{Duration, Instant},
};

use punktfunk_video::display::DisplayError;

use crate::stand_in::{PATIENCE, StandIn, processes_of};

fn refusal(stand_in: StandIn, script: &str) -> String {
    let base = stand_in.base();
    let Err(error) = stand_in.open("640x480@60", script) else { panic!("a display came up") };
    assert_eq!(processes_of(&base), [""; 0], "nothing is left behind");
    error.to_string()
}

#[test]
fn the_applications_end_ends_the_display_with_its_reason() {
    for (end, reason) in
        [("exit 3", "the application exited with status 3"), ("kill -9 $$", "the application was ended by signal 9")]
    {
        let script = format!("while [ ! -e go ]; do sleep 0.02; done; {end}");
        let screen = StandIn::new().open("640x480@60", &script).unwrap();
        fs::write(screen.stand_in.path().join("go"), "").unwrap();
        assert_eq!(screen.end(), reason);
    }
}

#[test]
fn an_application_that_does_not_start_is_named() {
    let stand_in = StandIn::new();
    let backend = stand_in.backend();
    let Err(error) = stand_in.open_on(&backend, "640x480@60", &["/no/such/game"]) else { panic!("there is none") };
    assert!(matches!(&error, DisplayError::Application { command, .. } if command == "/no/such/game"), "{error:?}");
    assert!(error.to_string().contains("No such file or directory"), "{error}");
}

#[test]
fn a_gamescope_that_is_not_ready_in_time_is_named() {
    let stand_in = StandIn::new().with("FAULT", "mute").patience(Duration::from_secs(2));
    assert_eq!(
        refusal(stand_in, "exec sleep 1000"),
        "the display failed: gamescope is not up after 2 seconds; see the log of the session"
    );
}

#[test]
fn a_gamescope_that_dies_is_named_with_how_it_died() {
    let said = refusal(StandIn::new().with("FAULT", "dies"), "exec sleep 1000");
    assert!(said.contains("gamescope exited with status 7 while starting"), "{said}");
    let screen = StandIn::new().open("640x480@60", "exec sleep 1000").unwrap();
    let pid = fs::read_to_string(screen.stand_in.path().join("pid")).unwrap().trim().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    assert_eq!(screen.end(), "gamescope was ended by signal 9");
}

#[test]
fn a_gamescope_without_input_or_pictures_or_with_others_is_named() {
    for (fault, said) in [
        ("no-input", "gamescope takes no input"),
        ("no-picture", "gamescope offers no pictures"),
        ("wide", "another size or format"),
    ] {
        let told = refusal(StandIn::new().with("FAULT", fault), "exec sleep 1000");
        assert!(told.contains(said), "{fault}: {told}");
    }
}

#[test]
fn nothing_is_left_behind_by_a_display_that_is_closed() {
    let screen = StandIn::new().open("640x480@60", "sleep 1000 & trap '' TERM; wait; wait").unwrap();
    let base = screen.stand_in.base();
    assert!(processes_of(&base).len() >= 5, "{:?}", processes_of(&base));
    drop(screen.output);
    let deadline = Instant::now() + PATIENCE;
    // What gamescope started in the background is killed with it, but reaped by another.
    while !processes_of(&base).is_empty() {
        assert!(Instant::now() < deadline, "{:?}", processes_of(&base));
        std::thread::yield_now();
    }
    assert_eq!(base.read_dir().unwrap().count(), 0);
}
