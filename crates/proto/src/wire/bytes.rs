//! Reading and writing little-endian fields.

use super::WireError;

/// Reads the fields of one message whose length is exact: [`Reader::finish`] refuses what is left over.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    message: &'static str,
    len: usize,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(message: &'static str, bytes: &'a [u8]) -> Self {
        Self { message, len: bytes.len(), rest: bytes }
    }

    pub(super) fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], WireError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(self.truncated(field))?;
        self.rest = rest;
        Ok(*head)
    }

    pub(super) fn slice(&mut self, field: &'static str, len: usize) -> Result<&'a [u8], WireError> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(self.truncated(field))?;
        self.rest = rest;
        Ok(head)
    }

    pub(super) fn u8(&mut self, field: &'static str) -> Result<u8, WireError> {
        self.array(field).map(|[byte]| byte)
    }

    /// A byte that is a truth value: anything but 0 is true.
    pub(super) fn flag(&mut self, field: &'static str) -> Result<bool, WireError> {
        self.u8(field).map(|byte| byte != 0)
    }

    pub(super) fn u16(&mut self, field: &'static str) -> Result<u16, WireError> {
        self.array(field).map(u16::from_le_bytes)
    }

    pub(super) fn i16(&mut self, field: &'static str) -> Result<i16, WireError> {
        self.array(field).map(i16::from_le_bytes)
    }

    pub(super) fn u32(&mut self, field: &'static str) -> Result<u32, WireError> {
        self.array(field).map(u32::from_le_bytes)
    }

    pub(super) fn i32(&mut self, field: &'static str) -> Result<i32, WireError> {
        self.array(field).map(i32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, field: &'static str) -> Result<u64, WireError> {
        self.array(field).map(u64::from_le_bytes)
    }

    /// A float that is finite.
    pub(super) fn f32(&mut self, field: &'static str) -> Result<f32, WireError> {
        let value = self.array(field).map(f32::from_le_bytes)?;
        if value.is_finite() { Ok(value) } else { Err(self.form(field)) }
    }

    /// A length byte and that many bytes.
    pub(super) fn short_bytes(&mut self, field: &'static str) -> Result<&'a [u8], WireError> {
        let len = self.u8(field)?;
        self.slice(field, len.into())
    }

    /// Everything that is left.
    pub(super) fn remaining(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn finish(self) -> Result<(), WireError> {
        match self.rest.len() {
            0 => Ok(()),
            extra => Err(WireError::Oversized { message: self.message, extra }),
        }
    }

    pub(super) fn value(&self, field: &'static str, value: impl Into<u64>) -> WireError {
        WireError::Value { message: self.message, field, value: value.into() }
    }

    pub(super) fn form(&self, field: &'static str) -> WireError {
        WireError::Form { message: self.message, field }
    }

    fn truncated(&self, field: &'static str) -> WireError {
        WireError::Truncated { message: self.message, field, len: self.len }
    }
}

/// Reads trailing optional fields (spec section 2.2): once a field is not completely there, it and all after it
/// are absent.
#[derive(Debug)]
pub(super) struct Tail<'a> {
    rest: &'a [u8],
}

impl<'a> Tail<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let Some((head, rest)) = self.rest.split_first_chunk() else {
            self.rest = &[];
            return None;
        };
        self.rest = rest;
        Some(*head)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// A length byte and that many bytes of text; absent when empty, longer than `max` or not UTF-8. What was
    /// declared is skipped in every case.
    pub(super) fn text(&mut self, max: usize) -> Option<String> {
        let len = usize::from(self.u8()?);
        let Some((head, rest)) = self.rest.split_at_checked(len) else {
            self.rest = &[];
            return None;
        };
        self.rest = rest;
        text(head, max)
    }

    pub(super) fn len(&self) -> usize {
        self.rest.len()
    }
}

/// `bytes` as text, if it is UTF-8 of 1 to `max` bytes.
pub(super) fn text(bytes: &[u8], max: usize) -> Option<String> {
    if bytes.is_empty() || bytes.len() > max {
        return None;
    }
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

/// `text` cut to at most `max` bytes at a character boundary.
pub(super) fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

/// Appends a length byte and `text`, cut to `max` bytes (at most 255).
pub(super) fn put_text(out: &mut Vec<u8>, text: &str, max: u8) {
    let text = cut(text, max.into());
    out.push(text.len() as u8);
    out.extend_from_slice(text.as_bytes());
}
