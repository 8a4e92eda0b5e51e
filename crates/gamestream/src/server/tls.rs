//! TLS 1.2 and 1.3 with trust by fingerprint: any certificate passes, its key must be proven (GameStream spec section 2.8).
//! Who is paired is asked of each request: clients take a refused handshake for a fault of the network.

use std::sync::Arc;

use ::aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerMisbehaved, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime},
    server::{
        NoServerSessionStorage,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    version::{TLS12, TLS13},
};

use crate::{
    HostKey,
    pairing::{Certificate, verify_rsa},
};

/// TLS cannot be set up with this key.
#[derive(Debug, thiserror::Error)]
#[error("TLS for GameStream cannot be set up: {0}")]
pub struct TlsError(Error);

/// Shows the host's certificate, asks for the client's, accepts any and none.
pub(super) fn config(key: &HostKey) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(CryptoProvider { ..aws_lc_rs::default_provider() });
    let chain = vec![CertificateDer::from(key.certificate().der().to_vec())];
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.pkcs8().to_vec()));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS12, &TLS13])
        .map_err(TlsError)?
        .with_client_cert_verifier(Arc::new(AnyClient))
        .with_single_cert(chain, private)
        .map_err(TlsError)?;
    // Resumed handshakes prove no key.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// The host's rule for clients.
#[derive(Debug)]
struct AnyClient;

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
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let parameters = match signature.scheme {
            SignatureScheme::RSA_PKCS1_SHA256 => &RSA_PKCS1_2048_8192_SHA256,
            SignatureScheme::RSA_PKCS1_SHA384 => &RSA_PKCS1_2048_8192_SHA384,
            SignatureScheme::RSA_PKCS1_SHA512 => &RSA_PKCS1_2048_8192_SHA512,
            scheme => pss(scheme)?,
        };
        holds_key(parameters, message, certificate, signature)
    }

    /// TLS 1.3 knows no PKCS#1 v1.5 here (RFC 8446, section 4.2.3).
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        holds_key(pss(signature.scheme)?, message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::RSA_PSS_SHA512,
            SignatureScheme::RSA_PSS_SHA384,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PKCS1_SHA512,
            SignatureScheme::RSA_PKCS1_SHA384,
            SignatureScheme::RSA_PKCS1_SHA256,
        ]
    }
}

fn pss(scheme: SignatureScheme) -> Result<&'static RsaParameters, Error> {
    match scheme {
        SignatureScheme::RSA_PSS_SHA256 => Ok(&RSA_PSS_2048_8192_SHA256),
        SignatureScheme::RSA_PSS_SHA384 => Ok(&RSA_PSS_2048_8192_SHA384),
        SignatureScheme::RSA_PSS_SHA512 => Ok(&RSA_PSS_2048_8192_SHA512),
        _ => Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into()),
    }
}

fn holds_key(
    parameters: &'static RsaParameters,
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let certificate = Certificate::from_der(certificate.to_vec()).map_err(|_| CertificateError::BadEncoding)?;
    match verify_rsa(parameters, certificate.public_key(), message, signature.signature()) {
        true => Ok(HandshakeSignatureValid::assertion()),
        false => Err(CertificateError::BadSignature.into()),
    }
}
