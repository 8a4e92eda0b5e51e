//! The JSON Schema of the configuration, and the check of a TOML text against it.
//!
//! The schema is made from the types, so the check, the reference page and other tools that are fed the schema
//! cannot disagree with them. The check walks the parsed text and collects every problem with its place, where
//! deserialising would stop at the first.

use std::net::IpAddr;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Config,
    problem::{Position, Problem},
};

/// The JSON Schema (draft 2020-12, without references) of the configuration file.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<Config>().to_value()
}

/// Everything in which `document`, parsed from `text`, is not what `schema` describes; in the file's order.
pub(super) fn check(schema: &Value, text: &str, document: &DeTable<'_>) -> Vec<Problem> {
    let mut walk = Walk { text, path: Vec::new(), secret: false, problems: Vec::new() };
    walk.table(schema, document);
    walk.problems.sort_by_key(|problem| problem.position);
    walk.problems
}

struct Walk<'a> {
    text: &'a str,
    path: Vec<String>,
    /// Inside a key marked `writeOnly`, whose values are not repeated.
    secret: bool,
    problems: Vec<Problem>,
}

type Item<'i> = Spanned<DeValue<'i>>;

impl Walk<'_> {
    fn value(&mut self, schema: &Value, item: &Item<'_>) {
        let outer = self.secret;
        self.secret |= schema["writeOnly"] == true;
        match (item.get_ref(), type_of(schema)) {
            (DeValue::Table(table), "object") => {
                self.table(schema, table);
                self.missing_keys(schema, table, item.span().start);
            }
            (DeValue::Array(array), "array") => self.array(schema, item, array),
            (DeValue::String(string), "string") => self.require(schema, item, string_fits(schema, string)),
            (DeValue::Integer(number), "integer") => {
                let number = i128::from_str_radix(number.as_str(), number.radix()).ok();
                self.require(schema, item, number.is_some_and(|number| in_range(schema, number)));
            }
            (DeValue::Boolean(_), "boolean") => {}
            _ => self.require(schema, item, false),
        }
        self.secret = outer;
    }

    fn table(&mut self, schema: &Value, table: &DeTable<'_>) {
        let none = Map::new();
        let known = schema["properties"].as_object().unwrap_or(&none);
        for (key, item) in table {
            self.path.push(key_text(key.get_ref()));
            match known.get(key.get_ref().as_ref()).or_else(|| schema["additionalProperties"].as_object_schema()) {
                Some(inner) => self.value(inner, item),
                None => self.unknown_key(known, key.get_ref(), key.span().start),
            }
            self.path.pop();
        }
    }

    fn missing_keys(&mut self, schema: &Value, table: &DeTable<'_>, offset: usize) {
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !table.contains_key(key) {
                self.path.push(key.to_owned());
                self.problem(offset, "nothing".to_owned(), allowed(&schema["properties"][key]));
                self.path.pop();
            }
        }
    }

    fn array(&mut self, schema: &Value, item: &Item<'_>, array: &[Item<'_>]) {
        let at_least = schema["minItems"].as_u64().unwrap_or(0);
        self.require(schema, item, array.len() as u64 >= at_least);
        for (index, element) in array.iter().enumerate() {
            self.path.push(index.to_string());
            self.value(&schema["items"], element);
            self.path.pop();
        }
    }

    fn require(&mut self, schema: &Value, item: &Item<'_>, holds: bool) {
        if !holds {
            let found = if self.secret { type_name(item.get_ref()).to_owned() } else { found(item.get_ref()) };
            self.problem(item.span().start, found, allowed(schema));
        }
    }

    fn unknown_key(&mut self, known: &Map<String, Value>, key: &str, offset: usize) {
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        let closest = names.iter().map(|name| (distance(name, key), name)).min().filter(|(edits, _)| *edits <= 2);
        let found = match closest {
            Some((_, name)) => format!("an unknown key (did you mean {name}?)"),
            None => "an unknown key".to_owned(),
        };
        self.problem(offset, found, format!("one of {}", names.join(", ")));
    }

    fn problem(&mut self, offset: usize, found: String, allowed: String) {
        let position = Position::of_offset(self.text, offset);
        self.problems.push(Problem { position, key: self.path.join("."), found, allowed });
    }
}

trait ObjectSchema {
    fn as_object_schema(&self) -> Option<&Value>;
}

impl ObjectSchema for Value {
    fn as_object_schema(&self) -> Option<&Value> {
        self.is_object().then_some(self)
    }
}

/// The TOML type a schema describes; for an optional value that of the value.
pub(super) fn type_of(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(name) => name,
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or(""),
        _ if choices(schema).is_some() => "string",
        _ => "",
    }
}

/// The texts that a choice offers, with what each means.
pub(super) fn choices(schema: &Value) -> Option<Vec<(&str, &str)>> {
    let variants = schema["oneOf"].as_array()?;
    Some(
        variants
            .iter()
            .map(|variant| {
                let text = |key: &str| variant[key].as_str().unwrap_or_default();
                (text("const"), text("description"))
            })
            .collect(),
    )
}

/// What a schema allows, in words: used in messages and on the reference page.
pub(super) fn allowed(schema: &Value) -> String {
    if let Some(choices) = choices(schema) {
        let quoted: Vec<String> = choices.iter().map(|(text, _)| format!("\"{text}\"")).collect();
        return quoted.join(" or ");
    }
    match type_of(schema) {
        "integer" => match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
            (Some(low), Some(high)) => format!("a whole number from {low} to {high}"),
            (Some(low), None) => format!("a whole number from {low}"),
            _ => "a whole number".to_owned(),
        },
        "boolean" => "true or false".to_owned(),
        "string" if schema["format"] == "ip" => "an IP address in quotes".to_owned(),
        "string" => "a text in quotes".to_owned(),
        "array" => {
            let least = if schema["minItems"].as_u64().unwrap_or(0) > 0 { ", at least one" } else { "" };
            format!("a list in brackets{least}, each {}", allowed(&schema["items"]))
        }
        "object" if schema["additionalProperties"].is_object() => {
            format!("a table of keys, each {}", allowed(&schema["additionalProperties"]))
        }
        _ => "a table of keys".to_owned(),
    }
}

fn string_fits(schema: &Value, string: &str) -> bool {
    match choices(schema) {
        Some(choices) => choices.iter().any(|(text, _)| *text == string),
        None => schema["format"] != "ip" || string.parse::<IpAddr>().is_ok(),
    }
}

fn in_range(schema: &Value, number: i128) -> bool {
    let bound = |key: &str| schema[key].as_i64().map(i128::from);
    bound("minimum").is_none_or(|low| number >= low) && bound("maximum").is_none_or(|high| number <= high)
}

fn key_text(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { shown(key) }
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A value as a message repeats it.
fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(string) => shown(string),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Array(array) if array.is_empty() => "an empty list".to_owned(),
        other => type_name(other).to_owned(),
    }
}

/// A text in quotes, cut after 60 characters, with nothing in it that a terminal would act on.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let mut short: String = text.chars().take(MOST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

/// How many letters must be put in, taken out or replaced to make `a` of `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
