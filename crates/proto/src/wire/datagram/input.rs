//! Input events: 18 bytes each (spec section 5.3).

use crate::wire::bytes::Reader;
use crate::wire::{GamepadKind, Grants, WireError};

/// The highest pad number.
pub const MAX_PAD: u8 = 15;

/// One input event of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputEvent {
    /// A key went down or up.
    Key {
        /// Windows virtual-key code of the US-layout position.
        vk: u8,
        /// Down, or up.
        pressed: bool,
    },
    /// The pointer moved.
    PointerBy {
        /// Pixels to the right.
        dx: i32,
        /// Pixels down.
        dy: i32,
    },
    /// The pointer went somewhere.
    PointerTo(SurfacePoint),
    /// A pointer button went down or up.
    Button {
        /// Which.
        button: PointerButton,
        /// Down, or up.
        pressed: bool,
    },
    /// The wheel turned.
    Scroll {
        /// Which way the wheel lies.
        axis: ScrollAxis,
        /// In 1/120 notch; positive is up or right.
        amount: i32,
    },
    /// One gamepad button, for hosts without [`HostCaps::PAD_STATE`](crate::wire::HostCaps::PAD_STATE).
    PadButton {
        /// Which pad, at most [`MAX_PAD`].
        pad: u8,
        /// The button's bit.
        button: PadButtons,
        /// Down, or up.
        pressed: bool,
    },
    /// One gamepad axis, for such hosts.
    PadAxis {
        /// Which pad, at most [`MAX_PAD`].
        pad: u8,
        /// Which axis.
        axis: PadAxis,
        /// Within the axis's range: sticks −32768 to 32767 and +y up, triggers 0 to 255.
        value: i16,
    },
    /// A finger came, moved or went.
    Touch {
        /// Which.
        phase: TouchPhase,
        /// Tells fingers apart.
        contact: u32,
        /// Where; meaningless with [`TouchPhase::Up`].
        at: SurfacePoint,
    },
    /// A whole gamepad.
    Pad(PadState),
    /// A gamepad went.
    PadRemoved {
        /// Which pad, at most [`MAX_PAD`].
        pad: u8,
        /// Orders it among the pad's states.
        seq: u8,
    },
    /// A gamepad came.
    PadArrived {
        /// Which pad, at most [`MAX_PAD`].
        pad: u8,
        /// What it is.
        kind: GamepadKind,
        /// It plays haptics.
        haptics: bool,
        /// It has a speaker.
        speaker: bool,
    },
    /// One character of text.
    Text(char),
}

/// A place on the surface a client draws the stream on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SurfacePoint {
    /// From the left edge; may lie outside.
    pub x: i32,
    /// From the top edge; may lie outside.
    pub y: i32,
    /// The surface's width.
    pub width: u16,
    /// The surface's height.
    pub height: u16,
}

/// A pointer's buttons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names say it")]
pub enum PointerButton {
    Left = 1,
    Middle = 2,
    Right = 3,
    X1 = 4,
    X2 = 5,
}

/// Which way a wheel lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ScrollAxis {
    /// Positive is up.
    Vertical = 0,
    /// Positive is right.
    Horizontal = 1,
}

/// What a finger did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum TouchPhase {
    /// It came.
    Down = 9,
    /// It moved.
    Move = 10,
    /// It went.
    Up = 11,
}

/// A gamepad's axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names say it")]
pub enum PadAxis {
    LeftX = 0,
    LeftY = 1,
    RightX = 2,
    RightY = 3,
    LeftTrigger = 4,
    RightTrigger = 5,
}

/// A set of gamepad buttons; unknown bits are kept.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PadButtons(pub u32);

#[expect(missing_docs, reason = "the names are printed on the pads")]
impl PadButtons {
    pub const DPAD_UP: Self = Self(0x1);
    pub const DPAD_DOWN: Self = Self(0x2);
    pub const DPAD_LEFT: Self = Self(0x4);
    pub const DPAD_RIGHT: Self = Self(0x8);
    pub const START: Self = Self(0x10);
    pub const BACK: Self = Self(0x20);
    pub const L3: Self = Self(0x40);
    pub const R3: Self = Self(0x80);
    pub const LB: Self = Self(0x100);
    pub const RB: Self = Self(0x200);
    pub const GUIDE: Self = Self(0x400);
    pub const A: Self = Self(0x1000);
    pub const B: Self = Self(0x2000);
    pub const X: Self = Self(0x4000);
    pub const Y: Self = Self(0x8000);
    pub const PADDLE_R4: Self = Self(0x1_0000);
    pub const PADDLE_L4: Self = Self(0x2_0000);
    pub const PADDLE_R5: Self = Self(0x4_0000);
    pub const PADDLE_L5: Self = Self(0x8_0000);
    pub const TOUCHPAD: Self = Self(0x10_0000);
    pub const SHARE: Self = Self(0x20_0000);
}

