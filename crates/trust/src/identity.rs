//! The host's certificate and key. Clients pin its fingerprint, so it is made once and never silently again.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use punktfunk_proto::units::Fingerprint;
use rcgen::{
    CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, PublicKeyData, RsaKeySize,
    date_time_ymd,
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem::PemObject};
use zeroize::Zeroizing;

use crate::{
    audit::SealKey,
    private::{self, FileError},
};

/// Who this host is: a self-signed certificate and its key, P-256 (spec section 1.1) or, towards Moonlight, RSA-2048.
pub struct HostIdentity {
    /// The certificate, DER.
    pub certificate_der: Vec<u8>,
    /// The private key, PKCS#8 DER.
    pub private_key_pkcs8_der: Zeroizing<Vec<u8>>,
    /// SHA-256 of the certificate.
    pub fingerprint: Fingerprint,
}

impl HostIdentity {
    /// Loads the identity in `folder`, or makes one there if the folder is missing or empty. Its parent must exist.
    ///
    /// # Errors
    /// As [`HostIdentity::load`], or the new identity could not be stored.
    pub fn load_or_create(folder: &Path) -> Result<Self, IdentityError> {
        Self::load_or(folder, generate)
    }

    /// As [`HostIdentity::load_or_create`], but an RSA-2048 key, the only kind that Moonlight knows.
    ///
    /// # Errors
    /// As there.
    pub fn load_or_create_rsa(folder: &Path) -> Result<Self, IdentityError> {
        Self::load_or(folder, generate_rsa)
    }

    fn load_or(folder: &Path, generate: Generate) -> Result<Self, IdentityError> {
        match Self::load(folder) {
            Err(IdentityError::Missing { .. }) => Self::create(folder, generate),
            other => other,
        }
    }

    /// Loads the identity in `folder`.
    ///
    /// # Errors
    /// It is missing, incomplete, damaged, or open to other users. Nothing is changed.
    pub fn load(folder: &Path) -> Result<Self, IdentityError> {
        let (certificate, key) = (folder.join(CERTIFICATE), folder.join(KEY));
        match (private::exists(&certificate)?, private::exists(&key)?) {
            (true, true) => {}
            (false, false) if is_empty(folder)? => return Err(IdentityError::Missing { folder: folder.to_owned() }),
            _ => return Err(IdentityError::Incomplete { folder: folder.to_owned() }),
        }
        private::check_folder(folder)?;
        let damaged = |detail| IdentityError::Damaged { folder: folder.to_owned(), detail };
        let certificate = private::read(&certificate, MAX_BYTES)?;
        let key = private::read(&key, MAX_BYTES)?;
        Self::parse(&certificate, &key).map_err(damaged)
    }

    /// The key that seals the audit log of the host `host_id`.
    pub(crate) fn seal_key(&self, host_id: &str) -> SealKey {
        SealKey::derive(&self.private_key_pkcs8_der, host_id)
    }

    /// Whether there is an identity in `folder`, or anything of one.
    pub(crate) fn is_anything_in(folder: &Path) -> Result<bool, IdentityError> {
        Ok(!is_empty(folder)?)
    }

    fn create(folder: &Path, generate: Generate) -> Result<Self, IdentityError> {
        let (certificate, key) = generate().map_err(IdentityError::Generate)?;
        let new = folder.with_extension("new");
        if private::exists(&new)? {
            fs::remove_dir_all(&new).map_err(FileError::io("remove", &new))?;
        }
        private::ensure_folder(&new)?;
        private::create(&new.join(CERTIFICATE), certificate.as_bytes())?;
        private::create(&new.join(KEY), key.as_bytes())?;
        // One rename brings both files at once; it fails rather than replace a folder that has anything in it.
        private::rename(&new, folder)?;
        Self::load(folder)
    }

