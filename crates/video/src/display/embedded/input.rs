//! The client's input, acted out on the seat.

use punktfunk_proto::input::SeatEvent;
use smithay::{
    backend::input::{Axis, AxisSource, ButtonState, KeyState, Keycode},
    input::{
        keyboard::FilterResult,
        pointer::{AxisFrame, ButtonEvent, MotionEvent, RelativeMotionEvent},
    },
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point},
};

use super::{compositor::Compositor, keymap, seat::Hold, surfaces::root_of};

impl Compositor {
    /// Acts on one event of the client.
    pub(super) fn input(&mut self, event: SeatEvent) {
        match event {
            SeatEvent::Key { code, pressed } => self.key(code, pressed),
            SeatEvent::PointerBy { dx, dy } => self.move_by(Point::from((dx, dy))),
            SeatEvent::PointerTo { x, y } => self.move_to(x, y),
            SeatEvent::Button { code, pressed } => self.button(code, pressed),
            SeatEvent::Scroll { vertical, horizontal } => self.scroll(vertical, horizontal),
            SeatEvent::Text(character) => self.text(character),
        }
    }

    fn key(&mut self, code: u32, pressed: bool) {
        if code > keymap::LAST_CODE {
            return;
        }
        let key = Keycode::new(code + keymap::XKB_OFFSET);
        let keyboard = self.keyboard.clone();
        if keyboard.pressed_keys().contains(&key) == pressed {
            return;
        }
        let state = if pressed { KeyState::Pressed } else { KeyState::Released };
        let time = self.millis();
        keyboard.input::<(), _>(self, key, state, Self::serial(), time, |_, _, _| FilterResult::Forward);
    }

    /// Types a character that no key carries through a spare key bound to it.
    fn text(&mut self, character: char) {
        let Some(binding) = self.text_keys.bind(character) else { return };
        let keyboard = self.keyboard.clone();
        if let Some(keymap) = binding.keymap
            && keyboard.set_keymap_from_string(self, keymap).is_err()
        {
            tracing::warn!("a character could not be bound to a key and was not typed");
            return;
        }
        self.key(binding.code, true);
        self.key(binding.code, false);
    }

    fn move_by(&mut self, delta: Point<f64, Logical>) {
        if !(delta.x.is_finite() && delta.y.is_finite()) {
            return;
        }
        self.pointer_state.present = true;
        self.tell_movement(delta);
        self.go_to(self.pointer.current_location() + delta);
    }

    fn move_to(&mut self, x: f64, y: f64) {
        if !(x.is_finite() && y.is_finite()) {
            return;
        }
        let size = self.size().to_f64();
        let to = self.inside(Point::from((x * size.w, y * size.h)));
        let before = self.pointer_state.said.replace(to).unwrap_or(to);
        self.pointer_state.present = true;
        if to != before {
            self.tell_movement(to - before);
        }
        self.go_to(to);
    }

    /// Tells the surface under the pointer how far it was moved, wherever it ends up.
    fn tell_movement(&mut self, delta: Point<f64, Logical>) {
        let pointer = self.pointer.clone();
        let under = self.stack.under(self.size(), pointer.current_location());
        let utime = u64::from(self.millis()) * 1_000;
        pointer.relative_motion(self, under, &RelativeMotionEvent { delta, delta_unaccel: delta, utime });
        pointer.frame(self);
    }

    /// Moves the pointer as far as the surface that holds it lets it go.
    fn go_to(&mut self, to: Point<f64, Logical>) {
        let to = self.inside(to);
        match self.hold() {
            Some(Hold::Locked) => {}
            Some(Hold::Confined) => {
                let under = self.stack.under(self.size(), to).map(|(surface, _)| surface);
                if under == self.pointer.current_focus() {
                    self.point_at(to);
                }
            }
            None => self.point_at(to),
        }
    }

    /// Puts the pointer at `to` and tells whom it left and entered.
    pub(super) fn point_at(&mut self, to: Point<f64, Logical>) {
        let under = self.stack.under(self.size(), to);
        let pointer = self.pointer.clone();
        let event = MotionEvent { location: to, serial: Self::serial(), time: self.millis() };
        pointer.motion(self, under.clone(), &event);
        pointer.frame(self);
        if let Some((surface, origin)) = under {
            self.grant_hold(&surface, origin);
        }
        self.pacer.changed();
    }

    fn button(&mut self, button: u32, pressed: bool) {
        let pointer = self.pointer.clone();
        if pressed && !pointer.is_grabbed() {
            self.raise_under_pointer();
        }
        let state = if pressed { ButtonState::Pressed } else { ButtonState::Released };
        let event = ButtonEvent { serial: Self::serial(), time: self.millis(), button, state };
        pointer.button(self, &event);
        pointer.frame(self);
    }

    fn raise_under_pointer(&mut self) {
        let under = self.stack.under(self.size(), self.pointer.current_location());
        let root: Option<WlSurface> = under.map(|(surface, _)| root_of(&surface));
        if let Some(root) = root {
            self.stack.raise(&root);
            self.settle_focus();
            self.pacer.changed();
        }
    }

    fn scroll(&mut self, vertical: i32, horizontal: i32) {
        let mut frame = AxisFrame::new(self.millis()).source(AxisSource::Wheel);
        for (axis, turned) in [(Axis::Vertical, vertical), (Axis::Horizontal, horizontal)] {
            if turned != 0 {
                let pixels = f64::from(turned) / NOTCH * PIXELS_PER_NOTCH;
                frame = frame.value(axis, pixels).v120(axis, turned);
            }
        }
        let pointer = self.pointer.clone();
        pointer.axis(self, frame);
        pointer.frame(self);
    }

    /// The nearest place on the display.
    pub(super) fn inside(&self, point: Point<f64, Logical>) -> Point<f64, Logical> {
        let size = self.size().to_f64();
        Point::from((point.x.clamp(0.0, size.w - 1.0), point.y.clamp(0.0, size.h - 1.0)))
    }

    /// Brings the pointer back after the display became smaller.
    pub(super) fn keep_pointer_inside(&mut self) {
        let at = self.pointer.current_location();
        self.pointer_state.said = None;
        if self.inside(at) != at {
            self.point_at(self.inside(at));
        }
    }
}

/// The wheel's unit: 120 are one notch (Wayland's `axis_value120`).
const NOTCH: f64 = 120.0;
/// What desktops scroll per notch.
const PIXELS_PER_NOTCH: f64 = 15.0;
