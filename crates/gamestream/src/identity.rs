//! The host's certificate towards Moonlight: RSA-2048, pinned by clients, apart from the identity of the native protocol.

use std::fmt;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use zeroize::Zeroizing;

use crate::pairing::{Certificate, CertificateError, is_signed};

/// A certificate and the key that belongs to it.
pub struct HostKey {
    certificate: Certificate,
    pkcs8: Zeroizing<Vec<u8>>,
    pair: RsaKeyPair,
}

/// Why certificate and key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostKeyError {
    /// The certificate.
    #[error("the host's GameStream certificate cannot be used: {0}")]
    Certificate(#[from] CertificateError),
    /// The key.
    #[error("the host's GameStream key is no RSA key, or is not that of its certificate")]
    Key,
}

impl HostKey {
    /// Certificate and key, both DER (the key PKCS#8).
    ///
    /// # Errors
    /// They are not RSA-2048, or do not belong together.
    pub fn new(certificate: Vec<u8>, pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, HostKeyError> {
        let certificate = Certificate::from_der(certificate)?;
        let pair = RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| HostKeyError::Key)?;
        let key = Self { certificate, pkcs8, pair };
        let belongs = key.sign(b"").is_some_and(|proof| is_signed(key.certificate.public_key(), b"", &proof));
        if belongs { Ok(key) } else { Err(HostKeyError::Key) }
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The key, for TLS.
    pub fn pkcs8(&self) -> &Zeroizing<Vec<u8>> {
        &self.pkcs8
    }

    /// The signature of `message`, RSA PKCS#1 v1.5 with SHA-256; `None` when the library refuses.
    pub fn sign(&self, message: &[u8]) -> Option<[u8; 256]> {
        let mut signature = [0; 256];
        if self.pair.public_modulus_len() != signature.len() {
            return None;
        }
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
        Some(signature)
    }
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostKey").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}
