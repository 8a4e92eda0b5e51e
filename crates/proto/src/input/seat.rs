//! From a client's input events to a seat's, with nothing let through that the device may not do.

use super::SeatEvent;
use super::keymap::evdev_from_vk;
use crate::wire::Grants;
use crate::wire::datagram::{InputEvent, PointerButton, ScrollAxis, SurfacePoint};

/// One client's seat: checks grants, drops nonsense, and knows what is held so that it can be let go.
///
/// Takes and gives one event at a time, allocates nothing per event, and its memory does not grow: at most every
/// key and button there is can be held.
#[derive(Debug)]
pub struct Seat {
    grants: Grants,
    held: Held,
    refused: RefusedInput,
}

/// Events a seat dropped, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefusedInput {
    /// Keys and text without [`Grants::KEYBOARD`].
    pub keyboard: u64,
    /// Pointer and touch without [`Grants::POINTER`].
    pub pointer: u64,
    /// Gamepads without [`Grants::GAMEPAD`].
    pub gamepad: u64,
    /// Keys that no keyboard has, control characters, places on a surface without size.
    pub nonsense: u64,
    /// What a seat has no device for: touch and gamepads.
    pub unsupported: u64,
}

impl Seat {
    /// A seat on which nothing is held.
    pub fn new(grants: Grants) -> Self {
        Self { grants, held: Held::default(), refused: RefusedInput::default() }
    }

    /// What `event` does on the seat; `None` when it is refused or changes nothing.
    pub fn apply(&mut self, event: &InputEvent) -> Option<SeatEvent> {
        if !self.is_granted(event) {
            return None;
        }
        match *event {
            InputEvent::Key { vk, pressed } => {
                let Some(code) = evdev_from_vk(vk) else { return self.nonsense() };
                self.key(code, pressed)
            }
            InputEvent::Button { button, pressed } => self.key(button_code(button), pressed),
            InputEvent::PointerBy { dx: 0, dy: 0 } => None,
            InputEvent::PointerBy { dx, dy } => {
                Some(SeatEvent::PointerBy { dx: clamp(dx, MAX_MOTION).into(), dy: clamp(dy, MAX_MOTION).into() })
            }
            InputEvent::PointerTo(point) => self.pointer_to(point),
            InputEvent::Scroll { amount: 0, .. } => None,
            InputEvent::Scroll { axis, amount } => Some(scroll(axis, clamp(amount, MAX_SCROLL))),
            InputEvent::Text(character) if is_typed(character) => Some(SeatEvent::Text(character)),
            InputEvent::Text(_) => self.nonsense(),
            InputEvent::Touch { .. }
            | InputEvent::Pad(_)
            | InputEvent::PadAxis { .. }
            | InputEvent::PadButton { .. }
            | InputEvent::PadArrived { .. }
            | InputEvent::PadRemoved { .. } => {
                self.refused.unsupported += 1;
                None
            }
        }
    }

    /// Changes what the device may do. Keys and buttons that it may no longer press are let go.
    pub fn set_grants(&mut self, grants: Grants) -> Vec<SeatEvent> {
        self.grants = grants;
        self.held.release(|code| !grants.contains(grant_of(code)))
    }

    /// Lets go of everything, in the order of the codes: for the end of a session.
    pub fn release_all(&mut self) -> Vec<SeatEvent> {
        self.held.release(|_| true)
    }

    /// What was dropped so far.
    pub fn refused(&self) -> RefusedInput {
        self.refused
    }

    fn is_granted(&mut self, event: &InputEvent) -> bool {
        let grant = event.grant();
        let granted = self.grants.contains(grant);
        let counter = match grant {
            Grants::KEYBOARD => &mut self.refused.keyboard,
            Grants::POINTER => &mut self.refused.pointer,
            _ => &mut self.refused.gamepad,
        };
        *counter += u64::from(!granted);
        granted
    }

    /// A key or button; repeats by the client are left out, the compositor makes its own.
    fn key(&mut self, code: u16, pressed: bool) -> Option<SeatEvent> {
        self.held.set(code, pressed).then(|| event_of(code, pressed))
    }

    fn pointer_to(&mut self, point: SurfacePoint) -> Option<SeatEvent> {
        if point.width == 0 || point.height == 0 {
            return self.nonsense();
        }
        let fraction = |at: i32, of: u16| (f64::from(at) / f64::from(of)).clamp(0.0, 1.0);
        Some(SeatEvent::PointerTo { x: fraction(point.x, point.width), y: fraction(point.y, point.height) })
    }

    fn nonsense(&mut self) -> Option<SeatEvent> {
        self.refused.nonsense += 1;
        None
    }
}

/// Keys and buttons that are down: one bit per evdev code.
#[derive(Debug, Default)]
struct Held([u64; CODES / 64]);

impl Held {
    /// Marks `code`; whether that changed anything.
    fn set(&mut self, code: u16, pressed: bool) -> bool {
        let Some(word) = self.0.get_mut(usize::from(code / 64)) else { return false };
        let bit = 1 << (code % 64);
        let changed = (*word & bit != 0) != pressed;
        *word ^= if changed { bit } else { 0 };
        changed
    }

    /// Releases those that `which` names.
    fn release(&mut self, which: impl Fn(u16) -> bool) -> Vec<SeatEvent> {
        (0..CODES as u16)
            .filter(|code| which(*code) && self.set(*code, false))
            .map(|code| event_of(code, false))
            .collect()
    }
}

fn event_of(code: u16, pressed: bool) -> SeatEvent {
    let (button, code) = (is_button(code), code.into());
    if button { SeatEvent::Button { code, pressed } } else { SeatEvent::Key { code, pressed } }
}

fn grant_of(code: u16) -> Grants {
    if is_button(code) { Grants::POINTER } else { Grants::KEYBOARD }
}

fn is_button(code: u16) -> bool {
    (BTN_LEFT..=BTN_EXTRA).contains(&code)
}

fn button_code(button: PointerButton) -> u16 {
    match button {
        PointerButton::Left => BTN_LEFT,
        PointerButton::Right => BTN_RIGHT,
        PointerButton::Middle => BTN_MIDDLE,
        PointerButton::X1 => BTN_SIDE,
        PointerButton::X2 => BTN_EXTRA,
    }
}

/// The wire's positive is up, Wayland's is down.
fn scroll(axis: ScrollAxis, amount: i32) -> SeatEvent {
    match axis {
        ScrollAxis::Vertical => SeatEvent::Scroll { vertical: -amount, horizontal: 0 },
        ScrollAxis::Horizontal => SeatEvent::Scroll { vertical: 0, horizontal: amount },
    }
}

/// Text, and the control characters a keyboard types.
fn is_typed(character: char) -> bool {
    !character.is_control() || matches!(character, '\n' | '\r' | '\t' | '\u{8}')
}

fn clamp(value: i32, limit: i32) -> i32 {
    value.clamp(-limit, limit)
}

/// Further than any display is wide, in pixels.
const MAX_MOTION: i32 = 32_768;
/// A hundred notches in one event.
const MAX_SCROLL: i32 = 120 * 100;
/// `KEY_CNT`: evdev codes are below it.
const CODES: usize = 0x300;
const BTN_LEFT: u16 = 0x110;
const BTN_RIGHT: u16 = 0x111;
const BTN_MIDDLE: u16 = 0x112;
const BTN_SIDE: u16 = 0x113;
const BTN_EXTRA: u16 = 0x114;
