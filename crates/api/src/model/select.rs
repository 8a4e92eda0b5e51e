//! How people name a knock or a device: by the id a list shows, or by the beginning of the fingerprint.

use std::{fmt, str::FromStr};

use punktfunk_proto::units::Fingerprint;
use serde::{Deserialize, Serialize};

/// The first digits of a fingerprint: 8 to 64 lowercase hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FingerprintPrefix(String);

impl FingerprintPrefix {
    /// As many digits as lists show.
    pub const MIN_DIGITS: usize = 8;

    /// Whether `fingerprint` begins with these digits.
    pub fn matches(&self, fingerprint: &Fingerprint) -> bool {
        fingerprint.to_string().starts_with(&self.0)
    }

    /// The one of `items` whose fingerprint begins with these digits.
    ///
    /// # Errors
    /// None does, or several do: an ambiguous prefix must never pick one.
    pub fn find<T>(
        &self,
        items: impl IntoIterator<Item = T>,
        fingerprint: impl Fn(&T) -> Fingerprint,
    ) -> Result<T, SelectError> {
        let mut matching = items.into_iter().filter(|item| self.matches(&fingerprint(item)));
        let first = matching.next().ok_or(SelectError::NoMatch)?;
        if matching.next().is_some() { Err(SelectError::Ambiguous) } else { Ok(first) }
    }
}

/// Why a prefix named nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// Nothing begins with it.
    #[error("no fingerprint begins with these digits")]
    NoMatch,
    /// More than one does.
    #[error("several fingerprints begin with these digits; give more of them")]
    Ambiguous,
}

/// A text that is no prefix of a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give {min} to 64 hexadecimal digits of the fingerprint, as the list shows them", min = FingerprintPrefix::MIN_DIGITS)]
pub struct PrefixSyntax;

impl FromStr for FingerprintPrefix {
    type Err = PrefixSyntax;

    /// Reads hex digits of either case; blanks and colons between them are allowed.
    fn from_str(text: &str) -> Result<Self, PrefixSyntax> {
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | ':')).map(|c| c.to_ascii_lowercase()).collect();
        let fits = (Self::MIN_DIGITS..=64).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        if fits { Ok(Self(digits)) } else { Err(PrefixSyntax) }
    }
}

impl TryFrom<String> for FingerprintPrefix {
    type Error = PrefixSyntax;

    fn try_from(text: String) -> Result<Self, PrefixSyntax> {
        text.parse()
    }
}

impl From<FingerprintPrefix> for String {
    fn from(prefix: FingerprintPrefix) -> Self {
        prefix.0
    }
}

impl From<Fingerprint> for FingerprintPrefix {
    fn from(fingerprint: Fingerprint) -> Self {
        Self(fingerprint.to_string())
    }
}

impl fmt::Display for FingerprintPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names one knock of the pending list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnockSelector {
    /// By the id the list shows.
    Id(u64),
    /// By the beginning of its fingerprint.
    Fingerprint(FingerprintPrefix),
}

impl FromStr for KnockSelector {
    type Err = PrefixSyntax;

    /// Fewer than eight decimal digits are an id, anything longer the beginning of a fingerprint: no text can be
    /// both.
    fn from_str(text: &str) -> Result<Self, PrefixSyntax> {
        let is_id = text.len() < FingerprintPrefix::MIN_DIGITS && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(id) if is_id => Ok(Self::Id(id)),
            _ => text.parse().map(Self::Fingerprint),
        }
    }
}

impl fmt::Display for KnockSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Fingerprint(prefix) => write!(f, "{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use punktfunk_proto::units::Fingerprint;

    use super::{FingerprintPrefix, KnockSelector, PrefixSyntax, SelectError};

    fn print(first: u8, last: u8) -> Fingerprint {
        let mut bytes = [first; 32];
        bytes[31] = last;
        Fingerprint::from_bytes(bytes)
    }

    #[test]
    fn a_text_is_either_an_id_or_a_fingerprint() {
        assert_eq!("7".parse(), Ok(KnockSelector::Id(7)));
        assert_eq!("1234567".parse(), Ok(KnockSelector::Id(1_234_567)));
        assert_eq!("12345678".parse(), Ok(KnockSelector::Fingerprint(FingerprintPrefix("12345678".into()))));
        assert_eq!("AB:CD EF 01".parse(), Ok(KnockSelector::Fingerprint(FingerprintPrefix("abcdef01".into()))));
        for wrong in ["", "abc", "-1", "zzzzzzzz", "١٢٣", &"a".repeat(65)] {
            assert_eq!(wrong.parse::<KnockSelector>(), Err(PrefixSyntax), "{wrong:?}");
        }
    }

    #[test]
    fn an_ambiguous_prefix_picks_none() {
        let prints = [print(0xaa, 1), print(0xaa, 2), print(0xbb, 3)];
        let find = |text: &str| text.parse::<FingerprintPrefix>().unwrap().find(prints, |print| *print);
        assert_eq!(find("aaaaaaaa"), Err(SelectError::Ambiguous));
        assert_eq!(find("bbbbbbbb"), Ok(prints[2]));
        assert_eq!(find("cccccccc"), Err(SelectError::NoMatch));
        assert_eq!(find(&prints[1].to_string()), Ok(prints[1]));
    }
}
