//! Names for the sets of rights that people choose from.

use std::{fmt, str::FromStr};

use crate::access::Grants;

/// A named set of rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// All that a stream can carry.
    Full,
    /// Gamepads and nothing else.
    ControllerOnly,
    /// Picture and sound.
    ViewOnly,
}

impl Level {
    /// Every level, the widest first.
    pub const ALL: [Self; 3] = [Self::Full, Self::ControllerOnly, Self::ViewOnly];

    /// The level that gives exactly `grants`; `None` is a choice of its own.
    pub fn of(grants: Grants) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.grants() == grants)
    }

    /// What it gives.
    pub const fn grants(self) -> Grants {
        match self {
            Self::Full => Grants::FULL,
            Self::ControllerOnly => Grants::CONTROLLER_ONLY,
            Self::ViewOnly => Grants::VIEW_ONLY,
        }
    }

    /// The word for it in configuration and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::ControllerOnly => "controller-only",
            Self::ViewOnly => "view-only",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Level {
    type Err = UnknownAccess;

    fn from_str(text: &str) -> Result<Self, UnknownAccess> {
        Self::ALL.into_iter().find(|level| level.word() == text).ok_or_else(|| UnknownAccess::new(text))
    }
}

impl fmt::Display for Grants {
    /// A level's word, or the rights with `+` between them; `+admin` after either. Reads back by [`FromStr`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let admin = if self.contains(Self::ADMIN) { "+admin" } else { "" };
        let stream = self.without(Self::ADMIN);
        let text = match Level::of(stream) {
            Some(level) => format!("{level}{admin}"),
            None => {
                let rights = RIGHTS.iter().filter(|(_, right)| stream.contains(*right)).map(|(word, _)| *word);
                format!("{}{admin}", rights.collect::<Vec<_>>().join("+"))
            }
        };
        f.pad(&text)
    }
}

impl FromStr for Grants {
    type Err = UnknownAccess;

    fn from_str(text: &str) -> Result<Self, UnknownAccess> {
        text.split('+').try_fold(Self::VIEW_ONLY, |grants, word| {
            let right = RIGHTS.iter().find(|(name, _)| *name == word).map(|(_, right)| *right);
            let right = right.or_else(|| word.parse::<Level>().ok().map(Level::grants));
            right.map(|right| grants.with(right)).ok_or_else(|| UnknownAccess::new(text))
        })
    }
}

/// A text that names no rights.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "access {found:?} is unknown: write \"full\", \"controller-only\", \"view-only\", or rights with + between them: \
     gamepad, pointer, keyboard, clipboard, microphone, launch, admin"
)]
pub struct UnknownAccess {
    /// What was written.
    pub found: String,
}

impl UnknownAccess {
    fn new(text: &str) -> Self {
        Self { found: text.chars().take(64).collect() }
    }
}

const RIGHTS: [(&str, Grants); 7] = [
    ("gamepad", Grants::GAMEPAD),
    ("pointer", Grants::POINTER),
    ("keyboard", Grants::KEYBOARD),
    ("clipboard", Grants::CLIPBOARD),
    ("microphone", Grants::MICROPHONE),
    ("launch", Grants::LAUNCH),
    ("admin", Grants::ADMIN),
];

#[cfg(test)]
mod tests {
    use super::Level;
    use crate::access::Grants;

    #[test]
    fn every_set_of_rights_has_a_text_that_reads_back() {
        for bits in 0..64 {
            for admin in [Grants::VIEW_ONLY, Grants::ADMIN] {
                let grants = Grants::from_bits(bits).unwrap().with(admin);
                assert_eq!(grants.to_string().parse(), Ok(grants), "{grants}");
            }
        }
        assert_eq!(Grants::FULL.with(Grants::ADMIN).to_string(), "full+admin");
        assert_eq!(Grants::KEYBOARD.with(Grants::POINTER).to_string(), "pointer+keyboard");
    }

    #[test]
    fn a_misspelled_level_gives_nothing() {
        assert_eq!("controller-only".parse(), Ok(Level::ControllerOnly));
        for wrong in ["", "Full", "controller", "view only", "full+", "+admin", "all", "full,admin"] {
            assert!(wrong.parse::<Level>().is_err() && wrong.parse::<Grants>().is_err(), "{wrong:?}");
        }
    }
}