    fn parse(certificate: &[u8], key: &[u8]) -> Result<Self, &'static str> {
        let mut certificates = CertificateDer::pem_slice_iter(certificate);
        let certificate = certificates.next().and_then(Result::ok).ok_or("the certificate is not PEM")?;
        if certificates.next().is_some() {
            return Err("there is more than one certificate");
        }
        let key = PrivatePkcs8KeyDer::from_pem_slice(key).map_err(|_| "the key is not PKCS#8 PEM")?;
        let pair = KeyPair::try_from(&key).map_err(|_| "the key is not a usable private key")?;
        if !is_one_der_sequence(&certificate) {
            return Err("the certificate is cut off");
        }
        let public = pair.subject_public_key_info();
        if !certificate.windows(public.len()).any(|window| window == public) {
            return Err("the certificate belongs to a different key");
        }
        Ok(Self {
            fingerprint: Fingerprint::of_certificate(&certificate),
            certificate_der: certificate.to_vec(),
            private_key_pkcs8_der: Zeroizing::new(key.secret_pkcs8_der().to_vec()),
        })
    }
}

impl fmt::Debug for HostIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostIdentity").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// Why the host's identity cannot be used. The text says the way out.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There is none.
    #[error(
        "the host's identity in {folder} is gone, and every paired client knows this host by it. \
         Put the folder back from a backup. Without one, move the whole state directory away to begin anew: \
         every device must then be paired again", folder = .folder.display()
    )]
    Missing {
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// One file of the two is there.
    #[error("the identity in {folder} is incomplete: {CERTIFICATE} and {KEY} belong together. {}", way_out(.folder), folder = .folder.display())]
    Incomplete {
        /// Where.
        folder: PathBuf,
    },
    /// The files do not hold a certificate and its key.
    #[error("the identity in {folder} is damaged: {detail}. {}", way_out(.folder), folder = .folder.display())]
    Damaged {
        /// Where.
        folder: PathBuf,
        /// What is wrong.
        detail: &'static str,
    },
    /// It is not the one this state directory belongs to.
    #[error(
        "the identity in {folder} is {found}, but the paired clients know this host as {expected} and would refuse \
         it. {}", way_out(.folder), folder = .folder.display()
    )]
    Replaced {
        /// Where.
        folder: PathBuf,
        /// Whose fingerprint the clients know.
        expected: Fingerprint,
        /// Whose is there.
        found: Fingerprint,
    },
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The cryptographic library could not make one.
    #[error("cannot make a host identity: {0}")]
    Generate(rcgen::Error),
}

fn way_out(folder: &Path) -> String {
    format!(
        "Put the folder back from a backup, or move {} away to begin anew: every device must then be paired again",
        folder.parent().unwrap_or(folder).display()
    )
}

/// Makes a certificate and its key, PEM.
type Generate = fn() -> Result<(String, Zeroizing<String>), rcgen::Error>;

fn generate() -> Result<(String, Zeroizing<String>), rcgen::Error> {
    certify(&KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)
}

fn generate_rsa() -> Result<(String, Zeroizing<String>), rcgen::Error> {
    certify(&KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?)
}

fn certify(key: &KeyPair) -> Result<(String, Zeroizing<String>), rcgen::Error> {
    let names = ["punktfunk", "localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "punktfunk");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    Ok((params.self_signed(key)?.pem(), Zeroizing::new(key.serialize_pem())))
}

fn is_empty(folder: &Path) -> Result<bool, FileError> {
    if !private::exists(folder)? {
        return Ok(true);
    }
    Ok(fs::read_dir(folder).map_err(FileError::io("read", folder))?.next().is_none())
}

/// Whether `der` is one SEQUENCE with a two-byte length that fits exactly, as every certificate of ours is.
fn is_one_der_sequence(der: &[u8]) -> bool {
    match der {
        [0x30, 0x82, high, low, rest @ ..] => rest.len() == usize::from(u16::from_be_bytes([*high, *low])),
        _ => false,
    }
}

pub(crate) const CERTIFICATE: &str = "certificate.pem";
pub(crate) const KEY: &str = "key.pem";
/// Longer files than this are no identity.
pub(crate) const MAX_BYTES: u64 = 64 * 1024;

#[cfg(test)]
mod tests;
