//! What a client's input means to a seat: the vocabulary every display backend takes.

pub mod keymap;
mod seat;

pub use seat::{RefusedInput, Seat};

/// One action on a display's keyboard or pointer, in the units of the kernel and of Wayland.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SeatEvent {
    /// A key went down or up. `code` is the evdev key code (`KEY_A` is 30).
    Key {
        /// evdev key code.
        code: u32,
        /// Down, or up.
        pressed: bool,
    },
    /// The pointer moved by this many pixels.
    PointerBy {
        /// To the right.
        dx: f64,
        /// Down.
        dy: f64,
    },
    /// The pointer went to this place, as a fraction (0 to 1) of the display's width and height.
    PointerTo {
        /// From the left edge.
        x: f64,
        /// From the top edge.
        y: f64,
    },
    /// A pointer button went down or up. `code` is the evdev button code (`BTN_LEFT` is 0x110).
    Button {
        /// evdev button code.
        code: u32,
        /// Down, or up.
        pressed: bool,
    },
    /// The wheel turned, in 1/120 notch; Wayland's sign: positive is down and to the right.
    Scroll {
        /// Vertical, positive down.
        vertical: i32,
        /// Horizontal, positive right.
        horizontal: i32,
    },
    /// Text that no key carries, one Unicode scalar.
    Text(char),
}
