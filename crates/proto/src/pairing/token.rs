//! The join token: what a QR code carries in place of a PIN.

use std::{fmt, str::FromStr};

use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

/// 128 random bits, good for one device. Wiped when dropped, never printed, compared in constant time.
///
/// Written as 26 characters of Crockford's base32 in capitals, the first of them 0 to 7. Those characters, as ASCII,
/// are the ceremony's password, as a PIN's digits are (spec section 3.1): on the wire nothing differs.
#[derive(Clone)]
pub struct JoinToken([u8; LEN]);

impl JoinToken {
    /// Characters of a token.
    pub const LEN: usize = LEN;

    /// The token of these bits, which must come fresh from the system's generator.
    pub fn from_random(mut random: [u8; 16]) -> Self {
        let number = u128::from_be_bytes(random);
        random.zeroize();
        Self(std::array::from_fn(|place| {
            let shift = 5 * (LEN - 1 - place);
            ALPHABET[(number >> shift) as usize & 31]
        }))
    }

    /// The characters, for the join link.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a token holds ASCII characters only")
    }

    pub(super) fn as_bytes(&self) -> &[u8; LEN] {
        &self.0
    }
}

/// A text that is no join token. Says nothing about the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a join token is 26 letters and digits, as in the link that the host shows")]
pub struct TokenSyntax;

impl FromStr for JoinToken {
    type Err = TokenSyntax;

    /// Reads 26 characters, small letters too. Nobody types a token, so look-alikes (O for 0) are refused.
    fn from_str(text: &str) -> Result<Self, TokenSyntax> {
        let bytes = <[u8; LEN]>::try_from(text.as_bytes()).map_err(|_| TokenSyntax)?;
        let token = Self(bytes.map(|byte| byte.to_ascii_uppercase()));
        let fits = token.0[0] < b'8' && token.0.iter().all(|byte| ALPHABET.contains(byte));
        if fits { Ok(token) } else { Err(TokenSyntax) }
    }
}

impl PartialEq for JoinToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for JoinToken {}

impl Drop for JoinToken {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JoinToken(····)")
    }
}

/// 128 bits in fives, rounded up.
const LEN: usize = 26;
/// Crockford's base32: no I, L, O or U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

#[cfg(test)]
mod tests {
    use super::{JoinToken, TokenSyntax};
    use proptest::prelude::{any, prop_assert_eq, proptest};

    #[test]
    fn the_bits_are_written_most_significant_first() {
        assert_eq!(JoinToken::from_random([0; 16]).as_str(), "00000000000000000000000000");
        assert_eq!(JoinToken::from_random([0xFF; 16]).as_str(), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
        let mut one = [0; 16];
        one[15] = 33;
        assert_eq!(JoinToken::from_random(one).as_str(), "00000000000000000000000011");
    }

    #[test]
    fn only_26_characters_of_the_alphabet_are_a_token() {
        let megabyte = "1".repeat(1 << 20);
        let good = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ";
        for text in ["", "4321", &good[1..], "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "7OZZZZZZZZZZZZZZZZZZZZZZZZ", &megabyte] {
            assert_eq!(text.parse::<JoinToken>(), Err(TokenSyntax), "{:?}", text.get(..8));
        }
        assert_eq!(good.to_lowercase().parse::<JoinToken>().unwrap().as_str(), good);
    }

    #[test]
    fn a_token_is_not_printed() {
        assert_eq!(format!("{:?}", JoinToken::from_random([7; 16])), "JoinToken(····)");
    }

    proptest! {
        #[test]
        fn every_token_is_read_as_it_was_written_and_no_two_look_alike(a in any::<[u8; 16]>(), b in any::<[u8; 16]>()) {
            let [one, two] = [a, b].map(JoinToken::from_random);
            prop_assert_eq!(&one.as_str().parse::<JoinToken>().unwrap(), &one);
            prop_assert_eq!(one == two, a == b);
        }
    }
}
