//! What the owner set in the console, below what the configuration file sets.
//!
//! Values are checked by the very code that checks the file: both are merged into one text, and that is parsed. What
//! the file sets is locked; keys that decide who may do what, or what runs on the machine, are the file's alone.

use std::{collections::BTreeMap, path::Path};

use punktfunk_api::model::{Setting, SettingChoice, SettingKind, SettingLock, SettingProblem};
use serde_json::Value as Json;
use toml::{Table, Value as Toml, de::DeTable, de::DeValue};

use super::{
    Config, load,
    problem::{Position, Problem},
    schema::{self, choices, type_of},
};

/// Values by key (`session.max_sessions`), as they are stored.
pub type Values = BTreeMap<String, Toml>;

/// The configuration file as what lies below it: which keys it sets, and where.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    text: String,
    /// Key to place: `/etc/punktfunk/punktfunk.toml:12`.
    places: BTreeMap<String, String>,
}

impl Declared {
    /// The file at `path` with the content `text`, which was read without a problem.
    pub fn new(path: &Path, text: &str) -> Self {
        let mut places = BTreeMap::new();
        let (document, _) = DeTable::parse_recoverable(text);
        note_places(&mut places, "", document.get_ref(), &|offset| {
            format!("{}:{}", path.display(), Position::of_offset(text, offset).line)
        });
        Self { text: text.to_owned(), places }
    }

    /// Why `key` cannot be changed in the console; `None`: it can.
    fn lock(&self, key: &str) -> Option<SettingLock> {
        if is_file_only(key) {
            return Some(SettingLock::FileOnly);
        }
        self.places.get(key).map(|place| SettingLock::Declared { place: place.clone() })
    }

    /// The file with `values` below it. Values that the file sets itself do not count.
    ///
    /// # Errors
    /// What is wrong with the whole.
    pub fn merge(&self, values: &Values) -> Result<Config, Vec<Problem>> {
        // The text was read before; what is no table now was none then.
        let mut table: Table = self.text.parse().unwrap_or_default();
        for (key, value) in values.iter().filter(|(key, _)| self.lock(key).is_none()) {
            put(&mut table, key, value.clone());
        }
        load::parse(&toml::to_string(&table).unwrap_or_default())
    }
}

fn note_places(
    places: &mut BTreeMap<String, String>,
    path: &str,
    table: &DeTable<'_>,
    place: &dyn Fn(usize) -> String,
) {
    for (key, item) in table {
        let path = if path.is_empty() { key.get_ref().to_string() } else { format!("{path}.{}", key.get_ref()) };
        match item.get_ref() {
            DeValue::Table(inner) => note_places(places, &path, inner, place),
            _ => drop(places.insert(path, place(key.span().start))),
        }
    }
}

