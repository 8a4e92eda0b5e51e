use aes_gcm::{
    Aes128Gcm, KeyInit as _,
    aead::{Aead as _, Payload},
};
use chacha20poly1305::ChaCha20Poly1305;
use proptest::prelude::{any, proptest};

use super::{Direction, MediaKeys, OpenError, Opener, SEQ_BYTES, SealError, Sealer, TAG_BYTES};

const AES: [u8; 16] = [7; 16];
const CHACHA: [u8; 32] = [9; 32];
const SALT: [u8; 4] = [0xA0, 1, 2, 3];

fn both() -> [MediaKeys; 2] {
    [MediaKeys::aes128_gcm(AES, SALT), MediaKeys::chacha20_poly1305(CHACHA, SALT)]
}

fn sealed(sealer: &mut Sealer, plaintext: &[u8]) -> Vec<u8> {
    let mut datagram = [&[0; SEQ_BYTES][..], plaintext, &[0; TAG_BYTES]].concat();
    sealer.seal(&mut datagram).unwrap();
    datagram
}

/// The plain twin: the same construction over the RustCrypto implementations.
fn twin(cipher: usize, direction: Direction, seq: u64, plaintext: &[u8]) -> Vec<u8> {
    let seq = seq.to_be_bytes();
    let mut nonce = [0; 12];
    nonce[..4].copy_from_slice(&SALT);
    nonce[0] = if direction == Direction::HostToClient { nonce[0] & 0x7F } else { nonce[0] | 0x80 };
    nonce[4..].copy_from_slice(&seq);
    let payload = Payload { msg: plaintext, aad: &seq };
    let body = match cipher {
        0 => Aes128Gcm::new(&AES.into()).encrypt(&nonce.into(), payload),
        _ => ChaCha20Poly1305::new(&CHACHA.into()).encrypt(&nonce.into(), payload),
    };
    [&seq[..], &body.unwrap()].concat()
}

proptest! {
    #[test]
    fn both_ciphers_agree_with_their_plain_twins(plaintext in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        for (cipher, keys) in both().iter().enumerate() {
            for direction in [Direction::HostToClient, Direction::ClientToHost] {
                let (mut sealer, mut opener) = (Sealer::new(keys, direction), Opener::new(keys, direction));
                for seq in 0..3 {
                    let mut datagram = sealed(&mut sealer, &plaintext);
                    assert_eq!(datagram, twin(cipher, direction, seq, &plaintext));
                    assert_eq!(opener.open(&mut datagram).unwrap(), plaintext);
                }
            }
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_is_not_authentic(bit in 0_usize..(64 + 24) * 8) {
        for keys in both() {
            let mut datagram = sealed(&mut Sealer::new(&keys, Direction::HostToClient), &[5; 64]);
            datagram[bit / 8] ^= 1 << (bit % 8);
            let mut opener = Opener::new(&keys, Direction::HostToClient);
            assert_eq!(opener.open(&mut datagram), Err(OpenError::NotAuthentic));
        }
    }
}

#[test]
fn the_other_direction_does_not_open() {
    let [keys, _] = both();
    let mut datagram = sealed(&mut Sealer::new(&keys, Direction::ClientToHost), b"echo");
    let mut opener = Opener::new(&keys, Direction::HostToClient);
    assert_eq!(opener.open(&mut datagram), Err(OpenError::NotAuthentic));
}

#[test]
fn a_replayed_datagram_is_dropped_and_a_forged_one_does_not_move_the_window() {
    let [keys, _] = both();
    let (mut sealer, mut opener) =
        (Sealer::new(&keys, Direction::HostToClient), Opener::new(&keys, Direction::HostToClient));
    let (first, second) = (sealed(&mut sealer, b"first"), sealed(&mut sealer, b"second"));
    let mut forged = second.clone();
    forged[..SEQ_BYTES].copy_from_slice(&u64::MAX.to_be_bytes());
    assert_eq!(opener.open(&mut forged), Err(OpenError::NotAuthentic));
    assert!(opener.open(&mut second.clone()).is_ok());
    assert!(opener.open(&mut first.clone()).is_ok(), "reordered, not replayed");
    assert_eq!(opener.open(&mut first.clone()), Err(OpenError::Replayed));
    assert_eq!(opener.open(&mut second.clone()), Err(OpenError::Replayed));
}

#[test]
fn a_nonce_is_never_used_twice() {
    let [keys, _] = both();
    let mut sealer = Sealer::new(&keys, Direction::HostToClient);
    sealer.next = Some(u64::MAX);
    let mut datagram = [0; SEQ_BYTES + TAG_BYTES];
    assert_eq!(sealer.seal(&mut datagram), Ok(u64::MAX));
    assert_eq!(sealer.seal(&mut datagram), Err(SealError::Exhausted));
}

#[test]
fn short_datagrams_are_refused() {
    let [keys, _] = both();
    let mut opener = Opener::new(&keys, Direction::HostToClient);
    for length in 0..SEQ_BYTES + TAG_BYTES {
        assert_eq!(opener.open(&mut vec![0; length]), Err(OpenError::TooShort));
    }
    assert_eq!(Sealer::new(&keys, Direction::HostToClient).seal(&mut [0; 23]), Err(SealError::Length));
}

#[test]
fn keys_are_not_printed() {
    assert_eq!(format!("{:?}", both()[0]), "MediaKeys(Aes128Gcm, redacted)");
}
