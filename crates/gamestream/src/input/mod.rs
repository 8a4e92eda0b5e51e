//! What a client's hands do: the payload of control message 0x0206 (GameStream spec section 7).
//!
//! [`ClientInput::parse`] reads it; [`ClientInput::seat_event`] says it in the words of [`punktfunk_proto::input`], which every
//! seat takes.

mod bytes;
mod device;
mod modifiers;

use punktfunk_proto::wire::{
    GamepadKind,
    datagram::{InputEvent, PadButtons, PadState, PointerButton, ScrollAxis, SurfacePoint, TouchPhase},
};

use bytes::Payload;
pub use device::{Contact, PadArrival, PadBattery, PadMotion, PadTouch, Pen, Phase, Tool};
pub use modifiers::{KeyStroke, Modifiers};

/// One input event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClientInput {
    /// The client plays rumble.
    HapticsEnabled,
    /// A key went down or up.
    Key {
        /// Windows virtual-key code.
        vk: u8,
        /// Down, or up.
        pressed: bool,
        /// What the client knows to be held: 1 Shift, 2 Ctrl, 4 Alt, 8 Meta.
        modifiers: u8,
    },
    /// One character.
    Text(char),
    /// The mouse moved by so many pixels, to the right and down.
    PointerBy {
        /// To the right.
        dx: i16,
        /// Down.
        dy: i16,
    },
    /// The pointer went to a place.
    PointerTo(SurfacePoint),
    /// A mouse button went down or up.
    Button {
        /// Which.
        button: PointerButton,
        /// Down, or up.
        pressed: bool,
    },
    /// The wheel turned.
    Scroll {
        /// Which way it lies.
        axis: ScrollAxis,
        /// In 1/120 notch; positive is up or right.
        amount: i16,
    },
    /// A gamepad's whole state, and which gamepads there are.
    Pad {
        /// Its state; the sequence number is always 0.
        state: PadState,
        /// Bit n: gamepad n is attached.
        attached: u16,
    },
    /// A gamepad came.
    PadArrival(PadArrival),
    /// A finger on a gamepad's touchpad.
    PadTouch(PadTouch),
    /// A gamepad was moved.
    PadMotion(PadMotion),
    /// How full a gamepad is.
    PadBattery(PadBattery),
    /// A finger on the screen.
    Touch {
        /// What it did.
        phase: Phase,
        /// Where.
        contact: Contact,
    },
    /// A pen on the screen.
    Pen(Pen),
}

/// Why bytes are no input event. The client's fault; nothing is acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// Shorter than its kind is.
    #[error("the input event is cut off")]
    Short,
    /// Of a kind, or with a value, that is not known.
    #[error("the input event is of an unknown kind ({0:#x})")]
    Unknown(u32),
    /// A value that cannot be.
    #[error("the input event holds a value that cannot be")]
    Value,
}

impl ClientInput {
    /// Reads one event. Bytes after it are ignored, as later clients append some.
    ///
    /// # Errors
    /// [`InputError`].
    pub fn parse(payload: &[u8]) -> Result<Self, InputError> {
        let (size, rest) = payload.split_first_chunk::<4>().ok_or(InputError::Short)?;
        let size = usize::try_from(u32::from_be_bytes(*size)).unwrap_or(usize::MAX);
        // Read at the offsets the spec lists, which count from the size field.
        let body = Payload(payload.get(..size.saturating_add(4)).unwrap_or(payload));
        if rest.len() < size {
            return Err(InputError::Short);
        }
        match body.u32_le(4)? {
            0x0D => Ok(Self::HapticsEnabled),
            magic @ (0x03 | 0x04) => Ok(Self::Key { vk: body.u8(9)?, pressed: magic == 0x03, modifiers: body.u8(11)? }),
            0x17 => text(body.from(8)?),
            0x07 => Ok(Self::PointerBy { dx: body.i16_be(8)?, dy: body.i16_be(10)? }),
            0x05 => Ok(Self::PointerTo(place(body)?)),
            magic @ (0x08 | 0x09) => {
                let button = button(body.u8(8)?).ok_or(InputError::Value)?;
                Ok(Self::Button { button, pressed: magic == 0x08 })
            }
            0x0A => Ok(Self::Scroll { axis: ScrollAxis::Vertical, amount: body.i16_be(8)? }),
            0x5500_0001 => Ok(Self::Scroll { axis: ScrollAxis::Horizontal, amount: body.i16_be(8)? }),
            0x0C => pad(body),
            0x5500_0002 => Ok(Self::Touch { phase: Phase::read(body.u8(8)?)?, contact: Contact::read(body)? }),
            0x5500_0003 => Pen::read(body).map(Self::Pen),
            0x5500_0004 => PadArrival::read(body).map(Self::PadArrival),
            0x5500_0005 => PadTouch::read(body).map(Self::PadTouch),
            0x5500_0006 => PadMotion::read(body).map(Self::PadMotion),
            0x5500_0007 => PadBattery::read(body).map(Self::PadBattery),
            magic => Err(InputError::Unknown(magic)),
        }
    }

