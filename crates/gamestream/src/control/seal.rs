//! Sealing of control messages, version 2 (GameStream spec section 4.2).
//!
//! ```text
//! message = u16 LE 1 ‖ u16 LE length of the rest ‖ u32 LE number ‖ tag (16) ‖ ciphertext
//! ```
//!
//! Version 1 repeats its nonce every 256 messages and is not spoken here.

use punktfunk_proto::crypto::replay::ReplayWindow;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

const TYPE: [u8; 2] = [1, 0];
const TAG_AT: usize = 8;
const HEAD: usize = 24;
/// Type and length, which the length does not count.
const UNCOUNTED: usize = 4;

/// Why a message was not opened. Anybody who can reach the port can cause each of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not of this shape.
    #[error("no sealed control message")]
    Shape,
    /// Seen before.
    #[error("a control message came twice")]
    Replayed,
    /// Not sealed with this launch's key.
    #[error("a control message is not authentic")]
    NotAuthentic,
}

/// One session's way to open the client's messages and to seal the host's.
///
/// Numbers run over all channels while order holds within one, so that a window over all of them decides what is new.
pub struct ControlSeal {
    key: LessSafeKey,
    seen: ReplayWindow,
    next: u32,
}

impl ControlSeal {
    /// With the launch's key.
    pub fn new(key: &[u8; 16]) -> Self {
        let key = UnboundKey::new(&AES_128_GCM, key).expect("the key has the cipher's length");
        Self { key: LessSafeKey::new(key), seen: ReplayWindow::default(), next: 0 }
    }

    /// Opens a message: its type, length and payload.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&mut self, message: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (head, ciphertext) = message.split_first_chunk::<HEAD>().ok_or(OpenError::Shape)?;
        let length = u16::from_le_bytes([head[2], head[3]]);
        if head[..2] != TYPE || usize::from(length) != message.len() - UNCOUNTED {
            return Err(OpenError::Shape);
        }
        let number = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        if !self.seen.is_new(number.into()) {
            return Err(OpenError::Replayed);
        }
        // ring wants the tag behind the ciphertext.
        let mut text = [ciphertext, &head[TAG_AT..]].concat();
        let opened = self.key.open_in_place(nonce(number, *b"CC"), Aad::empty(), &mut text);
        let length = opened.map_err(|_| OpenError::NotAuthentic)?.len();
        text.truncate(length);
        self.seen.record(number.into());
        Ok(text)
    }

    /// Seals a message; `None` once all numbers are used up.
    pub fn seal(&mut self, plaintext: &[u8]) -> Option<Vec<u8>> {
        let number = self.next;
        self.next = number.checked_add(1)?;
        let mut message = vec![0; HEAD];
        message.extend_from_slice(plaintext);
        let length = u16::try_from(message.len() - UNCOUNTED).ok()?;
        message[..2].copy_from_slice(&TYPE);
        message[2..4].copy_from_slice(&length.to_le_bytes());
        message[4..TAG_AT].copy_from_slice(&number.to_le_bytes());
        let (head, text) = message.split_at_mut(HEAD);
        let tag = self.key.seal_in_place_separate_tag(nonce(number, *b"HC"), Aad::empty(), text).ok()?;
        head[TAG_AT..].copy_from_slice(tag.as_ref());
        Some(message)
    }
}

fn nonce(number: u32, who: [u8; 2]) -> Nonce {
    let mut nonce = [0; 12];
    nonce[..4].copy_from_slice(&number.to_le_bytes());
    nonce[10..].copy_from_slice(&who);
    Nonce::assume_unique_for_key(nonce)
}