/// Sets `key` in the tables it names, which are made where they are missing.
fn put(table: &mut Table, key: &str, value: Toml) {
    match key.split_once('.') {
        None => drop(table.insert(key.to_owned(), value)),
        Some((first, rest)) => {
            let inner = table.entry(first).or_insert_with(|| Toml::Table(Table::new()));
            if let Toml::Table(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// Keys that are never changed over the network.
fn is_file_only(key: &str) -> bool {
    const TABLES: [&str; 3] = ["pairing", "console", "devices"];
    const KEYS: [&str; 6] = [
        "session.command",
        "session.environment",
        "session.directory",
        "session.launcher",
        "display.gamescope.arguments",
        "network.listen",
    ];
    let table = key.split('.').next().unwrap_or(key);
    TABLES.contains(&table) || KEYS.iter().any(|each| key == *each || key.starts_with(&format!("{each}.")))
}

/// Reads stored values from the text of a settings file.
///
/// # Errors
/// It is no TOML, or sets what cannot be set there.
pub fn read(text: &str) -> Result<Values, String> {
    let table: Table = text.parse().map_err(|fault: toml::de::Error| fault.message().to_owned())?;
    let mut values = Values::new();
    flatten(&mut values, "", table);
    let known = schema_of_keys();
    match values.keys().find(|key| is_file_only(key) || !known.contains_key(*key)) {
        Some(key) => Err(format!("{key} is no key that can be set there")),
        None => Ok(values),
    }
}

fn flatten(values: &mut Values, path: &str, table: Table) {
    for (key, value) in table {
        let path = if path.is_empty() { key } else { format!("{path}.{key}") };
        match value {
            Toml::Table(inner) => flatten(values, &path, inner),
            value => drop(values.insert(path, value)),
        }
    }
}

/// The text of a settings file.
pub fn write(values: &Values) -> String {
    let mut table = Table::new();
    for (key, value) in values {
        put(&mut table, key, value.clone());
    }
    let text = toml::to_string(&table).unwrap_or_default();
    format!("# Set in the console. What the configuration file sets counts instead.\n{text}")
}

/// `values` with `changes` made to them; null takes a value away.
///
/// # Errors
/// Every change that cannot be.
pub fn changed(
    declared: &Declared,
    values: &Values,
    changes: &BTreeMap<String, Json>,
) -> Result<(Values, Config), Vec<SettingProblem>> {
    let known = schema_of_keys();
    let mut next = values.clone();
    let mut problems = Vec::new();
    for (key, value) in changes {
        let problem = |allowed: String| SettingProblem { key: key.clone(), found: shown(value), allowed };
        match (known.get(key), declared.lock(key)) {
            (None, _) => problems.push(problem("a key of the configuration".into())),
            (Some(_), Some(SettingLock::FileOnly)) => {
                problems.push(problem("nothing here: only the configuration file can set it".into()));
            }
            (Some(_), Some(SettingLock::Declared { place })) => {
                problems.push(problem(format!("nothing here: {place} sets it")));
            }
            (Some(_), None) if value.is_null() => drop(next.remove(key)),
            (Some(schema), None) => match as_toml(value) {
                Some(value) => drop(next.insert(key.clone(), value)),
                None => problems.push(problem(schema::allowed(schema))),
            },
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    match declared.merge(&next) {
        Ok(config) => Ok((next, config)),
        Err(problems) => Err(problems.into_iter().map(told).collect()),
    }
}

fn told(problem: Problem) -> SettingProblem {
    SettingProblem { key: problem.key, found: problem.found, allowed: problem.allowed }
}

fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => schema::shown(text),
        other => other.to_string().chars().take(60).collect(),
    }
}

fn as_toml(value: &Json) -> Option<Toml> {
    match value {
        Json::String(text) => Some(Toml::String(text.clone())),
        Json::Bool(truth) => Some(Toml::Boolean(*truth)),
        Json::Number(number) => number.as_i64().map(Toml::Integer),
        Json::Array(items) => items.iter().map(as_toml).collect::<Option<_>>().map(Toml::Array),
        Json::Null | Json::Object(_) => None,
    }
}

/// Every key with its schema.
fn schema_of_keys() -> BTreeMap<String, Json> {
    keys_in_order().into_iter().collect()
}

fn keys_in_order() -> Vec<(String, Json)> {
    let mut keys = Vec::new();
    note_keys(&mut keys, "", &schema::schema());
    keys
}

fn note_keys(keys: &mut Vec<(String, Json)>, path: &str, schema: &Json) {
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let of_tables = inner["additionalProperties"]["properties"].is_object();
        match inner["properties"].is_object() {
            true => note_keys(keys, &path, inner),
            // Declared devices have a page of their own.
            false if of_tables => {}
            false => keys.push((path, inner.clone())),
        }
    }
}

/// Every key as the console shows it: what is in `force`, and what will be after a restart.
pub fn list(declared: &Declared, force: &Config, next: &Config) -> Vec<Setting> {
    let json = |config: &Config| serde_json::to_value(config).unwrap_or_default();
    let (force, next) = (json(force), json(next));
    let keys = keys_in_order().into_iter();
    keys.map(|(key, schema)| {
        let (value, after) = (at(&force, &key), at(&next, &key));
        let secret = schema["writeOnly"] == true;
        Setting {
            description: one_line(schema["description"].as_str().unwrap_or_default()),
            kind: kind(&schema),
            default: schema["default"].clone(),
            after_restart: (value != after && !secret).then(|| after.clone()),
            value: if secret { concealed(value) } else { value.clone() },
            locked: declared.lock(&key),
            key,
        }
    })
    .collect()
}

fn at<'a>(config: &'a Json, key: &str) -> &'a Json {
    key.split('.').fold(config, |value, part| &value[part])
}

/// Names only.
fn concealed(value: &Json) -> Json {
    let names = value.as_object().into_iter().flatten().map(|(name, _)| (name.clone(), Json::from("(set)")));
    Json::Object(names.collect())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn kind(schema: &Json) -> SettingKind {
    match type_of(schema) {
        "integer" => SettingKind::Integer {
            minimum: schema["minimum"].as_i64().unwrap_or(0),
            maximum: schema["maximum"].as_i64().unwrap_or(i64::from(u32::MAX)),
        },
        "boolean" => SettingKind::Boolean,
        "array" => SettingKind::TextList { choices: told_choices(&schema["items"]) },
        "object" => SettingKind::TextMap,
        _ => match told_choices(schema) {
            choices if choices.is_empty() => SettingKind::Text,
            choices => SettingKind::Choice { choices },
        },
    }
}

fn told_choices(schema: &Json) -> Vec<SettingChoice> {
    let choices = choices(schema).unwrap_or_default().into_iter();
    choices.map(|(value, meaning)| SettingChoice { value: value.to_owned(), description: one_line(meaning) }).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use punktfunk_api::model::{SettingKind, SettingLock};
    use serde_json::json;

    use super::{Declared, Values, changed, list, read, write};
    use crate::config::Config;

    fn declared(text: &str) -> Declared {
        Declared::new(Path::new("/etc/p.toml"), text)
    }

    fn change(file: &str, changes: serde_json::Value) -> Result<(Values, Config), Vec<(String, String)>> {
        let changes = serde_json::from_value(changes).unwrap();
        let problems = |problem: punktfunk_api::model::SettingProblem| (problem.key, problem.allowed);
        changed(&declared(file), &Values::new(), &changes).map_err(|found| found.into_iter().map(problems).collect())
    }

    #[test]
    fn what_is_stored_lies_below_the_file_and_reads_back() {
        let file = "[session]\nmax_sessions = 2\n";
        let (values, config) = change(file, json!({"host.name": "den", "fec.start_percent": 20})).unwrap();
        assert_eq!((config.host.name.as_deref(), config.fec.start_percent), (Some("den"), 20));
        assert_eq!(config.session.max_sessions, 2);
        assert_eq!(read(&write(&values)), Ok(values));
    }

    #[test]
    fn a_key_that_the_file_sets_is_locked_with_its_place() {
        let file = "[session]\n# a comment\nmax_sessions = 2\n";
        let problems = change(file, json!({"session.max_sessions": 3})).unwrap_err();
        assert_eq!(problems, [("session.max_sessions".into(), "nothing here: /etc/p.toml:3 sets it".into())]);
        let config = Config::default();
        let settings = list(&declared(file), &config, &config);
        let locked = settings.iter().find(|setting| setting.key == "session.max_sessions").unwrap();
        assert_eq!(locked.locked, Some(SettingLock::Declared { place: "/etc/p.toml:3".into() }));
        assert_eq!(locked.kind, SettingKind::Integer { minimum: 1, maximum: 4 });
    }

    #[test]
    fn what_decides_about_trust_or_runs_on_the_machine_is_the_files_alone() {
        for key in [
            "pairing.policy",
            "console.port",
            "session.command",
            "session.environment",
            "session.launcher",
            "display.gamescope.arguments",
            "network.listen",
        ] {
            let problems = change("", json!({ key: "open" })).unwrap_err();
            assert!(problems[0].1.contains("only the configuration file"), "{problems:?}");
            let (table, last) = key.rsplit_once('.').unwrap();
            assert!(read(&format!("[{table}]\n{last} = \"open\"\n")).is_err());
        }
    }

    #[test]
    fn impossible_values_are_refused_in_the_words_of_the_file() {
        let problems = change("", json!({"session.max_sessions": 9})).unwrap_err();
        assert_eq!(problems, [("session.max_sessions".into(), "a whole number from 1 to 4".into())]);
        for wrong in [json!({"host.name": ""}), json!({"host.name": {}}), json!({"log.level": 1.5}), json!({"x": 1})] {
            assert!(change("", wrong.clone()).is_err(), "{wrong}");
        }
        let problems = change("", json!({"encoder.bitrate_kbps": 200_000})).unwrap_err();
        assert!(problems[0].1.contains("at most encoder.max_bitrate_kbps"), "{problems:?}");
    }

    #[test]
    fn null_takes_a_value_away() {
        let (values, _) = change("", json!({"host.name": "den"})).unwrap();
        let none = changed(&declared(""), &values, &[("host.name".to_owned(), json!(null))].into()).unwrap();
        assert_eq!(none, (Values::new(), Config::default()));
    }

    #[test]
    fn every_key_of_the_reference_is_listed_once_and_secrets_are_not_shown() {
        let config: Config = toml::from_str("[session]\nenvironment = { KEY = \"geheim\" }\n").unwrap();
        let settings = list(&declared(""), &config, &config);
        let mut keys: Vec<&str> = settings.iter().map(|setting| setting.key.as_str()).collect();
        keys.dedup();
        assert_eq!(keys.len(), settings.len());
        for key in ["host.name", "network.mdns.enable", "encoder.codecs", "console.port", "log.level"] {
            assert!(keys.contains(&key), "{key} of {keys:?}");
        }
        assert!(!format!("{settings:?}").contains("geheim"));
    }
}
