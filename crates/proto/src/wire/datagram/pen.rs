//! Pen samples, up to eight a datagram (spec section 5.4).

use crate::wire::WireError;
use crate::wire::bytes::Reader;

/// Samples of one pen. Apply them only if `seq` is newer.
#[derive(Clone, Debug, PartialEq)]
pub struct PenBatch {
    /// Orders batches; wraps.
    pub seq: u16,
    /// 1 to [`PenBatch::MAX_SAMPLES`]; what is beyond is not sent.
    pub samples: Vec<PenSample>,
}

impl PenBatch {
    /// The most samples a batch has.
    pub const MAX_SAMPLES: usize = 8;

    /// Whether this batch was made after the one numbered `seq` (wrapping).
    pub fn is_newer_than(&self, seq: u16) -> bool {
        self.seq.wrapping_sub(seq).cast_signed() > 0
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.u8("flags")?;
        let count = reader.u8("count")?;
        if !(1..=Self::MAX_SAMPLES).contains(&count.into()) {
            return Err(reader.value("count", count));
        }
        let seq = reader.u16("sequence")?;
        let samples = (0..count).map(|_| PenSample::read(reader)).collect::<Result<_, _>>()?;
        Ok(Self { seq, samples })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let samples = &self.samples[..self.samples.len().min(Self::MAX_SAMPLES)];
        out.extend_from_slice(&[0, samples.len() as u8]);
        out.extend_from_slice(&self.seq.to_le_bytes());
        for sample in samples {
            sample.put(out);
        }
    }
}

/// What a pen is doing, as bits; unknown ones are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PenState(pub u8);

impl PenState {
    /// Near the surface.
    pub const IN_RANGE: Self = Self(0x01);
    /// On the surface.
    pub const TOUCHING: Self = Self(0x02);
    /// First barrel button.
    pub const BARREL: Self = Self(0x04);
    /// Second barrel button.
    pub const BARREL_2: Self = Self(0x08);
    /// Predicted by the client: to be ignored.
    pub const PREDICTED: Self = Self(0x80);

    /// Whether every bit of `other` is set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Which end of the pen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum PenTool {
    /// The tip; also every number this version does not know.
    #[default]
    Pen = 0,
    /// The eraser.
    Eraser = 1,
}

/// One sample.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PenSample {
    /// What the pen is doing.
    pub state: PenState,
    /// Which end.
    pub tool: PenTool,
    /// From the left edge: 0 to 1, clamped when read.
    pub x: f32,
    /// From the top edge: 0 to 1, clamped when read.
    pub y: f32,
    /// 0 to 65,535.
    pub pressure: u16,
    /// Height above the surface.
    pub distance: Option<u16>,
    /// Degrees from upright: 0 to 90, clamped when read.
    pub tilt: Option<u8>,
    /// Degrees clockwise: 0 to 359, wrapped when read.
    pub azimuth: Option<u16>,
    /// Degrees around the pen's axis: 0 to 359, wrapped when read.
    pub roll: Option<u16>,
    /// Microseconds since the sample before.
    pub dt_us: u16,
}

impl PenSample {
    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            state: PenState(reader.u8("state")?),
            tool: if reader.u8("tool")? == 1 { PenTool::Eraser } else { PenTool::Pen },
            x: reader.f32("x")?.clamp(0.0, 1.0),
            y: reader.f32("y")?.clamp(0.0, 1.0),
            pressure: reader.u16("pressure")?,
            distance: known(reader.u16("distance")?, UNKNOWN),
            tilt: known(reader.u8("tilt")?, UNKNOWN_TILT).map(|degrees| degrees.min(90)),
            azimuth: known(reader.u16("azimuth")?, UNKNOWN).map(|degrees| degrees % 360),
            roll: known(reader.u16("roll")?, UNKNOWN).map(|degrees| degrees % 360),
            dt_us: reader.u16("time")?,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.state.0, self.tool as u8]);
        out.extend_from_slice(&self.x.to_le_bytes());
        out.extend_from_slice(&self.y.to_le_bytes());
        out.extend_from_slice(&self.pressure.to_le_bytes());
        out.extend_from_slice(&self.distance.unwrap_or(UNKNOWN).to_le_bytes());
        out.push(self.tilt.unwrap_or(UNKNOWN_TILT));
        for number in [self.azimuth.unwrap_or(UNKNOWN), self.roll.unwrap_or(UNKNOWN), self.dt_us] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
}

fn known<T: PartialEq>(value: T, unknown: T) -> Option<T> {
    Some(value).filter(|value| *value != unknown)
}

const UNKNOWN: u16 = u16::MAX;
const UNKNOWN_TILT: u8 = u8::MAX;
