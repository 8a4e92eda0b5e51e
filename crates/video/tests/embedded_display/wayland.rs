//! Wayland applications: what they show, what they are told, how often they are painted.

use std::time::Duration;

use punktfunk_proto::input::SeatEvent;

use crate::screen::{Screen, near, pixel, share};

const GREEN: [u8; 3] = [0, 0xc0, 0x60];
/// Sets the terminal's background by an escape sequence.
const PAINT_GREEN: (&str, &str) = ("go", "#!/bin/sh\nprintf '\\033]11;#00c060\\007'\n");

fn terminal(mode: &str, files: &[(&str, &str)]) -> Screen {
    let screen = Screen::open_with(mode, &["foot", "--config=/dev/null", "sh"], files).unwrap();
    screen
        .wait_for("a terminal with a prompt", |pixels| share(pixels, |colour| near(colour, [0xdc, 0xdc, 0xcc])) > 1e-5);
    screen
}

#[test]
fn typed_keys_run_a_command_in_a_terminal() {
    let screen = terminal("640x480@60", &[PAINT_GREEN]);
    screen.type_text("./go\n");
    screen.wait_for("a terminal turned green", |pixels| share(pixels, |colour| near(colour, GREEN)) > 0.8);
}

#[test]
fn text_without_keys_is_typed() {
    let screen = terminal("640x480@60", &[("täglich🦀", PAINT_GREEN.1)]);
    screen.type_text("./");
    for character in "täglich🦀".chars() {
        screen.input(SeatEvent::Text(character));
    }
    screen.type_text("\n");
    screen.wait_for("a terminal turned green by text", |pixels| share(pixels, |colour| near(colour, GREEN)) > 0.8);
}

#[test]
fn an_application_that_draws_all_the_time_is_painted_at_the_refresh_rate() {
    for (mode, hz) in [("1280x720@60", 60.0), ("1280x720@120", 120.0), ("1920x1080@30", 30.0)] {
        let screen = Screen::open(mode, &["weston-simple-shm"]);
        screen.wait_for("weston-simple-shm", |pixels| share(pixels, |colour| colour != [0; 3]) > 0.02);
        let time = Duration::from_secs(2);
        let frames = screen.watch(time);
        let rate = frames.len() as f64 / time.as_secs_f64();
        let mut ages: Vec<_> = frames.iter().map(|(_, age)| *age).collect();
        ages.sort_unstable();
        println!("{mode}: {rate} frames/s, from capture to encoder p50 {:?}", ages[ages.len() / 2]);
        assert!(rate <= hz * 1.05, "{rate} frames/s");
        assert!(rate >= hz * 0.6, "{rate} frames/s");
        assert!(frames.windows(2).all(|pair| pair[0].0.captured_at < pair[1].0.captured_at));
        assert!(ages[ages.len() / 2] < Duration::from_secs_f64(0.5 / hz), "frames are painted in half their time");
    }
}

#[test]
fn an_application_that_rests_is_not_painted_and_repaint_paints_it_once() {
    let screen = Screen::open("640x480@60", &["foot", "--config=/dev/null", "sleep", "60"]);
    screen.wait_for("a terminal at rest", |pixels| share(pixels, |colour| colour != [0; 3]) > 0.5);
    screen.settle(Duration::from_millis(700));
    screen.controls.repaint();
    assert_eq!(screen.watch(Duration::from_millis(500)).len(), 1);
}

#[test]
fn a_new_mode_reaches_the_application_and_its_frames() {
    let screen = terminal("640x480@60", &[PAINT_GREEN]);
    screen.type_text("./go\n");
    screen.wait_for("green before", |pixels| share(pixels, |colour| near(colour, GREEN)) > 0.8);
    for mode in ["1280x720@30", "320x240@60"] {
        let mode = mode.parse().unwrap();
        screen.controls.set_mode(mode);
        let info = screen.wait_for(&format!("green at {mode}"), |pixels| {
            (pixels.width, pixels.height) == (mode.width(), mode.height())
                && share(pixels, |colour| near(colour, GREEN)) > 0.8
        });
        assert_eq!(info.mode, mode);
    }
}

#[test]
fn the_pointer_is_shown_when_it_is_moved_and_where_it_is_moved() {
    let screen = Screen::open("640x480@60", &["foot", "--config=/dev/null", "sleep", "60"]);
    screen.wait_for("a terminal without a pointer", |pixels| share(pixels, |colour| colour != [0; 3]) > 0.5);
    screen.settle(Duration::from_millis(300));
    screen.input(SeatEvent::PointerTo { x: 0.5, y: 0.5 });
    let mut before = None;
    screen.wait_for("a pointer in the middle", |pixels| {
        let spot = differing(pixels);
        before = spot;
        spot.is_some_and(|(x, y)| x.abs_diff(320) < 24 && y.abs_diff(240) < 24)
    });
    screen.input(SeatEvent::PointerBy { dx: 100.0, dy: -50.0 });
    screen.wait_for("a pointer further to the right", |pixels| {
        differing(pixels).is_some_and(|(x, y)| x.abs_diff(420) < 24 && y.abs_diff(190) < 24)
    });
}

/// The first place in the lower three quarters whose colour is not that of the bottom right corner: the empty part
/// of a terminal, so the pointer.
fn differing(pixels: &punktfunk_video::frame::Pixels) -> Option<(u32, u32)> {
    let background = pixel(pixels, pixels.width - 1, pixels.height - 1);
    (pixels.height / 4..pixels.height)
        .flat_map(|y| (0..pixels.width).map(move |x| (x, y)))
        .find(|&(x, y)| !near(pixel(pixels, x, y), background))
}

#[test]
fn a_click_reaches_the_application_where_the_pointer_is() {
    // clickdot draws a cross where the button went down; it starts at (250, 200) of its window.
    let screen = Screen::open("640x480@60", &["weston-clickdot"]);
    let cyan = |pixels: &_, x, y| {
        let [red, green, blue] = pixel(pixels, x, y);
        red < 100 && green > 100 && blue > 100
    };
    screen.wait_for("clickdot", |pixels| cyan(pixels, 250, 200));
    screen.input(SeatEvent::PointerTo { x: 0.5, y: 0.5 });
    screen.click();
    screen.input(SeatEvent::PointerTo { x: 0.9, y: 0.9 });
    screen.wait_for("a clicked dot", |pixels| cyan(pixels, 320, 240) && !cyan(pixels, 250, 200));
}

#[test]
fn subsurfaces_are_painted() {
    let screen = Screen::open("800x600@60", &["weston-subsurfaces", "-r1", "-t0"]);
    screen.wait_for("subsurfaces", |pixels| share(pixels, |colour| colour != [0; 3]) > 0.2);
}
