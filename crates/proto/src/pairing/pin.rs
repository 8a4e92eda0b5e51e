//! The PIN.

use std::{fmt, str::FromStr};

use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

/// Exactly four ASCII digits. Wiped when dropped, never printed, compared in constant time.
#[derive(Clone)]
pub struct Pin([u8; 4]);

impl Pin {
    /// A PIN from a random number, every one of the 10,000 equally likely if `random` is uniform.
    ///
    /// `None` for the few highest numbers, which would favour low PINs: draw again.
    pub fn from_random(random: u32) -> Option<Self> {
        const FAIR: u32 = u32::MAX - u32::MAX % 10_000;
        if random >= FAIR {
            return None;
        }
        let number = random % 10_000;
        Some(Self([1_000, 100, 10, 1].map(|place| b'0' + (number / place % 10) as u8)))
    }

    /// The digits, for the owner's eyes.
    pub fn digits(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a PIN holds ASCII digits only")
    }

    pub(super) fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }
}

/// A text that is no PIN. Says nothing about the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a PIN is four digits, 0 to 9")]
pub struct PinSyntax;

impl FromStr for Pin {
    type Err = PinSyntax;

    /// Reads four ASCII digits and nothing else: no blanks, signs or other scripts' digits (abuse case 8).
    fn from_str(text: &str) -> Result<Self, PinSyntax> {
        match <[u8; 4]>::try_from(text.as_bytes()) {
            Ok(digits) if digits.iter().all(u8::is_ascii_digit) => Ok(Self(digits)),
            _ => Err(PinSyntax),
        }
    }
}

impl PartialEq for Pin {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Pin {}

impl Drop for Pin {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(····)")
    }
}

#[cfg(test)]
mod tests {
    use super::{Pin, PinSyntax};

    #[test]
    fn only_four_ascii_digits_are_a_pin() {
        let megabyte = "1".repeat(1 << 20);
        for text in ["", "1", "123", "00000", "１２３４", "12 4", "+123", "-123", "12.4", "١٢٣٤", "123\0", &megabyte]
        {
            assert_eq!(text.parse::<Pin>(), Err(PinSyntax), "{:?}", text.get(..8));
        }
        assert_eq!("0042".parse::<Pin>().unwrap().digits(), "0042");
    }

    #[test]
    fn random_numbers_give_every_pin_alike() {
        assert_eq!(Pin::from_random(7).unwrap().digits(), "0007");
        assert_eq!(Pin::from_random(4_294_959_999).unwrap().digits(), "9999");
        assert_eq!(Pin::from_random(4_294_960_000), None);
        assert_eq!(Pin::from_random(u32::MAX), None);
    }

    #[test]
    fn a_pin_is_not_printed() {
        assert!(!format!("{:?}", "4321".parse::<Pin>().unwrap()).contains(['4', '3', '2', '1']));
    }
}
