//! Clients that break the protocol, on purpose: it ends them and nobody else.

use std::{
    io::{Read as _, Write as _},
    os::fd::AsFd as _,
};

use wayland_client::protocol::wl_shm;

use crate::{
    client::{Client, socket},
    screen::{Screen, near, pixel},
};

const GREEN: [u8; 3] = [0, 192, 96];
const RED: [u8; 3] = [192, 0, 0];

/// Lets a client do `harm`; another one must still be able to show something afterwards.
fn survives(harm: impl FnOnce(&mut Client)) {
    let screen = Screen::open("640x480@60", &["sleep", "1000"]);
    let mut other = Client::connect(&screen.path());
    let window = other.window(None);
    let mut client = Client::connect(&screen.path());
    harm(&mut client);
    // What it said is acted on, or it is cut off.
    client.roundtrip();
    screen.controls.repaint();
    drop(client);
    other.show(&window.surface, (640, 480), GREEN);
    screen.wait_for("the other client", |pixels| near(pixel(pixels, 320, 240), GREEN));
}

#[test]
fn noise_ends_the_client_that_makes_it() {
    survives(|_| ());
    let screen = Screen::open("640x480@60", &["sleep", "1000"]);
    let mut noise = socket(&screen.path());
    noise.write_all(&[0xff; 4096]).unwrap();
    let mut rest = Vec::new();
    // Cut off: the end of the stream, or a reset.
    let _ = noise.read_to_end(&mut rest);
    let mut client = Client::connect(&screen.path());
    assert!(client.roundtrip());
}

#[test]
fn a_buffer_before_the_first_configure_ends_its_client() {
    survives(|client| {
        let handle = client.handle();
        let surface = client.compositor.create_surface(&handle, ());
        client.shell.get_xdg_surface(&surface, &handle, ()).get_toplevel(&handle, ());
        surface.attach(Some(&client.buffer((64, 64), RED)), 0, 0);
        surface.commit();
        assert!(!client.roundtrip(), "the protocol calls this an error");
    });
}

#[test]
fn memory_that_a_client_takes_back_harms_only_that_client() {
    survives(|client| {
        let handle = client.handle();
        let window = client.window(None);
        let file = tempfile::tempfile().unwrap();
        file.set_len(640 * 480 * 4).unwrap();
        let pool = client.shm.create_pool(file.as_fd(), 640 * 480 * 4, &handle, ());
        let buffer = pool.create_buffer(0, 640, 480, 640 * 4, wl_shm::Format::Argb8888, &handle, ());
        file.set_len(0).unwrap();
        window.surface.attach(Some(&buffer), 0, 0);
        window.surface.damage_buffer(0, 0, 640, 480);
        window.surface.commit();
    });
}

#[test]
fn numbers_at_the_edge_are_survived() {
    for (x, y) in [(i32::MAX, i32::MIN), (i32::MIN, i32::MAX), (i32::MAX, i32::MAX), (i32::MIN, i32::MIN)] {
        survives(|client| {
            let handle = client.handle();
            let window = client.window(None);
            client.show(&window.surface, (64, 64), RED);
            let square = client.compositor.create_surface(&handle, ());
            let subsurface = client.subcompositor.get_subsurface(&square, &window.surface, &handle, ());
            client.show(&square, (64, 64), RED);
            subsurface.set_position(x, y);
            window.surface.damage(x, y, i32::MAX, i32::MAX);
            window.surface.damage_buffer(x, y, i32::MAX, i32::MAX);
            window.surface.offset(x, y);
            window.surface.commit();
        });
    }
}

#[test]
fn huge_windows_are_survived() {
    survives(|client| {
        let handle = client.handle();
        let window = client.window(None);
        window.xdg.set_window_geometry(i32::MIN, i32::MIN, i32::MAX, i32::MAX);
        client.show(&window.surface, (64, 64), RED);
        let viewport = client.viewporter.get_viewport(&window.surface, &handle, ());
        viewport.set_destination(i32::MAX, i32::MAX);
        window.surface.commit();
    });
}

#[test]
fn a_scale_at_the_edge_is_survived() {
    survives(|client| {
        let window = client.window(None);
        window.surface.set_buffer_scale(i32::MAX);
        window.surface.attach(Some(&client.buffer((64, 64), RED)), 0, 0);
        window.surface.commit();
    });
}

#[test]
fn a_popup_far_out_is_survived() {
    survives(|client| {
        let handle = client.handle();
        let window = client.window(None);
        client.show(&window.surface, (64, 64), RED);
        let positioner = client.shell.create_positioner(&handle, ());
        // Sums of these still fit, which smithay relies on where overflow is checked.
        let far = i32::MAX / 8;
        positioner.set_size(far, far);
        positioner.set_anchor_rect(far, far, far, far);
        positioner.set_offset(far, -far);
        let surface = client.compositor.create_surface(&handle, ());
        let xdg = client.shell.get_xdg_surface(&surface, &handle, ());
        xdg.get_popup(Some(&window.xdg), &positioner, &handle, ());
        surface.commit();
    });
}

#[test]
fn a_tower_of_subsurfaces_is_survived() {
    survives(|client| {
        let handle = client.handle();
        let window = client.window(None);
        let buffer = client.buffer((64, 64), RED);
        let mut below = window.surface.clone();
        for count in 0..20_000 {
            let above = client.compositor.create_surface(&handle, ());
            client.subcompositor.get_subsurface(&above, &below, &handle, ());
            above.attach(Some(&buffer), 0, 0);
            above.commit();
            below = above;
            if count % 50 == 0 && !client.roundtrip() {
                assert!(count >= 50, "a modest tower is allowed");
                return;
            }
        }
        panic!("nobody needs a tower of 20,000");
    });
}

#[test]
fn a_tower_of_popups_is_survived() {
    survives(|client| {
        let handle = client.handle();
        let window = client.window(None);
        client.show(&window.surface, (64, 64), RED);
        let positioner = client.shell.create_positioner(&handle, ());
        positioner.set_size(8, 8);
        positioner.set_anchor_rect(0, 0, 1, 1);
        let mut below = window.xdg;
        for count in 0..20_000 {
            let surface = client.compositor.create_surface(&handle, ());
            let above = client.shell.get_xdg_surface(&surface, &handle, ());
            above.get_popup(Some(&below), &positioner, &handle, ());
            surface.commit();
            below = above;
            if count % 50 == 0 && !client.roundtrip() {
                assert!(count >= 50, "a modest tower is allowed");
                return;
            }
        }
        panic!("nobody needs a tower of 20,000");
    });
}
