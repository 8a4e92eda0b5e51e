//! The pointer's picture (spec section 2.5, message 0x50).

use crate::wire::WireError;
use crate::wire::bytes::Reader;

/// A pointer image in straight-alpha RGBA. Built by [`CursorShape::new`], so that it always fits its message.
#[derive(Clone, PartialEq, Eq)]
pub struct CursorShape {
    serial: u32,
    size: [u16; 2],
    hotspot: [u16; 2],
    rgba: Vec<u8>,
}

impl CursorShape {
    /// The largest side, in pixels.
    pub const MAX_SIDE: u16 = 120;

    /// A pointer image: `size` and `hotspot` are (x, y) in pixels, `rgba` holds rows without padding.
    ///
    /// # Errors
    /// When a side is not within 1 to [`CursorShape::MAX_SIDE`], the hotspot lies outside, or `rgba` has another
    /// length than `size` says.
    pub fn new(serial: u32, size: [u16; 2], hotspot: [u16; 2], rgba: Vec<u8>) -> Result<Self, WireError> {
        check(size, hotspot)?;
        let expected = byte_len(size);
        if rgba.len() < expected {
            return Err(WireError::Truncated { message: MESSAGE, field: "pixels", len: rgba.len() });
        }
        if rgba.len() > expected {
            return Err(WireError::Oversized { message: MESSAGE, extra: rgba.len() - expected });
        }
        Ok(Self { serial, size, hotspot, rgba })
    }

    /// Number that cursor state datagrams refer to.
    pub fn serial(&self) -> u32 {
        self.serial
    }

    /// Width and height in pixels.
    pub fn size(&self) -> [u16; 2] {
        self.size
    }

    /// The pixel that points, from the top left.
    pub fn hotspot(&self) -> [u16; 2] {
        self.hotspot
    }

    /// Rows of straight-alpha RGBA.
    pub fn rgba(&self) -> &[u8] {
        &self.rgba
    }

    pub(in crate::wire) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let serial = reader.u32("serial")?;
        let size = [reader.u16("width")?, reader.u16("height")?];
        let hotspot = [reader.u16("hotspot")?, reader.u16("hotspot")?];
        check(size, hotspot)?;
        let rgba = reader.slice("pixels", byte_len(size))?.to_vec();
        Ok(Self { serial, size, hotspot, rgba })
    }

    pub(in crate::wire) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.serial.to_le_bytes());
        for number in self.size.iter().chain(&self.hotspot) {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.rgba);
    }
}

impl std::fmt::Debug for CursorShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { serial, size: [width, height], hotspot: [x, y], .. } = self;
        write!(f, "CursorShape(serial {serial}, {width}x{height}, hotspot {x},{y})")
    }
}

fn check(size: [u16; 2], hotspot: [u16; 2]) -> Result<(), WireError> {
    let refused = |field, value: u16| Err(WireError::Value { message: MESSAGE, field, value: value.into() });
    for (side, point) in size.into_iter().zip(hotspot) {
        if !(1..=CursorShape::MAX_SIDE).contains(&side) {
            return refused("side", side);
        }
        if point >= side {
            return refused("hotspot", point);
        }
    }
    Ok(())
}

fn byte_len(size: [u16; 2]) -> usize {
    usize::from(size[0]) * usize::from(size[1]) * 4
}

const MESSAGE: &str = "CursorShape";
