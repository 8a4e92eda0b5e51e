//! The language of the texts that people read.

use std::env;

/// A language that `ctl` speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    English,
    German,
}

impl Language {
    /// The language of the caller's locale.
    pub(super) fn of_locale() -> Self {
        Self::of(|name| env::var(name).ok())
    }

    /// As POSIX says: `LC_ALL` before `LC_MESSAGES` before `LANG`; an empty one does not count.
    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
        match set {
            Some(locale) if locale == "de" || locale.starts_with("de_") || locale.starts_with("de.") => Self::German,
            _ => Self::English,
        }
    }

    /// The text in this language.
    pub(super) fn pick<'t>(self, english: &'t str, german: &'t str) -> &'t str {
        match self {
            Self::English => english,
            Self::German => german,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    fn of(set: &[(&str, &str)]) -> Language {
        Language::of(|name| set.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_locale_decides_as_posix_says() {
        assert_eq!(of(&[]), Language::English);
        assert_eq!(of(&[("LANG", "de_DE.UTF-8")]), Language::German);
        assert_eq!(of(&[("LANG", "de_AT")]), Language::German);
        assert_eq!(of(&[("LANG", "den_CA")]), Language::English);
        assert_eq!(of(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")]), Language::English);
        assert_eq!(of(&[("LANG", "en_GB"), ("LC_MESSAGES", "de"), ("LC_ALL", "")]), Language::German);
    }
}
