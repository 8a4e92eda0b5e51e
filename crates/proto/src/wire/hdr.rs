//! HDR10 mastering metadata, 28 bytes (spec section 5.6).

use super::{WireError, bytes::Reader};

/// A point of the CIE 1931 diagram, in 1/50,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chromaticity {
    /// x · 50,000.
    pub x: u16,
    /// y · 50,000.
    pub y: u16,
}

/// Mastering display and content light levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HdrMetadata {
    /// Green, blue, red: the order of HEVC's SEI.
    pub primaries: [Chromaticity; 3],
    /// White point.
    pub white: Chromaticity,
    /// Brightest mastering luminance, in 0.0001 cd/m².
    pub max_luminance: u32,
    /// Darkest mastering luminance, in 0.0001 cd/m².
    pub min_luminance: u32,
    /// Brightest pixel, in cd/m² (MaxCLL).
    pub max_content_light: u16,
    /// Brightest frame average, in cd/m² (MaxFALL).
    pub max_frame_average_light: u16,
}

impl HdrMetadata {
    /// Bytes on the wire.
    pub const LEN: usize = 28;

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut point = || Ok::<_, WireError>(Chromaticity { x: reader.u16("x")?, y: reader.u16("y")? });
        Ok(Self {
            primaries: [point()?, point()?, point()?],
            white: point()?,
            max_luminance: reader.u32("maximum luminance")?,
            min_luminance: reader.u32("minimum luminance")?,
            max_content_light: reader.u16("MaxCLL")?,
            max_frame_average_light: reader.u16("MaxFALL")?,
        })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        for point in self.primaries.iter().chain([&self.white]) {
            out.extend_from_slice(&point.x.to_le_bytes());
            out.extend_from_slice(&point.y.to_le_bytes());
        }
        out.extend_from_slice(&self.max_luminance.to_le_bytes());
        out.extend_from_slice(&self.min_luminance.to_le_bytes());
        out.extend_from_slice(&self.max_content_light.to_le_bytes());
        out.extend_from_slice(&self.max_frame_average_light.to_le_bytes());
    }
}
