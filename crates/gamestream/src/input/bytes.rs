//! Reading at fixed places.

use super::InputError;

/// An input event from its size field on.
#[derive(Clone, Copy)]
pub(super) struct Payload<'a>(pub(super) &'a [u8]);

impl<'a> Payload<'a> {
    fn at<const N: usize>(self, at: usize) -> Result<[u8; N], InputError> {
        self.0.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or(InputError::Short)
    }

    pub(super) fn from(self, at: usize) -> Result<&'a [u8], InputError> {
        self.0.get(at..).ok_or(InputError::Short)
    }

    pub(super) fn u8(self, at: usize) -> Result<u8, InputError> {
        self.at(at).map(u8::from_le_bytes)
    }

    pub(super) fn u16_le(self, at: usize) -> Result<u16, InputError> {
        self.at(at).map(u16::from_le_bytes)
    }

    pub(super) fn i16_le(self, at: usize) -> Result<i16, InputError> {
        self.at(at).map(i16::from_le_bytes)
    }

    pub(super) fn i16_be(self, at: usize) -> Result<i16, InputError> {
        self.at(at).map(i16::from_be_bytes)
    }

    pub(super) fn u32_le(self, at: usize) -> Result<u32, InputError> {
        self.at(at).map(u32::from_le_bytes)
    }

    /// A finite number.
    pub(super) fn f32(self, at: usize) -> Result<f32, InputError> {
        let value = self.at(at).map(f32::from_le_bytes)?;
        if value.is_finite() { Ok(value) } else { Err(InputError::Value) }
    }
}
