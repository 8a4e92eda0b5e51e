//! Finds the public key in a certificate without judging the rest of it.
//!
//! Trust rests on the fingerprint and on proof of the key, so a version 1 certificate, one with unknown critical
//! extensions or absurd dates is as good as any (abuse case 20). A full X.509 parser would refuse those.

/// The DER of the `SubjectPublicKeyInfo` of `certificate`, or `None` when it is no certificate.
pub(super) fn public_key_info(certificate: &[u8]) -> Option<&[u8]> {
    let (certificate, trailing) = expect(certificate, SEQUENCE)?;
    if !trailing.is_empty() {
        return None;
    }
    let (tbs, _signature) = expect(certificate.content, SEQUENCE)?;
    let mut fields = tbs.content;
    if let Some((_version, rest)) = expect(fields, EXPLICIT_VERSION) {
        fields = rest;
    }
    // Serial number, signature algorithm, issuer, validity, subject: RFC 5280, section 4.1.
    for tag in [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE] {
        (_, fields) = expect(fields, tag)?;
    }
    let (key, _extensions) = expect(fields, SEQUENCE)?;
    Some(key.whole)
}

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
const EXPLICIT_VERSION: u8 = 0xa0;

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

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};
    use rustls::{crypto::aws_lc_rs::sign::any_supported_type, pki_types::PrivateKeyDer};

    use super::public_key_info;

    #[test]
    fn the_key_found_is_the_key_that_was_certified() {
        let made = rcgen::generate_simple_self_signed(["punktfunk".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let key = any_supported_type(&key).unwrap();
        assert_eq!(public_key_info(made.cert.der()), key.public_key().as_deref().map(AsRef::as_ref));
    }

    #[test]
    fn a_certificate_cut_anywhere_or_prolonged_is_none() {
        let made = rcgen::generate_simple_self_signed(["punktfunk".to_owned()]).unwrap();
        let der = made.cert.der().to_vec();
        for length in 0..der.len() {
            assert_eq!(public_key_info(&der[..length]), None, "cut at {length}");
        }
        assert_eq!(public_key_info(&[der, vec![0]].concat()), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_search_panic(bytes: Vec<u8>, start in any::<bool>()) {
            let framed = [&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..], &bytes].concat();
            public_key_info(if start { &framed } else { &bytes });
        }
    }
}
