//! The messages of the pairing ceremony (spec section 3.2). [`crate::pairing`] gives them meaning.

use crate::wire::bytes::{Reader, put_text, text};
use crate::wire::{MAX_NAME_LEN, WireError};

/// Bytes of a SPAKE2 message: the side and a compressed point.
pub const SPAKE_MESSAGE_LEN: usize = 33;

/// The client's half of the key exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairRequest {
    /// The device's name; `None` when empty, longer than [`MAX_NAME_LEN`] or not UTF-8. Unscrubbed.
    pub name: Option<String>,
    /// SPAKE2 message of side A.
    pub spake: [u8; SPAKE_MESSAGE_LEN],
}

impl PairRequest {
    pub(in crate::wire) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { name: text(reader.short_bytes("name")?, MAX_NAME_LEN), spake: read_spake(reader)? })
    }

    pub(in crate::wire) fn put(&self, out: &mut Vec<u8>) {
        put_text(out, self.name.as_deref().unwrap_or_default(), MAX_NAME_LEN as u8);
        put_spake(&self.spake, out);
    }
}

/// The host's half of the key exchange and its proof that it knows the PIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairChallenge {
    /// SPAKE2 message of side B.
    pub spake: [u8; SPAKE_MESSAGE_LEN],
    /// The host's key confirmation.
    pub confirmation: [u8; 32],
}

impl PairChallenge {
    pub(in crate::wire) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { spake: read_spake(reader)?, confirmation: reader.array("confirmation")? })
    }

    pub(in crate::wire) fn put(&self, out: &mut Vec<u8>) {
        put_spake(&self.spake, out);
        out.extend_from_slice(&self.confirmation);
    }
}

/// The client's proof that it knows the PIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairProof {
    /// The client's key confirmation.
    pub confirmation: [u8; 32],
}

fn read_spake(reader: &mut Reader<'_>) -> Result<[u8; SPAKE_MESSAGE_LEN], WireError> {
    let len = reader.u16("SPAKE2 length")?;
    if usize::from(len) != SPAKE_MESSAGE_LEN {
        return Err(reader.value("SPAKE2 length", len));
    }
    reader.array("SPAKE2 message")
}

fn put_spake(spake: &[u8; SPAKE_MESSAGE_LEN], out: &mut Vec<u8>) {
    out.extend_from_slice(&(SPAKE_MESSAGE_LEN as u16).to_le_bytes());
    out.extend_from_slice(spake);
}
