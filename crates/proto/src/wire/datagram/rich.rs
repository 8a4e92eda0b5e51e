//! Touchpads, motion, raw reports and pens (spec section 5.4).

use super::feedback::MAX_REPORT_LEN;
use super::{MAX_PAD, PenBatch};
use crate::wire::WireError;
use crate::wire::bytes::Reader;

/// Input that needs more than [`InputEvent`](super::InputEvent) has room for.
#[derive(Clone, Debug, PartialEq)]
pub enum RichInput<'a> {
    /// A finger on a pad's touchpad.
    Touchpad {
        /// Which pad, at most [`MAX_PAD`].
        pad: u8,
        /// Which finger.
        finger: u8,
        /// Whether it touches.
        active: bool,
        /// From the left edge, in 1/65,535 of the width.
        x: u16,
        /// From the top edge, in 1/65,535 of the height.
        y: u16,
    },
    /// A pad's motion sensors.
    Motion {
        /// Which pad, at most [`MAX_PAD`].
        pad: u8,
        /// Turning, 20 per degree per second.
        gyro: [i16; 3],
        /// Acceleration, 10,000 per g; at rest 0, 10000, 0.
        accel: [i16; 3],
    },
    /// A finger on one of several touchpads.
    TouchpadExtended {
        /// Which pad, at most [`MAX_PAD`].
        pad: u8,
        /// Which touchpad.
        surface: TouchpadSurface,
        /// Which finger.
        finger: u8,
        /// Whether it touches.
        touching: bool,
        /// Whether the touchpad is pressed.
        clicked: bool,
        /// From the centre to the right.
        x: i16,
        /// From the centre down.
        y: i16,
        /// How hard.
        pressure: u16,
    },
    /// A HID report as the pad sent it.
    HidReport {
        /// Which pad, at most [`MAX_PAD`].
        pad: u8,
        /// The report with its id, at most 64 bytes.
        report: &'a [u8],
    },
    /// A pen.
    Pen(PenBatch),
}

/// Which touchpad of a pad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum TouchpadSurface {
    /// The only one.
    Single = 0,
    /// The left of two.
    Left = 1,
    /// The right of two.
    Right = 2,
}

impl<'a> RichInput<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        Ok(match reader.u8("kind")? {
            1 => Self::Touchpad {
                pad: read_pad(reader)?,
                finger: reader.u8("finger")?,
                active: reader.flag("active")?,
                x: reader.u16("x")?,
                y: reader.u16("y")?,
            },
            2 => Self::Motion {
                pad: read_pad(reader)?,
                gyro: read_vector(reader, "gyroscope")?,
                accel: read_vector(reader, "accelerometer")?,
            },
            3 => Self::read_extended(reader)?,
            4 => Self::HidReport { pad: read_pad(reader)?, report: read_report(reader)? },
            5 => Self::Pen(PenBatch::read(reader)?),
            other => return Err(WireError::Unknown { what: "rich input kind", value: other }),
        })
    }

    fn read_extended(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let pad = read_pad(reader)?;
        let surface = match reader.u8("surface")? {
            0 => TouchpadSurface::Single,
            1 => TouchpadSurface::Left,
            2 => TouchpadSurface::Right,
            other => return Err(reader.value("surface", other)),
        };
        let finger = reader.u8("finger")?;
        let state = reader.u8("state")?;
        Ok(Self::TouchpadExtended {
            pad,
            surface,
            finger,
            touching: state & TOUCHING != 0,
            clicked: state & CLICKED != 0,
            x: reader.i16("x")?,
            y: reader.i16("y")?,
            pressure: reader.u16("pressure")?,
        })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Touchpad { pad, finger, active, x, y } => {
                out.extend_from_slice(&[1, *pad, *finger, (*active).into()]);
                out.extend_from_slice(&x.to_le_bytes());
                out.extend_from_slice(&y.to_le_bytes());
            }
            Self::Motion { pad, gyro, accel } => {
                out.extend_from_slice(&[2, *pad]);
                for number in gyro.iter().chain(accel) {
                    out.extend_from_slice(&number.to_le_bytes());
                }
            }
            Self::TouchpadExtended { pad, surface, finger, touching, clicked, x, y, pressure } => {
                let state = (u8::from(*touching) * TOUCHING) | (u8::from(*clicked) * CLICKED);
                out.extend_from_slice(&[3, *pad, *surface as u8, *finger, state]);
                out.extend_from_slice(&x.to_le_bytes());
                out.extend_from_slice(&y.to_le_bytes());
                out.extend_from_slice(&pressure.to_le_bytes());
            }
            Self::HidReport { pad, report } => {
                let report = &report[..report.len().min(MAX_REPORT_LEN)];
                out.extend_from_slice(&[4, *pad, report.len() as u8]);
                out.extend_from_slice(report);
            }
            Self::Pen(batch) => {
                out.push(5);
                batch.put(out);
            }
        }
    }
}

fn read_pad(reader: &mut Reader<'_>) -> Result<u8, WireError> {
    let pad = reader.u8("pad")?;
    if pad > MAX_PAD { Err(reader.value("pad", pad)) } else { Ok(pad) }
}

fn read_vector(reader: &mut Reader<'_>, field: &'static str) -> Result<[i16; 3], WireError> {
    Ok([reader.i16(field)?, reader.i16(field)?, reader.i16(field)?])
}

fn read_report<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], WireError> {
    let report = reader.short_bytes("report")?;
    if report.len() > MAX_REPORT_LEN { Err(reader.value("report length", report.len() as u64)) } else { Ok(report) }
}

const TOUCHING: u8 = 1;
const CLICKED: u8 = 2;
