//! The primitives of the ceremony: AES-128-ECB without padding, SHA-256, RSA PKCS#1 v1.5.

use aws_lc_rs::{
    cipher::{AES_128, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey},
    signature::{RSA_PKCS1_2048_8192_SHA256, RsaParameters, UnparsedPublicKey},
};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// AES-128 key of a ceremony.
#[derive(Clone)]
pub(super) struct Key(Zeroizing<[u8; 16]>);

impl Key {
    /// The first half of the SHA-256 of salt and PIN.
    pub(super) fn derive(salt: &[u8; 16], pin: &[u8; 4]) -> Self {
        let digest = sha256(&[salt, pin]);
        let mut key = Zeroizing::new([0; 16]);
        key.copy_from_slice(&digest[..16]);
        Self(key)
    }

    /// Encrypts whole blocks.
    pub(super) fn encrypt<const N: usize>(&self, mut blocks: [u8; N]) -> [u8; N] {
        let key = self.unbound().and_then(EncryptingKey::ecb);
        let done = key.and_then(|key| key.encrypt(&mut blocks).map(|_| ()));
        done.expect("ECB takes whole blocks");
        blocks
    }

    /// Decrypts whole blocks.
    pub(super) fn decrypt<const N: usize>(&self, mut blocks: [u8; N]) -> [u8; N] {
        let key = self.unbound().and_then(DecryptingKey::ecb);
        let done = key.and_then(|key| key.decrypt(&mut blocks, DecryptionContext::None).map(|_| ()));
        done.expect("ECB takes whole blocks");
        blocks
    }

    fn unbound(&self) -> Result<UnboundCipherKey, aws_lc_rs::error::Unspecified> {
        UnboundCipherKey::new(&AES_128, &*self.0)
    }
}

/// SHA-256 of all `parts`, one after the other.
pub(super) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize().into()
}

/// Whether `signature` is that of `message` by the key of this `SubjectPublicKeyInfo`; RSA of 2048 bits and more.
pub(crate) fn is_signed(public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    verify_rsa(&RSA_PKCS1_2048_8192_SHA256, public_key, message, signature)
}

/// As [`is_signed`], with the padding and hash of `parameters`.
pub(crate) fn verify_rsa(
    parameters: &'static RsaParameters,
    public_key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    UnparsedPublicKey::new(parameters, public_key).verify(message, signature).is_ok()
}