impl std::fmt::Debug for PadButtons {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PadButtons({:#x})", self.0)
    }
}

/// A gamepad's whole state. Apply it only if [`PadState::is_newer_than`] the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PadState {
    /// Which pad, at most [`MAX_PAD`].
    pub pad: u8,
    /// Orders states; wraps.
    pub seq: u8,
    /// Buttons held.
    pub buttons: PadButtons,
    /// Left stick, x and +y up.
    pub left: [i16; 2],
    /// Right stick, x and +y up.
    pub right: [i16; 2],
    /// Left trigger.
    pub left_trigger: u8,
    /// Right trigger.
    pub right_trigger: u8,
}

impl PadState {
    /// Whether this state was made after the one numbered `seq` (wrapping).
    pub fn is_newer_than(&self, seq: u8) -> bool {
        self.seq.wrapping_sub(seq).cast_signed() > 0
    }
}

/// The five fields every event has.
struct Raw {
    kind: u8,
    code: u32,
    x: i32,
    y: i32,
    flags: u32,
}

impl InputEvent {
    /// What a device must be granted to have this acted on.
    pub fn grant(&self) -> Grants {
        match self {
            Self::Key { .. } | Self::Text(_) => Grants::KEYBOARD,
            Self::PointerBy { .. }
            | Self::PointerTo(_)
            | Self::Button { .. }
            | Self::Scroll { .. }
            | Self::Touch { .. } => Grants::POINTER,
            Self::Pad(_)
            | Self::PadAxis { .. }
            | Self::PadButton { .. }
            | Self::PadArrived { .. }
            | Self::PadRemoved { .. } => Grants::GAMEPAD,
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let raw = Raw {
            kind: reader.u8("kind")?,
            code: reader.u32("code")?,
            x: reader.i32("x")?,
            y: reader.i32("y")?,
            flags: reader.u32("flags")?,
        };
        let refuse = |field, value: u32| reader.value(field, value);
        Ok(match raw.kind {
            0 | 1 => Self::Key { vk: raw.code as u8, pressed: raw.kind == 0 },
            2 => Self::PointerBy { dx: raw.x, dy: raw.y },
            3 => Self::PointerTo(raw.point()),
            4 | 5 => Self::Button {
                button: pointer_button(raw.code).ok_or_else(|| refuse("button", raw.code))?,
                pressed: raw.kind == 4,
            },
            6 => Self::Scroll {
                axis: scroll_axis(raw.code).ok_or_else(|| refuse("scroll axis", raw.code))?,
                amount: raw.x,
            },
            7 => Self::PadButton {
                pad: pad_number(raw.flags).ok_or_else(|| refuse("pad", raw.flags))?,
                button: PadButtons(raw.code),
                pressed: raw.x != 0,
            },
            8 => {
                let axis = pad_axis(raw.code).ok_or_else(|| refuse("pad axis", raw.code))?;
                let pad = pad_number(raw.flags).ok_or_else(|| refuse("pad", raw.flags))?;
                Self::PadAxis { pad, axis, value: axis.clamp(raw.x) }
            }
            9..=11 => Self::Touch { phase: touch_phase(raw.kind), contact: raw.code, at: raw.point() },
            12..=14 => raw.pad_event().ok_or_else(|| refuse("pad", raw.flags & 0xFF))?,
            15 => Self::Text(char::from_u32(raw.code).ok_or_else(|| refuse("character", raw.code))?),
            other => return Err(WireError::Unknown { what: "input event kind", value: other }),
        })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let raw = Raw::of(self);
        out.push(raw.kind);
        out.extend_from_slice(&raw.code.to_le_bytes());
        out.extend_from_slice(&raw.x.to_le_bytes());
        out.extend_from_slice(&raw.y.to_le_bytes());
        out.extend_from_slice(&raw.flags.to_le_bytes());
    }
}

impl Raw {
    fn of(event: &InputEvent) -> Self {
        let raw = |kind, code: u32| Self { kind, code, x: 0, y: 0, flags: 0 };
        match *event {
            InputEvent::Key { vk, pressed } => raw(u8::from(!pressed), vk.into()),
            InputEvent::PointerBy { dx, dy } => Self { x: dx, y: dy, ..raw(2, 0) },
            InputEvent::PointerTo(point) => raw(3, 0).at(point),
            InputEvent::Button { button, pressed } => raw(4 + u8::from(!pressed), button as u32),
            InputEvent::Scroll { axis, amount } => Self { x: amount, ..raw(6, axis as u32) },
            InputEvent::PadButton { pad, button, pressed } => {
                Self { x: pressed.into(), flags: pad.into(), ..raw(7, button.0) }
            }
            InputEvent::PadAxis { pad, axis, value } => {
                Self { x: value.into(), flags: pad.into(), ..raw(8, axis as u32) }
            }
            InputEvent::Touch { phase, contact, at } => raw(phase as u8, contact).at(at),
            InputEvent::Pad(state) => Self {
                x: pack_stick(state.left),
                y: pack_stick(state.right),
                flags: u32::from_be_bytes([state.seq, state.left_trigger, state.right_trigger, state.pad]),
                ..raw(12, state.buttons.0)
            },
            InputEvent::PadRemoved { pad, seq } => Self { flags: u32::from(seq) << 24 | u32::from(pad), ..raw(13, 0) },
            InputEvent::PadArrived { pad, kind, haptics, speaker } => Self {
                flags: u32::from(pad) | u32::from(haptics) << 8 | u32::from(speaker) << 9,
                ..raw(14, kind as u32)
            },
            InputEvent::Text(character) => raw(15, character.into()),
        }
    }

