//! Host timing and pointer position (spec section 5).

use crate::units::HostTime;
use crate::wire::WireError;
use crate::wire::bytes::Reader;

/// How long one access unit took in the host. Three forms of growing length exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostTiming {
    /// The access unit's `pts_ns`.
    pub pts: HostTime,
    /// From capture to the last packet sent, in microseconds.
    pub total_us: u32,
    /// Where that time went.
    pub stages: Option<TimingStages>,
}

/// The parts of [`HostTiming::total_us`], in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimingStages {
    /// Waiting for the encoder.
    pub queue_us: u32,
    /// Encoding.
    pub encode_us: u32,
    /// Spread over the wire.
    pub pace_us: u32,
    /// Phase correction applied, in nanoseconds.
    pub applied_phase_ns: Option<i32>,
}

impl HostTiming {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let pts = HostTime::from_nanos(reader.u64("time")?);
        let total_us = reader.u32("total")?;
        let stages = if reader.is_empty() { None } else { Some(TimingStages::read(reader)?) };
        Ok(Self { pts, total_us, stages })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.pts.nanos().to_le_bytes());
        out.extend_from_slice(&self.total_us.to_le_bytes());
        let Some(stages) = self.stages else { return };
        for micros in [stages.queue_us, stages.encode_us, stages.pace_us] {
            out.extend_from_slice(&micros.to_le_bytes());
        }
        if let Some(phase) = stages.applied_phase_ns {
            out.extend_from_slice(&phase.to_le_bytes());
        }
    }
}

impl TimingStages {
    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            queue_us: reader.u32("queue")?,
            encode_us: reader.u32("encode")?,
            pace_us: reader.u32("pace")?,
            applied_phase_ns: if reader.is_empty() { None } else { Some(reader.i32("phase")?) },
        })
    }
}

/// Where the pointer is, for clients that draw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CursorState {
    /// The shape it has.
    pub serial: u32,
    /// Bit 0: visible.
    flags: u8,
    /// From the left edge, in stream pixels; may lie outside.
    pub x: i32,
    /// From the top edge, in stream pixels; may lie outside.
    pub y: i32,
}

impl CursorState {
    /// A pointer of shape `serial` at `(x, y)`, visible and not in relative mode.
    pub fn at(serial: u32, x: i32, y: i32) -> Self {
        Self { serial, flags: VISIBLE, x, y }
    }

    /// This state, hidden.
    #[must_use]
    pub fn hidden(self) -> Self {
        Self { flags: self.flags & !VISIBLE, ..self }
    }

    /// This state with the hint that the application wants relative motion.
    #[must_use]
    pub fn relative(self) -> Self {
        Self { flags: self.flags | RELATIVE, ..self }
    }

    /// Whether the pointer is to be drawn.
    pub fn is_visible(&self) -> bool {
        self.flags & VISIBLE != 0
    }

    /// Whether the application wants relative motion.
    pub fn is_relative(&self) -> bool {
        self.flags & RELATIVE != 0
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { serial: reader.u32("serial")?, flags: reader.u8("flags")?, x: reader.i32("x")?, y: reader.i32("y")? })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.serial.to_le_bytes());
        out.push(self.flags);
        out.extend_from_slice(&self.x.to_le_bytes());
        out.extend_from_slice(&self.y.to_le_bytes());
    }
}

const VISIBLE: u8 = 1;
const RELATIVE: u8 = 2;
