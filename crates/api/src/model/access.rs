//! What a device may do and for how long, in words.

use std::{fmt, str::FromStr, time::Duration};

use punktfunk_trust::{Grants, UnknownAccess};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// Rights: `full`, `controller-only`, `view-only`, or rights with `+` between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, examples("full", "controller-only", "view-only", "gamepad+pointer"))]
pub struct AccessWord(pub Grants);

impl FromStr for AccessWord {
    type Err = UnknownAccess;

    fn from_str(text: &str) -> Result<Self, UnknownAccess> {
        text.parse().map(Self)
    }
}

impl TryFrom<String> for AccessWord {
    type Error = UnknownAccess;

    fn try_from(text: String) -> Result<Self, UnknownAccess> {
        text.parse()
    }
}

impl From<AccessWord> for String {
    fn from(access: AccessWord) -> Self {
        access.0.to_string()
    }
}

/// When access ends, from now: `45m`, `2h`, `30d`, or `never`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ExpiresIn {
    /// Not before it is revoked.
    Never,
    /// After this time, in whole seconds.
    After(Duration),
}

impl PartialSchema for ExpiresIn {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^([1-9][0-9]{0,8}[smhd]|never)$"));
        let text = text.description(Some("When access ends, from now: `45m`, `2h`, `30d`, or `never`."));
        text.examples(["2h", "never"]).into()
    }
}

impl ToSchema for ExpiresIn {}

impl ExpiresIn {
    /// The time; `None` is without end.
    pub fn lifetime(self) -> Option<Duration> {
        match self {
            Self::Never => None,
            Self::After(time) => Some(time),
        }
    }
}

/// A text that is no such time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a time such as 90s, 45m, 2h or 30d, at most 3650d, or never")]
pub struct NoDuration;

impl FromStr for ExpiresIn {
    type Err = NoDuration;

    fn from_str(text: &str) -> Result<Self, NoDuration> {
        if text == "never" {
            return Ok(Self::Never);
        }
        let (_, seconds) = UNITS.iter().find(|(unit, _)| text.ends_with(*unit)).ok_or(NoDuration)?;
        let number: u64 = text[..text.len() - 1].parse().map_err(|_| NoDuration)?;
        let total = number.checked_mul(*seconds).filter(|total| (1..=LONGEST_SECONDS).contains(total));
        total.map(|total| Self::After(Duration::from_secs(total))).ok_or(NoDuration)
    }
}

impl fmt::Display for ExpiresIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::After(time) => write!(f, "{}s", time.as_secs()),
        }
    }
}

impl TryFrom<String> for ExpiresIn {
    type Error = NoDuration;

    fn try_from(text: String) -> Result<Self, NoDuration> {
        text.parse()
    }
}

impl From<ExpiresIn> for String {
    fn from(expires: ExpiresIn) -> Self {
        expires.to_string()
    }
}

const UNITS: [(&str, u64); 4] = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
/// Ten years.
const LONGEST_SECONDS: u64 = 3_650 * 86_400;

#[cfg(test)]
mod tests {
    use super::{AccessWord, ExpiresIn};
    use std::time::Duration;

    #[test]
    fn times_are_read_as_people_write_them() {
        let after = |seconds| ExpiresIn::After(Duration::from_secs(seconds));
        let read = |text: &str| text.parse::<ExpiresIn>();
        assert_eq!(read("90s"), Ok(after(90)));
        assert_eq!(read("45m"), Ok(after(2_700)));
        assert_eq!(read("2h"), Ok(after(7_200)));
        assert_eq!(read("30d"), Ok(after(2_592_000)));
        assert_eq!(read("never"), Ok(ExpiresIn::Never));
        for wrong in ["", "s", "0s", "5", "-5m", "1.5h", "4000d", "1w", "5 m", "18446744073709551615d", "5é"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for text in ["full", "controller-only", "view-only", "gamepad+pointer", "full+admin"] {
            assert_eq!(String::from(text.parse::<AccessWord>().unwrap()), text);
        }
        assert_eq!("7200s".parse::<ExpiresIn>().unwrap().to_string(), "7200s");
    }
}
