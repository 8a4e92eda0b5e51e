//! A picture size and rate as the wire carries it, checked or not.

use std::fmt;

use super::{WireError, bytes::Reader};
use crate::units::{Mode, ModeError};

/// A mode as a peer wrote it: any three numbers. [`Mode`] is made from it by `try_into`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WireMode {
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Frames per second, in whole hertz.
    pub hz: u32,
}

impl WireMode {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { width: reader.u32("width")?, height: reader.u32("height")?, hz: reader.u32("refresh rate")? })
    }

    pub(super) fn put(self, out: &mut Vec<u8>) {
        for number in [self.width, self.height, self.hz] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
}

impl From<Mode> for WireMode {
    fn from(mode: Mode) -> Self {
        Self { width: mode.width(), height: mode.height(), hz: mode.refresh().hz() }
    }
}

impl TryFrom<WireMode> for Mode {
    type Error = ModeError;

    fn try_from(mode: WireMode) -> Result<Self, ModeError> {
        Self::new(mode.width, mode.height, mode.hz)
    }
}

impl fmt::Display for WireMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}@{}", self.width, self.height, self.hz)
    }
}
