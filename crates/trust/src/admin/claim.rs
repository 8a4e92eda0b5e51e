//! The code that the first administrator proves to be at the machine with.

use std::fmt;

use rand::{CryptoRng, Rng};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

/// 40 random bits as eight characters of Crockford's base32, shown as `XXXX-XXXX`. Wiped when dropped, never printed.
///
/// At the rate that the throttle leaves to all sources together (below 20 a second), half of the codes take 800 years.
pub struct ClaimCode([u8; 8]);

impl ClaimCode {
    /// A new code.
    pub(crate) fn draw(rng: &mut impl CryptoRng) -> Self {
        Self(std::array::from_fn(|_| ALPHABET[rng.random_range(0..ALPHABET.len())]))
    }

    /// The code as it is shown, with a hyphen in the middle.
    pub fn to_text(&self) -> Zeroizing<String> {
        let text = std::str::from_utf8(&self.0).expect("a code holds ASCII characters only");
        let (first, second) = text.split_at(4);
        Zeroizing::new([first, "-", second].concat())
    }

    /// Whether `typed` is this code. Hyphens and blanks may stand anywhere; small letters count, and so does an O
    /// for 0, an I or L for 1. Takes the same time for every text of eight characters.
    pub(crate) fn matches(&self, typed: &str) -> bool {
        if typed.len() > LONGEST_TYPED {
            return false;
        }
        let mut code = [0; 8];
        let mut length = 0;
        for byte in typed.bytes().filter(|byte| !matches!(byte, b' ' | b'-')) {
            let Some(place) = code.get_mut(length) else { return false };
            *place = as_shown(byte);
            length += 1;
        }
        let matches = length == code.len() && bool::from(code.ct_eq(&self.0));
        code.zeroize();
        matches
    }
}

impl Drop for ClaimCode {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for ClaimCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimCode(····)")
    }
}

fn as_shown(typed: u8) -> u8 {
    match typed.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        other => other,
    }
}

/// Crockford's base32: no I, L, O or U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// In bytes; more is not looked at.
const LONGEST_TYPED: usize = 32;

#[cfg(test)]
mod tests {
    use super::ClaimCode;
    use rand::{SeedableRng, rngs::StdRng};

    #[test]
    fn a_code_is_recognised_as_people_type_it_and_nothing_else_is() {
        let code = ClaimCode(*b"01ABCXYZ");
        assert_eq!(*code.to_text(), "01AB-CXYZ");
        for typed in ["01AB-CXYZ", "01ABCXYZ", "01ab cxyz", " oIab-cXyZ ", "OLABCXYZ", "0-1-A-B-C-X-Y-Z"] {
            assert!(code.matches(typed), "{typed:?}");
        }
        let megabyte = "0".repeat(1 << 20);
        for typed in ["", "01AB-CXY", "01AB-CXYZ0", "01AB-CXYY", "０１ＡＢＣＸＹＺ", &megabyte] {
            assert!(!code.matches(typed), "{:?}", typed.get(..8));
        }
    }

    #[test]
    fn codes_differ_and_are_not_printed() {
        let mut rng = StdRng::seed_from_u64(1);
        let codes: std::collections::HashSet<_> =
            (0..10_000).map(|_| ClaimCode::draw(&mut rng).to_text().to_string()).collect();
        assert_eq!(codes.len(), 10_000, "two alike among 10,000 of 2^40 come once in 20,000 runs");
        assert_eq!(format!("{:?}", ClaimCode(*b"01ABCXYZ")), "ClaimCode(····)");
    }
}
