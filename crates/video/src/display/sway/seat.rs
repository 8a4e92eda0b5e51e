//! The virtual pointer and keyboards through which input reaches sway.

use std::{os::fd::AsFd as _, time::Instant};

use punktfunk_proto::input::SeatEvent;
use wayland_client::protocol::{
    wl_keyboard::KeymapFormat,
    wl_pointer::{Axis, AxisSource, ButtonState},
};
use wayland_protocols_misc::zwp_virtual_keyboard_v1::client::zwp_virtual_keyboard_v1::ZwpVirtualKeyboardV1;
use wayland_protocols_wlr::virtual_pointer::v1::client::zwlr_virtual_pointer_v1::ZwlrVirtualPointerV1;
use xkbcommon::xkb;

use super::keymap::{self, TEXT_KEY, XKB_OFFSET};
use crate::display::DisplayError;

/// The devices of one session. Lives on the display's thread.
pub(super) struct Seat {
    pointer: ZwlrVirtualPointerV1,
    keyboard: ZwpVirtualKeyboardV1,
    /// A keyboard for text that no key carries; its keymap changes with every character.
    text: ZwpVirtualKeyboardV1,
    /// A virtual keyboard has to tell its modifiers itself: this follows them.
    state: xkb::State,
    started: Instant,
    vertical: Wheel,
    horizontal: Wheel,
}

impl Seat {
    /// Puts a US layout on the keyboard.
    pub(super) fn new(
        pointer: ZwlrVirtualPointerV1,
        keyboard: ZwpVirtualKeyboardV1,
        text: ZwpVirtualKeyboardV1,
    ) -> Result<Self, DisplayError> {
        let us = keymap::us_keymap()?;
        set_keymap(&keyboard, &us.get_as_string(xkb::KEYMAP_FORMAT_TEXT_V1))
            .map_err(|error| DisplayError::Failed(format!("no memory for a keymap: {error}")))?;
        let (vertical, horizontal) = (Wheel::default(), Wheel::default());
        let state = xkb::State::new(&us);
        Ok(Self { pointer, keyboard, text, state, started: Instant::now(), vertical, horizontal })
    }

    /// Passes one event on; it is sent with the next flush.
    pub(super) fn apply(&mut self, event: SeatEvent) {
        match event {
            SeatEvent::Key { code, pressed } => self.key(code, pressed),
            SeatEvent::PointerBy { dx, dy } => {
                self.pointer.motion(self.time(), pixels(dx), pixels(dy));
                self.pointer.frame();
            }
            SeatEvent::PointerTo { x, y } => {
                self.pointer.motion_absolute(self.time(), place(x), place(y), EXTENT, EXTENT);
                self.pointer.frame();
            }
            SeatEvent::Button { code, pressed } => {
                let state = if pressed { ButtonState::Pressed } else { ButtonState::Released };
                self.pointer.button(self.time(), code, state);
                self.pointer.frame();
            }
            SeatEvent::Scroll { vertical, horizontal } => {
                let (down, right) = (self.vertical.turn(vertical), self.horizontal.turn(horizontal));
                self.scroll(Axis::VerticalScroll, down);
                self.scroll(Axis::HorizontalScroll, right);
            }
            SeatEvent::Text(character) => self.type_character(character),
        }
    }

    fn key(&mut self, code: u32, pressed: bool) {
        if code > LAST_CODE {
            return;
        }
        let direction = if pressed { xkb::KeyDirection::Down } else { xkb::KeyDirection::Up };
        self.keyboard.key(self.time(), code, pressed.into());
        if self.state.update_key(xkb::Keycode::new(code + XKB_OFFSET), direction) != 0 {
            let of = |component| self.state.serialize_mods(component);
            let group = self.state.serialize_layout(xkb::STATE_LAYOUT_EFFECTIVE);
            let (depressed, latched) = (of(xkb::STATE_MODS_DEPRESSED), of(xkb::STATE_MODS_LATCHED));
            self.keyboard.modifiers(depressed, latched, of(xkb::STATE_MODS_LOCKED), group);
        }
    }

    fn scroll(&self, axis: Axis, notches: i32) {
        if notches != 0 {
            self.pointer.axis_source(AxisSource::Wheel);
            self.pointer.axis_discrete(self.time(), axis, f64::from(notches) * NOTCH, notches);
            self.pointer.frame();
        }
    }

    fn type_character(&self, character: char) {
        let Some(keymap) = keymap::text_keymap(character) else { return };
        if let Err(error) = set_keymap(&self.text, &keymap) {
            return tracing::warn!(%error, "a character was not typed");
        }
        self.text.key(self.time(), TEXT_KEY, 1);
        self.text.key(self.time(), TEXT_KEY, 0);
    }

    /// Milliseconds on a clock of our own, as Wayland's input events carry them.
    fn time(&self) -> u32 {
        self.started.elapsed().as_millis() as u32
    }
}

fn set_keymap(keyboard: &ZwpVirtualKeyboardV1, keymap: &str) -> std::io::Result<()> {
    let (file, len) = keymap::in_file(keymap)?;
    keyboard.keymap(KeymapFormat::XkbV1 as u32, file.as_fd(), len);
    Ok(())
}

/// The highest key code the kernel knows (`KEY_MAX`).
const LAST_CODE: u32 = 0x2ff;

/// How finely the display is divided for absolute motion, in both directions.
const EXTENT: u32 = 1 << 20;

/// How far a notch of the wheel scrolls, in the pixels that clients without notches read.
const NOTCH: f64 = 15.0;

fn place(fraction: f64) -> u32 {
    // The last place still on the display; a cast of NaN is zero.
    (fraction.clamp(0.0, 1.0) * f64::from(EXTENT - 1)) as u32
}

fn pixels(distance: f64) -> f64 {
    // Wayland's fixed-point numbers carry 23 bits before the point.
    if distance.is_nan() { 0.0 } else { distance.clamp(-1e6, 1e6) }
}

/// Collects parts of a notch: wheels through virtual pointers turn in whole ones.
#[derive(Debug, Default)]
struct Wheel {
    rest: i64,
}

impl Wheel {
    /// Turns it by 1/120 notches; returns the whole ones.
    fn turn(&mut self, by: i32) -> i32 {
        self.rest += i64::from(by);
        let notches = self.rest / 120;
        self.rest %= 120;
        notches as i32
    }
}

#[cfg(test)]
mod tests {
    use super::{EXTENT, Wheel, pixels, place};

    #[test]
    fn parts_of_a_notch_add_up() {
        let mut wheel = Wheel::default();
        assert_eq!([60, 60, 30, -30, -240, 119, 1].map(|by| wheel.turn(by)), [0, 1, 0, 0, -2, 0, 1]);
        wheel.turn(i32::MAX);
        wheel.turn(i32::MIN);
    }

    #[test]
    fn places_stay_on_the_display() {
        assert_eq!([0.0, 1.0, -5.0, 7.0, f64::NAN].map(place), [0, EXTENT - 1, 0, EXTENT - 1, 0]);
        assert_eq!([f64::INFINITY, f64::NAN].map(pixels), [1e6, 0.0]);
    }
}