    /// The same for a seat; `None` for what no seat has a word for. A key's modifiers are [`Modifiers`]' affair.
    pub fn seat_event(&self) -> Option<InputEvent> {
        Some(match *self {
            Self::Key { vk, pressed, .. } => InputEvent::Key { vk, pressed },
            Self::Text(character) => InputEvent::Text(character),
            Self::PointerBy { dx, dy } => InputEvent::PointerBy { dx: dx.into(), dy: dy.into() },
            Self::PointerTo(point) => InputEvent::PointerTo(point),
            Self::Button { button, pressed } => InputEvent::Button { button, pressed },
            Self::Scroll { axis, amount } => InputEvent::Scroll { axis, amount: amount.into() },
            Self::Pad { state, attached } if attached & 1 << state.pad == 0 => {
                InputEvent::PadRemoved { pad: state.pad, seq: state.seq }
            }
            Self::Pad { state, .. } => InputEvent::Pad(state),
            Self::PadArrival(PadArrival { pad, kind, .. }) => {
                InputEvent::PadArrived { pad, kind, haptics: false, speaker: false }
            }
            Self::Touch { phase, contact } => {
                let phase = match phase {
                    Phase::Down => TouchPhase::Down,
                    Phase::Move => TouchPhase::Move,
                    Phase::Up | Phase::Cancel => TouchPhase::Up,
                    Phase::Hover | Phase::Button | Phase::HoverLeave | Phase::CancelAll => return None,
                };
                InputEvent::Touch { phase, contact: contact.pointer, at: contact.surface_point() }
            }
            Self::HapticsEnabled | Self::PadTouch(_) | Self::PadMotion(_) | Self::PadBattery(_) | Self::Pen(_) => {
                return None;
            }
        })
    }
}

fn text(bytes: &[u8]) -> Result<ClientInput, InputError> {
    let text = std::str::from_utf8(bytes).map_err(|_| InputError::Value)?;
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) => Ok(ClientInput::Text(character)),
        _ => Err(InputError::Value),
    }
}

/// The client's reference sizes are one less than its surface's.
fn place(body: Payload<'_>) -> Result<SurfacePoint, InputError> {
    let side = |at| body.i16_be(at).map(|less| less.max(0).cast_unsigned() + 1);
    Ok(SurfacePoint { x: body.i16_be(8)?.into(), y: body.i16_be(10)?.into(), width: side(14)?, height: side(16)? })
}

fn button(number: u8) -> Option<PointerButton> {
    use PointerButton::{Left, Middle, Right, X1, X2};
    [Left, Middle, Right, X1, X2].into_iter().find(|button| *button as u8 == number)
}

fn pad(body: Payload<'_>) -> Result<ClientInput, InputError> {
    let buttons = u32::from(body.u16_le(16)?) | u32::from(body.u16_le(30)?) << 16;
    let state = PadState {
        pad: device::pad_number(body.u16_le(10)?)?,
        seq: 0,
        buttons: PadButtons(buttons),
        left_trigger: body.u8(18)?,
        right_trigger: body.u8(19)?,
        left: [body.i16_le(20)?, body.i16_le(22)?],
        right: [body.i16_le(24)?, body.i16_le(26)?],
    };
    Ok(ClientInput::Pad { state, attached: body.u16_le(12)? })
}

/// What GameStream calls a gamepad.
fn kind(number: u8) -> GamepadKind {
    match number {
        1 => GamepadKind::Xbox360,
        2 => GamepadKind::DualSense,
        3 => GamepadKind::SwitchPro,
        4 => GamepadKind::SteamDeck,
        _ => GamepadKind::default(),
    }
}
