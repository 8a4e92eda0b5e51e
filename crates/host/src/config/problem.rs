//! What is wrong with a configuration: where, which key, what was found, what is allowed.

use std::{fmt, io, path::PathBuf};

use serde::Serialize;

/// A place in a text, both numbers counted from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Character within the line.
    pub column: usize,
}

impl Position {
    /// The place of byte `offset` of `text`; an offset beyond the end or inside a character counts as the
    /// nearest place before it.
    pub fn of_offset(text: &str, offset: usize) -> Self {
        let mut end = offset.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &text[..end];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where the value (or, for an unknown one, the key) stands.
    #[serde(flatten)]
    pub position: Position,
    /// The key with its tables (`pairing.policy`); empty when the text is no TOML there.
    pub key: String,
    /// What stands there; without a key, why the text is no TOML.
    pub found: String,
    /// What may stand there.
    pub allowed: String,
}

impl fmt::Display for Problem {
    /// `12:10: pairing.policy: found "opne", allowed is "require" or "open"`, to be put behind the file's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.position.line, self.position.column)?;
        match self.key.as_str() {
            "" => write!(f, "{}", self.found),
            key => write!(f, "{key}: found {}, allowed is {}", self.found, self.allowed),
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read. Never taken for "no file".
    #[error("the configuration {} cannot be read: {source}; {}", path.display(), remedy(source))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// The file is larger than any configuration.
    #[error("the configuration {} has more than {limit} bytes; give another file with --config", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        limit: u64,
    },
    /// The file is wrong, in all these places.
    #[error("{}", Listing { path, problems })]
    Wrong {
        /// The file.
        path: PathBuf,
        /// At least one, in the order of the file.
        problems: Vec<Problem>,
    },
}

fn remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::NotFound => "create it, or start without --config for the defaults",
        io::ErrorKind::PermissionDenied => "let the host's user read it",
        _ => "give another file with --config",
    }
}

struct Listing<'a> {
    path: &'a PathBuf,
    problems: &'a [Problem],
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}:{problem}", self.path.display())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Position;

    #[test]
    fn a_position_counts_lines_and_characters_from_one() {
        let text = "a = 1\nü = 2\n";
        assert_eq!(Position::of_offset(text, 0), Position { line: 1, column: 1 });
        assert_eq!(Position::of_offset(text, text.find('2').unwrap()), Position { line: 2, column: 5 });
        assert_eq!(Position::of_offset(text, 7), Position { line: 2, column: 1 }, "inside the ü");
        assert_eq!(Position::of_offset(text, 99), Position { line: 3, column: 1 });
    }
}
