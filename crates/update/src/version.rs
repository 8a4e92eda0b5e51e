//! Versions and which is newer, by the rules of systemd (UAPI.10): `systemd-sysupdate` and `systemd-boot` choose by them, so
//! that a downgrade here is a downgrade there.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The version of a system image: 1 to 64 of `A-Z a-z 0-9 . ~ ^ -`, beginning with a letter or digit. Ordered by age.
///
/// Two that are written differently may be equally new (`1.0` and `1.00`): `==` and [`Ord`] mean that; the text is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(String);

/// No [`Version`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no version: 1 to 64 letters, digits or any of . ~ ^ -, beginning with a letter or digit")]
pub struct NoVersion(pub String);

impl Version {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Version {
    type Err = NoVersion;

    fn from_str(text: &str) -> Result<Self, NoVersion> {
        let begins_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
        let fits = text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".~^-".contains(&byte));
        if begins_well && fits { Ok(Self(text.to_owned())) } else { Err(NoVersion(text.chars().take(80).collect())) }
    }
}

impl TryFrom<String> for Version {
    type Error = NoVersion;

    fn try_from(text: String) -> Result<Self, NoVersion> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(self.0.as_bytes(), other.0.as_bytes())
    }
}

/// UAPI.10, "Version comparison".
fn compare(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        // A tilde is before everything, even the end.
        if let Some(order) = separated(&mut a, &mut b, b'~') {
            match order {
                Ordering::Equal => continue,
                order => return order,
            }
        }
        if a.is_empty() || b.is_empty() {
            return b.is_empty().cmp(&a.is_empty());
        }
        let separator = [b'-', b'^', b'.'].into_iter().find(|mark| a[0] == *mark || b[0] == *mark);
        let order = match separator {
            Some(mark) => separated(&mut a, &mut b, mark).unwrap_or(Ordering::Equal),
            None if a[0].is_ascii_digit() || b[0].is_ascii_digit() => numbers(&mut a, &mut b),
            None => letters(&mut a, &mut b),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Takes `mark` from both; who has it alone is older. `None`: neither has it.
fn separated(a: &mut &[u8], b: &mut &[u8], mark: u8) -> Option<Ordering> {
    match (a.strip_prefix(&[mark]), b.strip_prefix(&[mark])) {
        (None, None) => None,
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) => Some(Ordering::Greater),
        (Some(rest_a), Some(rest_b)) => {
            (*a, *b) = (rest_a, rest_b);
            Some(Ordering::Equal)
        }
    }
}

/// Takes a number from both; a number is newer than none.
fn numbers(a: &mut &[u8], b: &mut &[u8]) -> Ordering {
    let (left, right) = (run(a, u8::is_ascii_digit), run(b, u8::is_ascii_digit));
    let significant = |digits: &[u8]| digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len());
    let (short_left, short_right) = (&left[significant(left)..], &right[significant(right)..]);
    left.is_empty()
        .cmp(&right.is_empty())
        .reverse()
        .then(short_left.len().cmp(&short_right.len()))
        .then_with(|| short_left.cmp(short_right))
}

/// Takes a word from both.
fn letters(a: &mut &[u8], b: &mut &[u8]) -> Ordering {
    let (left, right) = (run(a, u8::is_ascii_alphabetic), run(b, u8::is_ascii_alphabetic));
    left.cmp(right)
}

fn run<'a>(text: &mut &'a [u8], of: impl Fn(&u8) -> bool) -> &'a [u8] {
    let end = text.iter().position(|byte| !of(byte)).unwrap_or(text.len());
    let (taken, rest) = text.split_at(end);
    *text = rest;
    taken
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::Version;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn versions_are_ordered_as_systemd_orders_them() {
        // UAPI.10, "Examples", those within our characters.
        let rising = [
            ["11", "12"],
            ["9", "10"],
            ["1.9", "1.10"],
            ["123~rc1-1", "123"],
            ["123", "123-a"],
            ["123-a", "123-a.1"],
            ["123-a.1", "123-a1"],
            ["123-a1", "123.a-1"],
            ["123.a-1", "123.1-1"],
            ["123.1-1", "123a-1"],
            ["0.1.0~rc1", "0.1.0"],
            ["2026.5", "2026.11"],
        ];
        for [older, newer] in rising {
            assert_eq!(version(older).cmp(&version(newer)), Ordering::Less, "{older} {newer}");
            assert_eq!(version(newer).cmp(&version(older)), Ordering::Greater, "{older} {newer}");
        }
    }

    #[test]
    fn leading_zeros_make_no_other_version() {
        assert_eq!(version("1.02"), version("1.2"));
        assert_eq!(version("1.02").as_str(), "1.02");
    }

    #[test]
    fn what_could_be_another_file_or_a_try_counter_is_no_version() {
        for wrong in ["", ".", "../1", "1/2", "1_2", "1+2-3", "-1", "~1", "1 2", "1\n", "ä", &"1".repeat(65)] {
            assert!(wrong.parse::<Version>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn the_order_of_versions_is_total(a in "[a-c0-2.~^-]{0,8}", b in "[a-c0-2.~^-]{0,8}", c in "[a-c0-2.~^-]{0,8}") {
            let [a, b, c] = [a, b, c].map(Version);
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            if a <= b && b <= c {
                prop_assert!(a <= c, "{} {} {}", a, b, c);
            }
        }
    }
}
