//! A client with an RSA key of 1024 bits (abuse case 20). No library signs with one any more, so that the attacker
//! brings his own arithmetic; the same arithmetic with 2048 bits is accepted.

use std::sync::Arc;

use punktfunk_tools::rogue::{End, Line, Persona, Rogue, Victim, source};
use rcgen::{CertificateParams, KeyPair, PublicKeyData};
use rustls::{
    SignatureAlgorithm, SignatureScheme,
    sign::{Signer, SigningKey},
};
use sha2::{Digest as _, Sha256};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_too_short_to_prove_anything_gets_no_further_than_the_handshake() {
    let victim = Victim::start("").unwrap();
    let rogue = Rogue::at(source(0)).unwrap();
    let long = rogue.call(victim.address, &Key::long_enough().persona()).await;
    let mut long = long.unwrap();
    long.hello("Long enough").await.unwrap();
    victim.wait_for_knocks(|knocks| knocks.len() == 1).await.unwrap();
    assert_eq!(long.end_within(std::time::Duration::ZERO).await, End::Open, "the arithmetic is right");

    let end = match rogue.call(victim.address, &Key::too_short().persona()).await {
        // The client's half of the handshake ends before the host looks at the signature.
        Ok(line) => says_hello(line).await,
        Err(error) => End::Broken(error.to_string()),
    };
    assert!(matches!(&end, End::Broken(how) if how.contains("handshake")), "{end}");
    assert_eq!((victim.knocks().unwrap().len(), victim.devices().unwrap()), (1, 0));
}

async fn says_hello(mut line: Line) -> End {
    // Whether it can be written is not the question, but how the connection ends.
    let _ = line.hello("Too short").await;
    line.end().await
}

/// An RSA key: modulus and private exponent, most significant byte first. The public exponent is 65537.
#[derive(Clone, Debug)]
struct Key {
    modulus: Vec<u8>,
    private: Vec<u8>,
}

impl Key {
    fn too_short() -> Self {
        Self { modulus: bytes(MODULUS), private: bytes(PRIVATE) }
    }

    /// A fresh key of 2048 bits. In PKCS#8 (RFC 5208) it is the octet string of the third field, in which
    /// RSAPrivateKey (RFC 8017) has version, modulus, public and private exponent.
    fn long_enough() -> Self {
        let pkcs8 = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap().serialize_der();
        let outer = fields(fields(&pkcs8)[0]);
        let numbers = fields(fields(outer[2])[0]);
        let unsigned = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
        Self { modulus: unsigned(numbers[1]), private: unsigned(numbers[3]) }
    }

    fn persona(self) -> Persona {
        let certificate = CertificateParams::new(["punktfunk-client".to_owned()]).unwrap().self_signed(&self).unwrap();
        Persona::signing("RSA", certificate.der().to_vec(), Arc::new(self))
    }

    /// RSASSA-PSS with SHA-256 and a salt of 32 bytes (RFC 8017, sections 8.1.1 and 9.1.1).
    fn sign_pss(&self, message: &[u8]) -> Vec<u8> {
        let (length, salt) = (self.modulus.len(), [0x5A; 32]);
        let hash = Sha256::new().chain_update([0; 8]).chain_update(Sha256::digest(message)).chain_update(salt);
        let hash = hash.finalize();
        let mut block = vec![0; length - 66];
        block.push(1);
        block.extend(salt);
        let mask = (0_u32..).flat_map(|n| Sha256::new().chain_update(hash).chain_update(n.to_be_bytes()).finalize());
        block.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        block[0] &= 0x7F;
        block.extend(hash);
        block.push(0xBC);
        power(&limbs(&block), &self.private, &limbs(&self.modulus))
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        // Made once a key; a test may leak it.
        let number = |bytes: &[u8]| element(0x02, &[&[0], bytes].concat());
        element(0x30, &[number(&self.modulus), element(0x02, &[1, 0, 1])].concat()).leak()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

impl rcgen::SigningKey for Key {
    /// Nobody looks at a certificate's own signature.
    fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(vec![0; self.modulus.len()])
    }
}

impl SigningKey for Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered.contains(&SignatureScheme::RSA_PSS_SHA256).then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

impl Signer for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Ok(self.sign_pss(message))
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::RSA_PSS_SHA256
    }
}

