//! Encrypted requests and responses (`rtspenc://`, GameStream spec section 3.2).
//!
//! ```text
//! message = u32 BE (0x8000_0000 | length) ‖ u32 BE number ‖ tag (16) ‖ ciphertext (length)
//! ```

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

/// Bytes before the ciphertext.
pub const HEAD: usize = 24;
const ENCRYPTED: u32 = 0x8000_0000;
const TAG_AT: usize = 8;

/// What the first bytes of a connection say about its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedLength {
    /// It is encrypted and this long in all, in bytes.
    Sealed(usize),
    /// It is plain text, which is not spoken here.
    Plain,
    /// Too few bytes to tell.
    Unknown,
}

impl SealedLength {
    /// Reads the first four bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let Some(word) = bytes.first_chunk::<4>() else { return Self::Unknown };
        let word = u32::from_be_bytes(*word);
        if word & ENCRYPTED == 0 { Self::Plain } else { Self::Sealed((word & !ENCRYPTED) as usize + HEAD) }
    }
}

/// One launch's way to open requests and to seal responses. A number is accepted once.
pub struct RtspSeal {
    key: LessSafeKey,
    /// The last number opened.
    last: Option<u32>,
    /// The last number used.
    sent: u32,
}

impl RtspSeal {
    /// With the launch's key.
    pub fn new(key: &[u8; 16]) -> Self {
        let key = UnboundKey::new(&AES_128_GCM, key).expect("the key has the cipher's length");
        Self { key: LessSafeKey::new(key), last: None, sent: 0 }
    }

    /// Opens a whole request. `None`: not of this launch, cut off, or seen before.
    pub fn open(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        let (head, ciphertext) = message.split_at_checked(HEAD)?;
        if SealedLength::of(head) != SealedLength::Sealed(message.len()) {
            return None;
        }
        let number = u32::from_be_bytes(*head[4..].first_chunk()?);
        if self.last.is_some_and(|last| number <= last) {
            return None;
        }
        // ring wants the tag behind the ciphertext.
        let mut text = [ciphertext, &head[TAG_AT..]].concat();
        let length = self.key.open_in_place(nonce(number, *b"CR"), Aad::empty(), &mut text).ok()?.len();
        text.truncate(length);
        self.last = Some(number);
        Some(text)
    }

    /// Seals a response.
    pub fn seal(&mut self, text: &str) -> Vec<u8> {
        self.sent += 1;
        let mut message = vec![0; HEAD];
        message.extend_from_slice(text.as_bytes());
        let word = ENCRYPTED | text.len() as u32;
        message[..4].copy_from_slice(&word.to_be_bytes());
        message[4..TAG_AT].copy_from_slice(&self.sent.to_be_bytes());
        let (head, text) = message.split_at_mut(HEAD);
        let tag = self.key.seal_in_place_separate_tag(nonce(self.sent, *b"HR"), Aad::empty(), text);
        head[TAG_AT..].copy_from_slice(tag.expect("a response is far below the cipher's limit").as_ref());
        message
    }
}

fn nonce(number: u32, who: [u8; 2]) -> Nonce {
    let mut nonce = [0; 12];
    nonce[..4].copy_from_slice(&number.to_le_bytes());
    nonce[10..].copy_from_slice(&who);
    Nonce::assume_unique_for_key(nonce)
}
