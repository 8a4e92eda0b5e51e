//! The certificate and key that an endpoint shows.

use std::fmt;

use punktfunk_proto::units::Fingerprint;
use zeroize::Zeroizing;

/// A self-signed certificate and its key: who this endpoint is (spec section 1.1).
#[derive(Clone)]
pub struct TlsIdentity {
    /// The leaf certificate, DER.
    pub certificate_der: Vec<u8>,
    /// Its private key, PKCS#8 DER; wiped when dropped.
    pub private_key_pkcs8_der: Zeroizing<Vec<u8>>,
}

impl TlsIdentity {
    /// Takes a certificate and its key; whether they belong together is checked when an endpoint is made of them.
    pub fn new(certificate_der: Vec<u8>, private_key_pkcs8_der: impl Into<Zeroizing<Vec<u8>>>) -> Self {
        Self { certificate_der, private_key_pkcs8_der: private_key_pkcs8_der.into() }
    }

    /// The fingerprint peers pin.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_certificate(&self.certificate_der)
    }
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity").field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}