/// A number, least significant limb first; the top bit of the top limb of `n` is set.
type Limbs = Vec<u64>;

fn limbs(bytes: &[u8]) -> Limbs {
    bytes.rchunks(8).map(|chunk| chunk.iter().fold(0, |limb, byte| limb << 8 | u64::from(*byte))).collect()
}

/// `base` to the `exponent`, modulo `n`, as bytes.
fn power(base: &Limbs, exponent: &[u8], n: &Limbs) -> Vec<u8> {
    let mut result = vec![0; n.len()];
    result[0] = 1;
    for bit in exponent.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)) {
        result = times(&result, &result, n);
        if bit == 1 {
            result = times(&result, base, n);
        }
    }
    result.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect()
}

/// `a` times `b` modulo `n`, bit by bit.
fn times(a: &Limbs, b: &Limbs, n: &Limbs) -> Limbs {
    let mut result = vec![0; n.len()];
    for bit in b.iter().rev().flat_map(|limb| (0..64).rev().map(move |bit| limb >> bit & 1)) {
        let copy = result.clone();
        add(&mut result, &copy, n);
        if bit == 1 {
            add(&mut result, a, n);
        }
    }
    result
}

/// `a` becomes `a` plus `b` modulo `n`; both are less than `n`.
fn add(a: &mut Limbs, b: &Limbs, n: &Limbs) {
    let mut carry = 0;
    for (a, b) in a.iter_mut().zip(b) {
        let sum = u128::from(*a) + u128::from(*b) + carry;
        (*a, carry) = (sum as u64, sum >> 64);
    }
    if carry == 1 || a.iter().rev().ge(n.iter().rev()) {
        let mut borrow = false;
        for (a, n) in a.iter_mut().zip(n) {
            let (less, first) = a.overflowing_sub(*n);
            let (less, second) = less.overflowing_sub(u64::from(borrow));
            (*a, borrow) = (less, first || second);
        }
    }
}

/// The contents of the DER elements in `der`, one after the other.
fn fields(mut der: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while let [_, length, rest @ ..] = der {
        let digits = if *length < 0x80 { 0 } else { usize::from(length & 0x7F) };
        let long = rest[..digits].iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
        let length = if digits == 0 { usize::from(*length) } else { long };
        let (content, next) = rest[digits..].split_at(length);
        found.push(content);
        der = next;
    }
    found
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let header =
        if length < 0x80 { vec![tag, length as u8] } else { vec![tag, 0x82, (length >> 8) as u8, length as u8] };
    [header, content.to_vec()].concat()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// A key of 1024 bits, made for this test and used nowhere else.
const MODULUS: &str = "e5c5d0314b88baeb6105e1e75d5c0b0f1f4ce5f5cec5e9dc9c5faf7718e6aed9\
    e892fac5911e1c9e325a4bc06c2cd92728aeda4857498c60acfeb942ba2b64f2\
    5ac11c0f23f07f928b4143836797df788bed7a12dd9a9924b551e952e708f951\
    edd41588eef7eede6b83cce8239773ddfe8fb126f3559b87cffbf0fd4269a0f3";
const PRIVATE: &str = "05c8096a041d879e7e8d7856aaf9b2e9897f14d62f82b954acb697a2a684bf67\
    8a3b9085c21600e05622017ff0f8dbe9e95324f8e70159bfe0fa73cce3044e80\
    e264a7777c74cdd1da085a6a047cb946b2b4845b0de607d7ed850975d550c319\
    8dc5a902d435ae4923337f3a55b856aee35de934187faa30e150d7fd548216b1";
