//! Gamepads beyond their buttons, fingers and pens.

use punktfunk_proto::wire::{GamepadKind, datagram::SurfacePoint};

use super::{InputError, bytes::Payload, kind};

/// The highest number of a gamepad.
const MAX_PAD: u16 = 15;

/// A gamepad came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PadArrival {
    /// Its number, below 16.
    pub pad: u8,
    /// What it is.
    pub kind: GamepadKind,
    /// 1 analog triggers, 2 rumble, 4 trigger rumble, 8 touchpad, 0x10 accelerometer, 0x20 gyroscope, 0x40 battery, 0x80
    /// coloured light, 0x100 two touchpads.
    pub capabilities: u16,
    /// The buttons it has.
    pub buttons: u32,
}

/// A finger on a gamepad's touchpad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PadTouch {
    /// Its number, below 16.
    pub pad: u8,
    /// What the finger did.
    pub phase: Phase,
    /// Which touchpad.
    pub touchpad: u8,
    /// Tells fingers apart.
    pub pointer: u32,
    /// From the left and the top edge, and how hard: each from 0 to 1.
    pub at: [f32; 3],
}

/// A gamepad was moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PadMotion {
    /// Its number, below 16.
    pub pad: u8,
    /// Turned, in degrees a second; else accelerated, in metres a second squared.
    pub gyroscope: bool,
    /// Along the axes as SDL lays them.
    pub axes: [f32; 3],
}

/// How full a gamepad is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PadBattery {
    /// Its number, below 16.
    pub pad: u8,
    /// 0 unknown, 1 none, 2 discharging, 3 charging, 4 not charging, 5 full.
    pub state: u8,
    /// `None`: unknown.
    pub percent: Option<u8>,
}

/// What a finger or pen did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Phase {
    Hover = 0,
    Down = 1,
    Up = 2,
    Move = 3,
    Cancel = 4,
    /// Only its buttons changed.
    Button = 5,
    HoverLeave = 6,
    /// All fingers are gone.
    CancelAll = 7,
}

/// A finger on the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contact {
    /// Tells fingers apart.
    pub pointer: u32,
    /// From the left and the top edge, each from 0 to 1.
    pub at: [f32; 2],
    /// How hard, or how far away; from 0 to 1.
    pub pressure: f32,
    /// Its width and height.
    pub size: [f32; 2],
    /// In degrees, if known.
    pub rotation: Option<u16>,
}

/// A pen on the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pen {
    /// What it did.
    pub phase: Phase,
    /// With which end.
    pub tool: Tool,
    /// Bits 1, 2 and 4: its buttons.
    pub buttons: u8,
    /// From the left and the top edge, each from 0 to 1.
    pub at: [f32; 2],
    /// How hard, or how far away; from 0 to 1.
    pub pressure: f32,
    /// In degrees, if known.
    pub rotation: Option<u16>,
    /// In degrees from upright, if known.
    pub tilt: Option<u8>,
    /// Its width and height.
    pub size: [f32; 2],
}

/// Which end of a pen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Tool {
    Unknown,
    Pen,
    Eraser,
}

pub(super) fn pad_number(number: u16) -> Result<u8, InputError> {
    if number > MAX_PAD { Err(InputError::Value) } else { Ok(number as u8) }
}

impl PadArrival {
    pub(super) fn read(body: Payload<'_>) -> Result<Self, InputError> {
        Ok(Self {
            pad: pad_number(body.u8(8)?.into())?,
            kind: kind(body.u8(9)?),
            capabilities: body.u16_le(10)?,
            buttons: body.u32_le(12)?,
        })
    }
}

impl PadTouch {
    pub(super) fn read(body: Payload<'_>) -> Result<Self, InputError> {
        Ok(Self {
            pad: pad_number(body.u8(8)?.into())?,
            phase: Phase::read(body.u8(9)?)?,
            touchpad: body.u8(11)?,
            pointer: body.u32_le(12)?,
            at: [body.f32(16)?, body.f32(20)?, body.f32(24)?],
        })
    }
}

impl PadMotion {
    pub(super) fn read(body: Payload<'_>) -> Result<Self, InputError> {
        let gyroscope = match body.u8(9)? {
            1 => false,
            2 => true,
            _ => return Err(InputError::Value),
        };
        let axes = [body.f32(12)?, body.f32(16)?, body.f32(20)?];
        Ok(Self { pad: pad_number(body.u8(8)?.into())?, gyroscope, axes })
    }
}

impl PadBattery {
    pub(super) fn read(body: Payload<'_>) -> Result<Self, InputError> {
        let percent = Some(body.u8(10)?).filter(|percent| *percent <= 100);
        Ok(Self { pad: pad_number(body.u8(8)?.into())?, state: body.u8(9)?, percent })
    }
}

impl Phase {
    pub(super) fn read(number: u8) -> Result<Self, InputError> {
        use Phase::{Button, Cancel, CancelAll, Down, Hover, HoverLeave, Move, Up};
        let all = [Hover, Down, Up, Move, Cancel, Button, HoverLeave, CancelAll];
        all.get(usize::from(number)).copied().ok_or(InputError::Value)
    }
}

impl Contact {
    pub(super) fn read(body: Payload<'_>) -> Result<Self, InputError> {
        Ok(Self {
            pointer: body.u32_le(12)?,
            at: [body.f32(16)?, body.f32(20)?],
            pressure: body.f32(24)?,
            size: [body.f32(28)?, body.f32(32)?],
            rotation: degrees(body.u16_le(10)?),
        })
    }

    /// The place in 65,535ths of the screen.
    pub(super) fn surface_point(&self) -> SurfacePoint {
        let side = |part: f32| (part.clamp(0.0, 1.0) * f32::from(u16::MAX)) as i32;
        SurfacePoint { x: side(self.at[0]), y: side(self.at[1]), width: u16::MAX, height: u16::MAX }
    }
}

impl Pen {
    pub(super) fn read(body: Payload<'_>) -> Result<Self, InputError> {
        let tool = match body.u8(9)? {
            1 => Tool::Pen,
            2 => Tool::Eraser,
            _ => Tool::Unknown,
        };
        Ok(Self {
            phase: Phase::read(body.u8(8)?)?,
            tool,
            buttons: body.u8(10)?,
            at: [body.f32(12)?, body.f32(16)?],
            pressure: body.f32(20)?,
            rotation: degrees(body.u16_le(24)?),
            tilt: Some(body.u8(26)?).filter(|tilt| *tilt <= 90),
            size: [body.f32(28)?, body.f32(32)?],
        })
    }
}

fn degrees(value: u16) -> Option<u16> {
    Some(value).filter(|degrees| *degrees <= 360)
}
