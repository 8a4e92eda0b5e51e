//! The client's own certificate: how a paired host recognises it (spec section 1.1).
//!
//! Certificate and key stand in one file, so that half a pair cannot exist. The file is made once, on first use;
//! one that is there but cannot be used is refused, never replaced: a new identity would be a stranger to every
//! paired host.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use punktfunk_proto::units::Fingerprint;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem::PemObject as _};
use zeroize::Zeroizing;

use crate::disk;

/// The name of the file in the state folder.
pub const FILE: &str = "identity.pem";

/// The self-signed P-256 certificate and its key.
pub struct ClientIdentity {
    /// The leaf certificate, DER.
    pub certificate_der: Vec<u8>,
    /// The private key, PKCS #8 DER.
    pub private_key_pkcs8_der: Zeroizing<Vec<u8>>,
}

/// Why there is no identity. The text is for the user and says the way out.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file system refused.
    #[error("cannot use {}: {source}. Choose another folder with --state-dir, or make this one writable", path.display())]
    Io {
        /// What was to be read or written.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is no certificate with its key.
    #[error(
        "{path} is damaged ({reason}). Restore it from a backup; or move it away (mv {path} {path}.damaged), and pair \
         every host again with the new identity that the next start makes",
        path = path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Other users may read the private key.
    #[error("{path} holds a private key and others may read it (mode {mode:04o}). Run: chmod 600 {path}", path = path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The key could not be made.
    #[error("cannot make a key pair: {0}")]
    Crypto(#[from] rcgen::Error),
}

impl ClientIdentity {
    /// The identity kept in `dir`; made and stored there if there is none yet.
    ///
    /// # Errors
    /// The folder is not usable, or the file in it is damaged or readable by others.
    pub fn load_or_create(dir: &Path) -> Result<Self, IdentityError> {
        let path = dir.join(FILE);
        let at = |source| IdentityError::Io { path: path.clone(), source };
        disk::private_dir(dir).map_err(at)?;
        let _lock = disk::lock(dir).map_err(at)?;
        match fs::read_to_string(&path) {
            Ok(pem) => Self::check(&path, &Zeroizing::new(pem)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let (identity, pem) = Self::generate()?;
                disk::replace(&path, pem.as_bytes(), disk::Access::Owner).map_err(at)?;
                Ok(identity)
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(IdentityError::Damaged { path, reason: "not text".into() })
            }
            Err(error) => Err(at(error)),
        }
    }

    /// SHA-256 of the certificate: what hosts store.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_certificate(&self.certificate_der)
    }

    fn generate() -> Result<(Self, Zeroizing<String>), IdentityError> {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let mut parameters = rcgen::CertificateParams::new(vec!["punktfunk-client".to_owned()])?;
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "punktfunk-client");
        // Nobody checks the dates (spec section 1.1), and a client's clock may stand at 1970.
        parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2120, 1, 1);
        let certificate = parameters.self_signed(&key)?;
        let pem = Zeroizing::new(format!("{}{}", certificate.pem(), *Zeroizing::new(key.serialize_pem())));
        let private_key_pkcs8_der = Zeroizing::new(key.serialize_der());
        Ok((Self { certificate_der: certificate.der().to_vec(), private_key_pkcs8_der }, pem))
    }

    fn check(path: &Path, pem: &str) -> Result<Self, IdentityError> {
        let damaged = |reason: String| IdentityError::Damaged { path: path.to_owned(), reason };
        let metadata = fs::metadata(path).map_err(|source| IdentityError::Io { path: path.to_owned(), source })?;
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(IdentityError::Exposed { path: path.to_owned(), mode });
        }
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| damaged(format!("no certificate: {error}")))?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| damaged(format!("no private key: {error}")))?;
        let pair = rcgen::KeyPair::try_from(&key).map_err(|error| damaged(format!("no usable key: {error}")))?;
        let public = rcgen::PublicKeyData::subject_public_key_info(&pair);
        // A certificate holds its public key's DER as it stands.
        if !certificate.windows(public.len()).any(|window| window == public) {
            return Err(damaged("the key is not the certificate's".into()));
        }
        let private_key_pkcs8_der = Zeroizing::new(key.secret_pkcs8_der().to_vec());
        Ok(Self { certificate_der: certificate.to_vec(), private_key_pkcs8_der })
    }
}

impl std::fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientIdentity").field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{ClientIdentity, FILE, IdentityError};
    use std::{fs, os::unix::fs::PermissionsExt as _};

    #[test]
    fn the_identity_is_made_once_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        let first = ClientIdentity::load_or_create(dir.path()).unwrap();
        let again = ClientIdentity::load_or_create(dir.path()).unwrap();
        assert_eq!(first.fingerprint(), again.fingerprint());
        assert_eq!(first.private_key_pkcs8_der, again.private_key_pkcs8_der);
        let mode = fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn clients_that_start_together_agree_on_one_identity() {
        let dir = tempfile::tempdir().unwrap();
        let prints: Vec<_> = std::thread::scope(|scope| {
            let start = || ClientIdentity::load_or_create(dir.path()).unwrap().fingerprint();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(prints.iter().all(|print| *print == prints[0]));
    }

    #[test]
    fn a_damaged_identity_is_refused_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        ClientIdentity::load_or_create(dir.path()).unwrap();
        let good = fs::read_to_string(&path).unwrap();
        let key_at = good.find("-----BEGIN PRIVATE KEY").unwrap();
        let truncated = [&good[..0], &good[..key_at], &good[key_at..], &good[..good.len() - 40]];
        for bad in truncated {
            fs::write(&path, bad).unwrap();
            let error = ClientIdentity::load_or_create(dir.path()).unwrap_err();
            assert!(matches!(error, IdentityError::Damaged { .. }), "{error}");
            assert!(error.to_string().contains("mv "), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), bad);
        }
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let pem = |dir: &tempfile::TempDir| {
            ClientIdentity::load_or_create(dir.path()).unwrap();
            fs::read_to_string(dir.path().join(FILE)).unwrap()
        };
        let (first, second) = (pem(&one), pem(&two));
        let at = |pem: &str| pem.find("-----BEGIN PRIVATE KEY").unwrap();
        let mixed = format!("{}{}", &first[..at(&first)], &second[at(&second)..]);
        fs::write(one.path().join(FILE), mixed).unwrap();
        let error = ClientIdentity::load_or_create(one.path()).unwrap_err();
        assert!(error.to_string().contains("the key is not the certificate's"), "{error}");
    }

    #[test]
    fn a_key_that_others_may_read_is_refused_with_the_command_to_run() {
        let dir = tempfile::tempdir().unwrap();
        ClientIdentity::load_or_create(dir.path()).unwrap();
        let path = dir.path().join(FILE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = ClientIdentity::load_or_create(dir.path()).unwrap_err();
        assert!(error.to_string().ends_with(&format!("chmod 600 {}", path.display())), "{error}");
    }
}
