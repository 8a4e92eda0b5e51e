//! Whether unknown devices need the owner.

use std::str::FromStr;

use serde::Deserialize;

/// What happens to a client nobody has paired. There is no way to read this from a text other than the two words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PairingPolicy {
    /// It is held until the owner approves, or pairs with a PIN. Advertised as `pair=required`.
    #[default]
    Require,
    /// It is let in, certificate or not. Advertised as `pair=optional`.
    Open,
}

/// A policy that is neither of the two.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pairing policy {found:?} is unknown: write \"require\" (unknown devices need approval) or \"open\"")]
pub struct UnknownPolicy {
    /// What was written.
    pub found: String,
}

impl FromStr for PairingPolicy {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        match text {
            "require" => Ok(Self::Require),
            "open" => Ok(Self::Open),
            other => Err(UnknownPolicy { found: other.chars().take(64).collect() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PairingPolicy;

    #[test]
    fn a_misspelled_policy_is_an_error_and_never_open() {
        assert_eq!("open".parse(), Ok(PairingPolicy::Open));
        assert_eq!("require".parse(), Ok(PairingPolicy::Require));
        for wrong in ["", "Open", "OPEN", " open", "open ", "opne", "required", "optional", "true", "ореn"] {
            assert!(wrong.parse::<PairingPolicy>().is_err(), "{wrong:?}");
        }
        assert_eq!(PairingPolicy::default(), PairingPolicy::Require);
    }
}
