//! What pairing needs of a certificate, found without judging the rest: stock clients send version 3 with serial 0, some
//! forks version 1 or 2, and a full X.509 parser refuses one or the other.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use punktfunk_proto::units::Fingerprint;

/// A certificate with an RSA-2048 signature.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    public_key: Vec<u8>,
    signature: Vec<u8>,
}

/// Why these bytes are no certificate of a Moonlight client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not the text form.
    #[error("the certificate is not PEM")]
    NotPem,
    /// Not DER, cut off, prolonged, or without a key.
    #[error("the certificate cannot be read")]
    Malformed,
    /// Another kind of key or signature.
    #[error("the certificate has no RSA key of 2048 bits")]
    NotRsa2048,
}

impl Certificate {
    /// The longest PEM text, in bytes.
    pub const MAX_PEM: usize = 4_096;

    /// Reads the one certificate in `pem`.
    ///
    /// # Errors
    /// There is none that a Moonlight client could have.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        let text = std::str::from_utf8(pem).map_err(|_| CertificateError::NotPem)?;
        let (_, rest) = text.split_once(BEGIN).ok_or(CertificateError::NotPem)?;
        let (body, _) = rest.split_once(END).ok_or(CertificateError::NotPem)?;
        let digits: String = body.split_ascii_whitespace().collect();
        let der = STANDARD.decode(digits).map_err(|_| CertificateError::NotPem)?;
        Self::from_der(der)
    }

    /// Reads a certificate.
    ///
    /// # Errors
    /// It is none that a Moonlight client could have.
    pub fn from_der(der: Vec<u8>) -> Result<Self, CertificateError> {
        let (public_key, signature) = parts(&der).ok_or(CertificateError::Malformed)?;
        let (public_key, signature) = (public_key.to_vec(), signature.to_vec());
        let is_rsa = public_key.windows(RSA_ENCRYPTION.len()).any(|window| window == RSA_ENCRYPTION);
        if !is_rsa || signature.len() != SIGNATURE_LEN || public_key.len() < SIGNATURE_LEN {
            return Err(CertificateError::NotRsa2048);
        }
        Ok(Self { der, public_key, signature })
    }

    /// The `SubjectPublicKeyInfo`, DER.
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// The signature BIT STRING, 256 bytes.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The whole certificate.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Who it is: the SHA-256 of the whole certificate.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_certificate(&self.der)
    }

    /// As text, with lines of 64 characters.
    pub fn to_pem(&self) -> String {
        let digits = STANDARD.encode(&self.der);
        let mut pem = format!("{BEGIN}\n");
        for line in digits.as_bytes().chunks(64) {
            pem.extend(line.iter().map(|&byte| char::from(byte)));
            pem.push('\n');
        }
        pem + END + "\n"
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}

/// The public key and the signature of a certificate (RFC 5280, section 4.1), whatever its version.
fn parts(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (certificate, trailing) = expect(der, SEQUENCE)?;
    let (tbs, rest) = expect(certificate.content, SEQUENCE)?;
    let (_algorithm, rest) = expect(rest, SEQUENCE)?;
    let (signature, after) = expect(rest, BIT_STRING)?;
    let (&unused_bits, signature) = signature.content.split_first()?;
    if !trailing.is_empty() || !after.is_empty() || unused_bits != 0 {
        return None;
    }
    let mut fields = tbs.content;
    if let Some((_version, rest)) = expect(fields, EXPLICIT_VERSION) {
        fields = rest;
    }
    // Serial number, signature algorithm, issuer, validity, subject.
    for tag in [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE] {
        (_, fields) = expect(fields, tag)?;
    }
    let (key, _) = expect(fields, SEQUENCE)?;
    Some((key.whole, signature))
}

struct Element<'a> {
    whole: &'a [u8],
    content: &'a [u8],
}

/// The element at the start of `input` and what follows it, if it has this tag and is complete.
fn expect(input: &[u8], tag: u8) -> Option<(Element<'_>, &[u8])> {
    let (&found, after_tag) = input.split_first()?;
    let (&first, after_length) = after_tag.split_first()?;
    if found != tag {
        return None;
    }
    let (length, content) = match first {
        0..=0x7f => (usize::from(first), after_length),
        // At most four length bytes: a certificate never needs more, and the sum below cannot overflow.
        0x81..=0x84 => {
            let (digits, content) = after_length.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit)), content)
        }
        _ => return None,
    };
    let (content, rest) = content.split_at_checked(length)?;
    let whole = &input[..input.len() - rest.len()];
    Some((Element { whole, content }, rest))
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;
const EXPLICIT_VERSION: u8 = 0xa0;
/// The object identifier 1.2.840.113549.1.1.1 as it stands in an RSA key.
const RSA_ENCRYPTION: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// Bytes of a signature by an RSA-2048 key.
const SIGNATURE_LEN: usize = 256;

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::{Certificate, CertificateError};

    /// Version 1 with serial 0, made by hand out of a stock client's: without the version and with nothing else changed.
    fn version_1(stock: &Certificate) -> Vec<u8> {
        let der = stock.der();
        let version = der.windows(5).position(|window| window == [0xa0, 0x03, 0x02, 0x01, 0x02]).unwrap();
        let mut without = [&der[..version], &der[version + 5..]].concat();
        for length_at in [2, 6] {
            let length = u16::from_be_bytes([without[length_at], without[length_at + 1]]) - 5;
            without[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
        }
        without
    }

    fn stock() -> Certificate {
        let vectors = include_str!("../../tests/vectors/gamestream-pairing.json");
        let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
        Certificate::from_pem(vectors["client_cert_pem"].as_str().unwrap().as_bytes()).unwrap()
    }

    #[test]
    fn a_certificate_of_version_1_is_as_good_as_one_of_version_3() {
        let stock = stock();
        let old = Certificate::from_der(version_1(&stock)).unwrap();
        assert_eq!((old.public_key(), old.signature()), (stock.public_key(), stock.signature()));
        assert_ne!(old.fingerprint(), stock.fingerprint());
    }

    #[test]
    fn a_certificate_survives_its_text_form() {
        let stock = stock();
        assert_eq!(Certificate::from_pem(stock.to_pem().as_bytes()), Ok(stock));
    }

    #[test]
    fn a_certificate_cut_anywhere_or_prolonged_is_none() {
        let der = stock().der().to_vec();
        for length in 0..der.len() {
            assert!(Certificate::from_der(der[..length].to_vec()).is_err(), "cut at {length}");
        }
        assert_eq!(Certificate::from_der([der, vec![0]].concat()), Err(CertificateError::Malformed));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes: Vec<u8>) {
            let _ = Certificate::from_der(bytes.clone());
            let _ = Certificate::from_der([&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..], &bytes].concat());
            let _ = Certificate::from_pem(&[b"-----BEGIN CERTIFICATE-----", &bytes[..], b"-----END CERTIFICATE-----"].concat());
        }
    }
}
