//! From a TOML file to a [`Config`], or to everything that is wrong with it.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde::Deserialize as _;
use toml::de::{DeTable, DeValue};

use super::{
    Config,
    problem::{ConfigError, Position, Problem},
    schema,
    semantics::{self, Violation},
};

/// The file that is read when none is named.
pub const DEFAULT_PATH: &str = "/etc/punktfunk/punktfunk.toml";

/// More than any configuration has, in bytes.
const SIZE_LIMIT: u64 = 1 << 20;

/// Where a configuration is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// This file.
    File(PathBuf),
    /// Nowhere: there is no file at [`DEFAULT_PATH`], every key has its default.
    Defaults,
}

/// A configuration and where it is from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Where it is from.
    pub source: Source,
    /// The file's text; empty where there is none.
    pub text: String,
}

/// Reads the configuration from `named`, or from [`DEFAULT_PATH`] if there is such a file, else the defaults.
///
/// # Errors
/// The file cannot be read, or is wrong. A file that was named must exist.
pub fn load(named: Option<&Path>) -> Result<Loaded, ConfigError> {
    load_or_default(named, Path::new(DEFAULT_PATH))
}

fn load_or_default(named: Option<&Path>, default: &Path) -> Result<Loaded, ConfigError> {
    let path = named.unwrap_or(default);
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(source) if named.is_none() && source.kind() == io::ErrorKind::NotFound => {
            return Ok(Loaded { config: Config::default(), source: Source::Defaults, text: String::new() });
        }
        Err(source) => return Err(ConfigError::Unreadable { path: path.to_owned(), source }),
    };
    if bytes.len() as u64 > SIZE_LIMIT {
        return Err(ConfigError::TooLarge { path: path.to_owned(), limit: SIZE_LIMIT });
    }
    match parse_bytes(&bytes) {
        Ok(config) => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Ok(Loaded { config, source: Source::File(path.to_owned()), text })
        }
        Err(problems) => Err(ConfigError::Wrong { path: path.to_owned(), problems }),
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(SIZE_LIMIT + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn parse_bytes(bytes: &[u8]) -> Result<Config, Vec<Problem>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => parse(text),
        Err(error) => {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let position = Position::of_offset(&before, before.len());
            Err(vec![syntax_problem(position, "this is not TOML: it must be UTF-8 text".to_owned())])
        }
    }
}

/// Reads a configuration from a TOML text.
///
/// # Errors
/// Everything that is wrong with it, in the order of the text: first what is no TOML; if it is TOML, unknown keys
/// and impossible values; if there are none, values that do not fit each other.
pub fn parse(text: &str) -> Result<Config, Vec<Problem>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(sorted(errors.iter().map(|error| parser_problem(text, error))));
    }
    let document = document.into_inner();
    let problems = schema::check(&schema::schema(), text, &document);
    if !problems.is_empty() {
        return Err(problems);
    }
    let config = deserialize(text).map_err(|problem| vec![problem])?;
    let violations = semantics::violations(&config);
    let problems = sorted(violations.into_iter().map(|violation| placed(text, &document, violation)));
    if problems.is_empty() { Ok(config) } else { Err(problems) }
}

fn sorted(problems: impl Iterator<Item = Problem>) -> Vec<Problem> {
    let mut problems: Vec<Problem> = problems.collect();
    problems.sort_by_key(|problem| problem.position);
    problems
}

/// The check against the schema leaves nothing to fail here; should the two ever disagree, serde's word counts.
fn deserialize(text: &str) -> Result<Config, Problem> {
    let deserializer = toml::Deserializer::parse(text).map_err(|error| parser_problem(text, &error))?;
    Config::deserialize(deserializer).map_err(|error| parser_problem(text, &error))
}

fn parser_problem(text: &str, error: &toml::de::Error) -> Problem {
    let position = Position::of_offset(text, error.span().map_or(0, |span| span.start));
    let message = error.message().lines().collect::<Vec<_>>().join("; ");
    syntax_problem(position, format!("this is not TOML: {message}"))
}

fn syntax_problem(position: Position, found: String) -> Problem {
    let allowed = "TOML, for example: key = \"text\"".to_owned();
    Problem { position, key: String::new(), found, allowed }
}

/// Finds the key of a violation in the text; a key that is not written stands where its nearest table does.
fn placed(text: &str, document: &DeTable<'_>, violation: Violation) -> Problem {
    let mut table = Some(document);
    let mut offset = 0;
    for name in &violation.key {
        let Some(item) = table.and_then(|table| table.get(name.as_str())) else { break };
        offset = item.span().start;
        table = match item.get_ref() {
            DeValue::Table(inner) => Some(inner),
            _ => None,
        };
    }
    let position = Position::of_offset(text, offset);
    Problem { position, key: violation.key.join("."), found: violation.found, allowed: violation.allowed }
}

#[cfg(test)]
mod tests {
    use super::{Source, load_or_default};
    use crate::config::{Config, problem::ConfigError};

    #[test]
    fn without_a_file_every_key_has_its_default() {
        let dir = tempfile::tempdir().unwrap();
        let loaded = load_or_default(None, &dir.path().join("punktfunk.toml")).unwrap();
        assert_eq!(loaded.source, Source::Defaults);
        assert_eq!(loaded.config, Config::default());
    }

    #[test]
    fn a_default_file_that_cannot_be_read_is_not_taken_for_none() {
        let dir = tempfile::tempdir().unwrap();
        let error = load_or_default(None, dir.path()).unwrap_err();
        assert!(matches!(error, ConfigError::Unreadable { .. }), "{error}");
    }

    #[test]
    fn a_default_file_that_is_there_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("punktfunk.toml");
        std::fs::write(&path, "[network]\nport = 9000\n").unwrap();
        let loaded = load_or_default(None, &path).unwrap();
        assert_eq!((loaded.config.network.port, loaded.source), (9000, Source::File(path)));
    }
}
