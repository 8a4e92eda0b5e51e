//! TLS 1.3 with trust by fingerprint: any certificate passes, its key must be proven (abuse cases 20 and 21).

use std::sync::{Arc, Mutex, PoisonError};

use punktfunk_proto::units::Fingerprint;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature_with_raw_key},
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime},
    server::{
        NoServerSessionStorage, ResolvesServerCert,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
    version::TLS13,
};

use super::spki::public_key_info;
use crate::{TlsIdentity, TransportError};

/// The protocol name both sides insist on (spec section 1.2).
const ALPN: &[u8] = b"pkf1";
/// The name clients ask for; nobody checks it.
pub(super) const SERVER_NAME: &str = "punktfunk";

/// The host's side: asks for a client certificate, accepts any and none.
pub(super) fn server(identity: &TlsIdentity) -> Result<QuicServerConfig, TransportError> {
    let provider = Arc::new(provider());
    let key = Arc::new(certified_key(identity, &provider)?);
    server_with(Arc::new(OneIdentity(key)), provider)
}

fn server_with(
    identity: Arc<dyn ResolvesServerCert>,
    provider: Arc<CryptoProvider>,
) -> Result<QuicServerConfig, TransportError> {
    let mut config = tls13(identity, provider)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    QuicServerConfig::try_from(config).map_err(setup)
}

/// Asks for a client certificate, accepts any and none.
fn tls13(
    identity: Arc<dyn ResolvesServerCert>,
    provider: Arc<CryptoProvider>,
) -> Result<rustls::ServerConfig, TransportError> {
    let mut config = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&TLS13])
        .map_err(setup)?
        .with_client_cert_verifier(Arc::new(AnyClient(Possession(provider))))
        .with_cert_resolver(identity);
    // Resumed handshakes prove no key, and a reconnect is rare: every connection shows its certificate.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// For the console: as for control connections, any certificate passes and none has to be shown, so that browsers get in.
///
/// # Errors
/// The identity cannot be used.
pub fn https(identity: &TlsIdentity) -> Result<Arc<rustls::ServerConfig>, TransportError> {
    let provider = Arc::new(provider());
    let key = Arc::new(certified_key(identity, &provider)?);
    let mut config = tls13(Arc::new(OneIdentity(key)), provider)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// For who looks at the console and knows the host's certificate: nobody but its holder is talked to.
///
/// # Errors
/// TLS cannot be set up.
pub fn https_client(pin: Fingerprint) -> Result<Arc<rustls::ClientConfig>, TransportError> {
    let host = HostCertificate::new(Some(pin));
    let builder = rustls::ClientConfig::builder_with_provider(host.possession.0.clone())
        .with_protocol_versions(&[&TLS13])
        .map_err(setup)?
        .dangerous()
        .with_custom_certificate_verifier(host);
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// The client's side: shows `identity` if there is one, and holds the host to the pin in `host`.
pub(super) fn client(
    identity: Option<&TlsIdentity>,
    host: Arc<HostCertificate>,
) -> Result<QuicClientConfig, TransportError> {
    let provider = host.possession.0.clone();
    let builder = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&TLS13])
        .map_err(setup)?
        .dangerous()
        .with_custom_certificate_verifier(host);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let key = Arc::new(certified_key(identity, &provider)?);
            builder.with_client_cert_resolver(Arc::new(OneIdentity(key)))
        }
    };
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    QuicClientConfig::try_from(config).map_err(setup)
}

/// The cryptography of both sides: X25519MLKEM768 first, classical groups after it (spec section 1.2).
fn provider() -> CryptoProvider {
    use aws_lc_rs::kx_group::{SECP256R1, SECP384R1, X25519, X25519MLKEM768};
    CryptoProvider { kx_groups: vec![X25519MLKEM768, X25519, SECP256R1, SECP384R1], ..aws_lc_rs::default_provider() }
}

/// Certificate and key, checked to belong together.
fn certified_key(identity: &TlsIdentity, provider: &CryptoProvider) -> Result<CertifiedKey, TransportError> {
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.private_key_pkcs8_der.to_vec()));
    let key = provider.key_provider.load_private_key(der).map_err(TransportError::Identity)?;
    let unreadable = || TransportError::Identity(CertificateError::BadEncoding.into());
    let certified = public_key_info(&identity.certificate_der).ok_or_else(unreadable)?;
    match key.public_key() {
        Some(public) if public.as_ref() != certified => {
            Err(TransportError::Identity(rustls::InconsistentKeys::KeyMismatch.into()))
        }
        _ => Ok(CertifiedKey::new(vec![CertificateDer::from(identity.certificate_der.clone())], key)),
    }
}

fn setup(error: impl std::fmt::Display) -> TransportError {
    TransportError::Setup(error.to_string())
}

/// Shows the same certificate to everybody.
#[derive(Debug)]
struct OneIdentity(Arc<CertifiedKey>);

impl ResolvesServerCert for OneIdentity {
    fn resolve(&self, _hello: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

impl rustls::client::ResolvesClientCert for OneIdentity {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Checks that a peer holds the key of the certificate it shows.
#[derive(Debug)]
struct Possession(Arc<CryptoProvider>);

impl Possession {
    fn verify(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = public_key_info(certificate).ok_or(CertificateError::BadEncoding)?;
        let key = SubjectPublicKeyInfoDer::from(key);
        verify_tls13_signature_with_raw_key(message, &key, signature, &self.0.signature_verification_algorithms)
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// TLS 1.2 is never negotiated, so its signatures are never right.
fn tls12_is_not_spoken() -> Result<HandshakeSignatureValid, Error> {
    Err(Error::PeerIncompatible(rustls::PeerIncompatible::Tls13RequiredForQuic))
}

/// The host's rule for clients (spec section 1.1).
#[derive(Debug)]
struct AnyClient(Possession);

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        tls12_is_not_spoken()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.schemes()
    }
}

/// The client's rule for hosts: the pinned certificate, or any when none is pinned (spec section 1.1).
#[derive(Debug)]
pub(super) struct HostCertificate {
    possession: Possession,
    pin: Option<Fingerprint>,
    mismatch: Mutex<Option<Fingerprint>>,
}

impl HostCertificate {
    pub(super) fn new(pin: Option<Fingerprint>) -> Arc<Self> {
        Arc::new(Self { possession: Possession(Arc::new(provider())), pin, mismatch: Mutex::new(None) })
    }

    /// The pin and what was shown in its place, once that has happened.
    pub(super) fn mismatch(&self) -> Option<(Fingerprint, Fingerprint)> {
        let presented = *self.mismatch.lock().unwrap_or_else(PoisonError::into_inner);
        self.pin.zip(presented)
    }
}

impl ServerCertVerifier for HostCertificate {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let presented = Fingerprint::of_certificate(certificate);
        if self.pin.is_some_and(|pin| pin != presented) {
            *self.mismatch.lock().unwrap_or_else(PoisonError::into_inner) = Some(presented);
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        tls12_is_not_spoken()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.possession.verify(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.possession.schemes()
    }
}

#[cfg(test)]
mod tests {
    use rustls::NamedGroup;

    use super::provider;

    #[test]
    fn the_post_quantum_group_is_offered_first_and_classical_ones_after_it() {
        let groups: Vec<NamedGroup> = provider().kx_groups.iter().map(|group| group.name()).collect();
        assert_eq!(groups[..2], [NamedGroup::X25519MLKEM768, NamedGroup::X25519]);
    }
}
