//! X11 applications, through the Xwayland that is installed.

use punktfunk_proto::input::SeatEvent;

use crate::screen::{Screen, near, pixel, share};

const WHITE: [u8; 3] = [255; 3];

#[test]
fn an_x11_program_fills_the_display() {
    let screen = Screen::open("640x480@60", &["xlogo", "-bg", "#00c060", "-fg", "#ffffff"]);
    screen.wait_for("xlogo", |pixels| {
        share(pixels, |colour| near(colour, [0, 0xc0, 0x60])) > 0.3 && share(pixels, |colour| near(colour, WHITE)) > 0.1
    });
}

#[test]
fn an_x11_program_follows_the_pointer_and_a_new_mode() {
    // xeyes is a shaped window: two white eyes and nothing around them.
    let screen = Screen::open("640x480@60", &["xeyes"]);
    let white = |pixels: &_| share(pixels, |colour| near(colour, WHITE));
    screen.wait_for("xeyes", |pixels| white(pixels) > 0.3);
    screen.controls.set_mode("1280x720@60".parse().unwrap());
    screen.wait_for("xeyes in a new mode", |pixels| pixels.width == 1280 && white(pixels) > 0.3);
    // The right pupil goes under the pointer. Xwayland tells no movement of an entering pointer, so it enters first.
    screen.input(SeatEvent::PointerTo { x: 0.8, y: 0.5 });
    for (x, y) in [(900, 300), (1050, 420)] {
        screen.input(SeatEvent::PointerTo { x: f64::from(x) / 1280.0, y: f64::from(y) / 720.0 });
        screen.wait_for(&format!("xeyes looking at {x} {y}"), |pixels| {
            [(x - 15, y), (x + 20, y)].iter().all(|&(x, y)| near(pixel(pixels, x, y), [0; 3]))
        });
    }
}

#[test]
fn an_x11_program_takes_keys_and_another_follows_it() {
    // For a while no X11 program runs: Xwayland must outlast that.
    let script =
        "#!/bin/sh\nxmessage -bg '#00c060' -default okay hello; sleep 0.3; exec xlogo -bg '#0000c0' -fg '#0000c0'\n";
    let screen = Screen::open_with("640x480@60", &["./ask"], &[("ask", script)]).unwrap();
    screen.wait_for("xmessage", |pixels| share(pixels, |colour| near(colour, [0, 0xc0, 0x60])) > 0.01);
    screen.type_text("\n");
    screen.wait_for("xlogo after xmessage", |pixels| share(pixels, |colour| near(colour, [0, 0, 0xc0])) > 0.9);
}
