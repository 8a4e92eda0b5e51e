//! Sealing of media datagrams (spec section 4.2).
//!
//! ```text
//! datagram = seq (u64 BE) ‖ ciphertext ‖ tag (16)      nonce = salt' (4) ‖ seq      AAD = seq
//! ```
//!
//! Run per datagram by the media threads; everything happens in the caller's buffer, nothing is allocated.

use std::fmt;

use ring::aead::{self, AES_128_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

pub mod replay;

use replay::ReplayWindow;

/// Bytes of sequence number before the ciphertext.
pub const SEQ_BYTES: usize = 8;
/// Bytes of authentication tag after it.
pub const TAG_BYTES: usize = 16;

/// Cipher, key and salt of one session's media, as Welcome delivers them. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct MediaKeys {
    cipher: Cipher,
    key: Zeroizing<[u8; 32]>,
    salt: [u8; 4],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cipher {
    Aes128Gcm,
    ChaCha20Poly1305,
}

impl MediaKeys {
    /// AES-128-GCM with this key.
    pub fn aes128_gcm(key: [u8; 16], salt: [u8; 4]) -> Self {
        let mut wide = Zeroizing::new([0; 32]);
        wide[..16].copy_from_slice(&*Zeroizing::new(key));
        Self { cipher: Cipher::Aes128Gcm, key: wide, salt }
    }

    /// ChaCha20-Poly1305 with this key.
    pub fn chacha20_poly1305(key: [u8; 32], salt: [u8; 4]) -> Self {
        Self { cipher: Cipher::ChaCha20Poly1305, key: Zeroizing::new(key), salt }
    }

    fn aead(&self) -> LessSafeKey {
        let (algorithm, key): (&'static aead::Algorithm, &[u8]) = match self.cipher {
            Cipher::Aes128Gcm => (&AES_128_GCM, &self.key[..16]),
            Cipher::ChaCha20Poly1305 => (&CHACHA20_POLY1305, &self.key[..]),
        };
        LessSafeKey::new(UnboundKey::new(algorithm, key).expect("the key has the length its constructor gave it"))
    }
}

impl fmt::Debug for MediaKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MediaKeys({:?}, redacted)", self.cipher)
    }
}

/// Which way datagrams go: both ways share one key and differ in a bit of the salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Media. The salt's top bit is clear.
    HostToClient,
    /// Unused by `punktfunk/1` so far. The salt's top bit is set.
    ClientToHost,
}

/// A key set up for one direction.
struct Lane {
    key: LessSafeKey,
    salt: [u8; 4],
}

impl Lane {
    fn new(keys: &MediaKeys, direction: Direction) -> Self {
        let mut salt = keys.salt;
        match direction {
            Direction::HostToClient => salt[0] &= 0x7F,
            Direction::ClientToHost => salt[0] |= 0x80,
        }
        Self { key: keys.aead(), salt }
    }

    fn nonce(&self, seq: [u8; SEQ_BYTES]) -> Nonce {
        let mut nonce = [0; aead::NONCE_LEN];
        nonce[..4].copy_from_slice(&self.salt);
        nonce[4..].copy_from_slice(&seq);
        Nonce::assume_unique_for_key(nonce)
    }
}

/// Why a datagram could not be sealed. Our own fault, both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// All 2^64 sequence numbers are used up; a nonce is never used twice.
    #[error("sequence numbers exhausted")]
    Exhausted,
    /// The buffer cannot hold sequence number and tag, or is longer than the cipher takes.
    #[error("a buffer of this length cannot be sealed")]
    Length,
}

/// Seals datagrams, numbering them from 0.
pub struct Sealer {
    lane: Lane,
    next: Option<u64>,
}

impl Sealer {
    /// Sets the key up once for the session.
    pub fn new(keys: &MediaKeys, direction: Direction) -> Self {
        Self { lane: Lane::new(keys, direction), next: Some(0) }
    }

    /// Seals `datagram` in place: its first [`SEQ_BYTES`] and last [`TAG_BYTES`] are overwritten, what is between is
    /// the plaintext. Returns the sequence number used.
    ///
    /// # Errors
    /// [`SealError`]; the buffer then holds nothing that may be sent.
    pub fn seal(&mut self, datagram: &mut [u8]) -> Result<u64, SealError> {
        let seq = self.next.ok_or(SealError::Exhausted)?;
        let (head, rest) = datagram.split_first_chunk_mut::<SEQ_BYTES>().ok_or(SealError::Length)?;
        let (plaintext, tag) = rest.split_last_chunk_mut::<TAG_BYTES>().ok_or(SealError::Length)?;
        *head = seq.to_be_bytes();
        let sealed = self
            .lane
            .key
            .seal_in_place_separate_tag(self.lane.nonce(*head), Aad::from(*head), plaintext)
            .map_err(|_| SealError::Length)?;
        tag.copy_from_slice(sealed.as_ref());
        self.next = seq.checked_add(1);
        Ok(seq)
    }
}

/// Why a datagram was not opened. Anybody on the network can cause each of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum OpenError {
    /// Too short to be a sealed datagram.
    #[error("datagram too short")]
    TooShort,
    /// Seen before, or older than the replay window.
    #[error("datagram replayed or too old")]
    Replayed,
    /// Not sealed with this session's key.
    #[error("datagram not authentic")]
    NotAuthentic,
}

/// Opens datagrams and refuses those it has seen.
pub struct Opener {
    lane: Lane,
    window: ReplayWindow,
}

impl Opener {
    /// Sets the key up once for the session.
    pub fn new(keys: &MediaKeys, direction: Direction) -> Self {
        Self { lane: Lane::new(keys, direction), window: ReplayWindow::default() }
    }

    /// Opens `datagram` in place and returns its plaintext. The replay window moves only for authentic datagrams.
    ///
    /// # Errors
    /// [`OpenError`]; the buffer's contents are then undefined.
    pub fn open<'a>(&mut self, datagram: &'a mut [u8]) -> Result<&'a mut [u8], OpenError> {
        let (head, sealed) = datagram.split_first_chunk_mut::<SEQ_BYTES>().ok_or(OpenError::TooShort)?;
        if sealed.len() < TAG_BYTES {
            return Err(OpenError::TooShort);
        }
        let seq = u64::from_be_bytes(*head);
        if !self.window.is_new(seq) {
            return Err(OpenError::Replayed);
        }
        let (nonce, aad) = (self.lane.nonce(*head), Aad::from(*head));
        let plaintext = self.lane.key.open_in_place(nonce, aad, sealed).map_err(|_| OpenError::NotAuthentic)?;
        self.window.record(seq);
        Ok(plaintext)
    }
}

#[cfg(test)]
mod tests;
