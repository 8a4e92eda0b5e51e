//! Devices with certificates of their own, honest and forged.

use std::sync::Arc;

use anyhow::Result;
use punktfunk_proto::units::Fingerprint;
use rustls::{
    SignatureScheme,
    client::ResolvesClientCert,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::{CertifiedKey, SigningKey},
};

/// A certificate and whatever is used to prove that its key is held.
#[derive(Clone, Debug)]
pub struct Persona {
    /// What it calls itself.
    pub name: String,
    proof: Proof,
}

/// What is shown in a handshake.
#[derive(Clone, Debug)]
enum Proof {
    /// Nothing: an anonymous client.
    None,
    /// A certificate, and signatures by this key, which need not be the certificate's.
    Certificate(Arc<CertifiedKey>),
}

impl Persona {
    /// A device with a fresh P-256 certificate, as clients make it.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn fresh(name: &str) -> Result<Self> {
        Self::with_contents(name, rcgen::CertificateParams::new(["punktfunk-client".to_owned()])?)
    }

    /// A device with a fresh P-256 certificate of these contents, signed by itself.
    ///
    /// # Errors
    /// There is no such certificate.
    pub fn with_contents(name: &str, contents: rcgen::CertificateParams) -> Result<Self> {
        let key = rcgen::KeyPair::generate()?;
        let certificate = contents.self_signed(&key)?;
        Self::holding(name, certificate.der().to_vec(), key.serialize_der())
    }

    /// A device that shows this certificate (DER) and signs with this key (PKCS#8 DER).
    ///
    /// # Errors
    /// The key cannot be read.
    pub fn holding(name: &str, certificate: Vec<u8>, key: Vec<u8>) -> Result<Self> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
        Ok(Self::signing(name, certificate, aws_lc_rs::sign::any_supported_type(&key)?))
    }

    /// A device that shows this certificate (DER) and signs by `key`, whatever that does.
    pub fn signing(name: &str, certificate: Vec<u8>, key: Arc<dyn SigningKey>) -> Self {
        let certified = CertifiedKey::new(vec![CertificateDer::from(certificate)], key);
        Self { name: name.to_owned(), proof: Proof::Certificate(Arc::new(certified)) }
    }

    /// A device without a certificate.
    pub fn anonymous() -> Self {
        Self { name: "Nobody".to_owned(), proof: Proof::None }
    }

    /// This device's certificate, with another's key (abuse case 21).
    #[must_use]
    pub fn forged_by(&self, forger: &Self) -> Self {
        match &self.proof {
            Proof::Certificate(shown) => forger.in_the_mask_of(shown.cert[0].clone()),
            Proof::None => self.clone(),
        }
    }

    /// Somebody else's certificate (DER), with this one's key.
    #[must_use]
    pub fn in_the_mask_of(&self, certificate: CertificateDer<'static>) -> Self {
        let proof = match &self.proof {
            Proof::Certificate(held) => {
                Proof::Certificate(Arc::new(CertifiedKey::new(vec![certificate], Arc::clone(&held.key))))
            }
            Proof::None => Proof::None,
        };
        Self { name: self.name.clone(), proof }
    }

    /// The fingerprint of its certificate; zeros if it has none.
    pub fn fingerprint(&self) -> Fingerprint {
        match &self.proof {
            Proof::Certificate(certified) => Fingerprint::of_certificate(&certified.cert[0]),
            Proof::None => Fingerprint::from_bytes([0; 32]),
        }
    }
}

impl ResolvesClientCert for Persona {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        match &self.proof {
            Proof::Certificate(certified) => Some(Arc::clone(certified)),
            Proof::None => None,
        }
    }

    fn has_certs(&self) -> bool {
        matches!(self.proof, Proof::Certificate(_))
    }
}

impl ResolvesServerCert for Persona {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let _ = hello;
        ResolvesClientCert::resolve(self, &[], &[])
    }
}
