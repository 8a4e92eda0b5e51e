//! What both sides of a ceremony know.

use std::{fmt, str::FromStr};

use super::{JoinToken, Pin};

/// The ceremony's password: a PIN that a person types, or a token that a QR code carries.
#[derive(Clone, PartialEq, Eq)]
pub enum PairingSecret {
    /// Four digits: one guess, or they are guessed.
    Pin(Pin),
    /// 128 bits: nobody guesses them.
    Token(JoinToken),
}

impl PairingSecret {
    /// The digits or characters, for the owner's eyes.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pin(pin) => pin.digits(),
            Self::Token(token) => token.as_str(),
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Pin(pin) => pin.as_bytes(),
            Self::Token(token) => token.as_bytes(),
        }
    }
}

/// A text that is neither. Says nothing about the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is neither a PIN (four digits) nor a join token (26 letters and digits)")]
pub struct SecretSyntax;

impl FromStr for PairingSecret {
    type Err = SecretSyntax;

    fn from_str(text: &str) -> Result<Self, SecretSyntax> {
        match text.len() {
            JoinToken::LEN => text.parse().map(Self::Token).map_err(|_| SecretSyntax),
            _ => text.parse().map(Self::Pin).map_err(|_| SecretSyntax),
        }
    }
}

impl From<Pin> for PairingSecret {
    fn from(pin: Pin) -> Self {
        Self::Pin(pin)
    }
}

impl From<JoinToken> for PairingSecret {
    fn from(token: JoinToken) -> Self {
        Self::Token(token)
    }
}

impl fmt::Debug for PairingSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pin(pin) => pin.fmt(f),
            Self::Token(token) => token.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PairingSecret, SecretSyntax};

    #[test]
    fn a_pin_and_a_token_are_told_apart_and_everything_else_is_refused() {
        assert!(matches!("4321".parse(), Ok(PairingSecret::Pin(_))));
        assert!(matches!("7ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse(), Ok(PairingSecret::Token(_))));
        for text in ["", "43210", "１２３４", "4321 ", "UZZZZZZZZZZZZZZZZZZZZZZZZZ"] {
            assert_eq!(text.parse::<PairingSecret>(), Err(SecretSyntax), "{text:?}");
        }
    }

    #[test]
    fn neither_is_printed() {
        for secret in ["4321", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"] {
            assert!(!format!("{:?}", secret.parse::<PairingSecret>().unwrap()).contains(['4', 'Z']));
        }
    }
}