    fn at(self, point: SurfacePoint) -> Self {
        Self { x: point.x, y: point.y, flags: u32::from(point.width) << 16 | u32::from(point.height), ..self }
    }

    fn point(&self) -> SurfacePoint {
        SurfacePoint { x: self.x, y: self.y, width: (self.flags >> 16) as u16, height: self.flags as u16 }
    }

    /// Kinds 12 to 14; `None` when the pad's number is out of range.
    fn pad_event(&self) -> Option<InputEvent> {
        let [seq, left_trigger, right_trigger, pad] = self.flags.to_be_bytes();
        let pad = pad_number(pad.into())?;
        Some(match self.kind {
            12 => InputEvent::Pad(PadState {
                pad,
                seq,
                buttons: PadButtons(self.code),
                left: unpack_stick(self.x),
                right: unpack_stick(self.y),
                left_trigger,
                right_trigger,
            }),
            13 => InputEvent::PadRemoved { pad, seq },
            _ => InputEvent::PadArrived {
                pad,
                kind: GamepadKind::from(u8::try_from(self.code).unwrap_or(0)),
                haptics: self.flags & 1 << 8 != 0,
                speaker: self.flags & 1 << 9 != 0,
            },
        })
    }
}

impl PadAxis {
    fn clamp(self, value: i32) -> i16 {
        let range = match self {
            Self::LeftTrigger | Self::RightTrigger => 0..=i32::from(u8::MAX),
            _ => i32::from(i16::MIN)..=i32::from(i16::MAX),
        };
        value.clamp(*range.start(), *range.end()) as i16
    }
}

fn pack_stick([x, y]: [i16; 2]) -> i32 {
    i32::from(x) << 16 | i32::from(y.cast_unsigned())
}

fn unpack_stick(packed: i32) -> [i16; 2] {
    [(packed >> 16) as i16, packed as i16]
}

fn pad_number(number: u32) -> Option<u8> {
    u8::try_from(number).ok().filter(|pad| *pad <= MAX_PAD)
}

fn pointer_button(code: u32) -> Option<PointerButton> {
    use PointerButton::{Left, Middle, Right, X1, X2};
    [Left, Middle, Right, X1, X2].into_iter().find(|button| *button as u32 == code)
}

fn scroll_axis(code: u32) -> Option<ScrollAxis> {
    [ScrollAxis::Vertical, ScrollAxis::Horizontal].into_iter().find(|axis| *axis as u32 == code)
}

fn pad_axis(code: u32) -> Option<PadAxis> {
    use PadAxis::{LeftTrigger, LeftX, LeftY, RightTrigger, RightX, RightY};
    [LeftX, LeftY, RightX, RightY, LeftTrigger, RightTrigger].into_iter().find(|axis| *axis as u32 == code)
}

fn touch_phase(kind: u8) -> TouchPhase {
    match kind {
        9 => TouchPhase::Down,
        10 => TouchPhase::Move,
        _ => TouchPhase::Up,
    }
}
