//! Dialogs, popups and windows that do not keep to the size they were given.

use wayland_protocols::xdg::shell::client::xdg_positioner::{Anchor, ConstraintAdjustment, Gravity};

use crate::{
    client::Client,
    screen::{Screen, near, pixel},
};

const GREEN: [u8; 3] = [0, 192, 96];
const RED: [u8; 3] = [192, 0, 0];
const BLACK: [u8; 3] = [0; 3];

/// A display with nothing on it, and a client that shows a full-screen window in green.
fn green() -> (Screen, Client, crate::client::Window) {
    let screen = Screen::open("640x480@60", &["sleep", "1000"]);
    let mut client = Client::connect(&screen.path());
    let window = client.window(None);
    assert_eq!(client.state.sizes, [(640, 480)]);
    client.show(&window.surface, (640, 480), GREEN);
    screen.wait_for("a green window", |pixels| near(pixel(pixels, 320, 240), GREEN));
    (screen, client, window)
}

#[test]
fn a_dialog_keeps_its_size_and_stands_in_the_middle_of_its_parent() {
    let (screen, mut client, window) = green();
    let dialog = client.window(Some(&window));
    assert_eq!(client.state.sizes.last(), Some(&(0, 0)));
    client.show(&dialog.surface, (200, 100), RED);
    screen.wait_for("a dialog", |pixels| {
        let red = [(220, 190), (419, 190), (220, 289), (419, 289)];
        let green = [(219, 190), (420, 190), (220, 189), (220, 290)];
        red.iter().all(|&(x, y)| near(pixel(pixels, x, y), RED))
            && green.iter().all(|&(x, y)| near(pixel(pixels, x, y), GREEN))
    });
    dialog.toplevel.destroy();
    dialog.xdg.destroy();
    dialog.surface.destroy();
    assert!(client.roundtrip());
    screen.wait_for("no dialog", |pixels| near(pixel(pixels, 320, 240), GREEN));
}

#[test]
fn a_popup_stays_on_the_display() {
    let (screen, mut client, window) = green();
    let handle = client.handle();
    let positioner = client.shell.create_positioner(&handle, ());
    positioner.set_size(100, 100);
    positioner.set_anchor_rect(600, 400, 20, 20);
    positioner.set_anchor(Anchor::BottomRight);
    positioner.set_gravity(Gravity::BottomRight);
    positioner.set_constraint_adjustment(ConstraintAdjustment::SlideX | ConstraintAdjustment::SlideY);
    let surface = client.compositor.create_surface(&handle, ());
    let xdg = client.shell.get_xdg_surface(&surface, &handle, ());
    let popup = xdg.get_popup(Some(&window.xdg), &positioner, &handle, ());
    surface.commit();
    client.await_configure();
    assert_eq!(client.state.popups, [(540, 380, 100, 100)]);
    client.show(&surface, (100, 100), RED);
    screen.wait_for("a popup in the corner", |pixels| {
        near(pixel(pixels, 540, 380), RED) && near(pixel(pixels, 639, 479), RED) && near(pixel(pixels, 539, 380), GREEN)
    });
    popup.destroy();
    xdg.destroy();
    surface.destroy();
    assert!(client.roundtrip());
    screen.wait_for("no popup", |pixels| near(pixel(pixels, 639, 479), GREEN));
}

#[test]
fn a_window_of_a_wrong_size_is_shown_in_the_middle_or_cut_off() {
    let (screen, mut client, window) = green();
    client.show(&window.surface, (200, 100), GREEN);
    screen.wait_for("a small window", |pixels| {
        near(pixel(pixels, 220, 190), GREEN) && near(pixel(pixels, 219, 190), BLACK) && near(pixel(pixels, 0, 0), BLACK)
    });
    client.show(&window.surface, (1000, 1000), RED);
    screen
        .wait_for("a large window", |pixels| [(0, 0), (639, 479)].iter().all(|&(x, y)| near(pixel(pixels, x, y), RED)));
}

#[test]
fn a_frame_holds_what_changed_whichever_slot_it_is_painted_in() {
    let (screen, mut client, window) = green();
    let handle = client.handle();
    // A square wanders over the window; each frame must show it once, and green where it was before.
    let square = client.compositor.create_surface(&handle, ());
    let subsurface = client.subcompositor.get_subsurface(&square, &window.surface, &handle, ());
    client.show(&square, (20, 20), RED);
    let mut slots = std::collections::HashSet::new();
    // A frame that is kept makes the next one go to another slot.
    let mut kept = None;
    for step in 0..30_i32 {
        subsurface.set_position(step * 20, 100);
        window.surface.commit();
        assert!(client.roundtrip());
        let at = u32::try_from(step * 20).unwrap();
        let frame = screen.frame_of("a wandering square", |pixels| {
            let shown: Vec<u32> = (0..640).step_by(20).filter(|&x| near(pixel(pixels, x + 5, 105), RED)).collect();
            shown == [at] && near(pixel(pixels, 630, 470), GREEN)
        });
        slots.insert(frame.pixels().bytes.as_ptr());
        kept = (step % 3 != 0).then_some(frame);
    }
    drop(kept);
    assert!(slots.len() > 1, "every frame went to the same slot");
}
