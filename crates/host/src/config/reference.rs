//! `docs/reference/configuration.md`, made from the schema.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::schema::{allowed, choices, schema, type_of};

const INTRODUCTION: &str = "\
<!-- Generated: punktfunk-host reference configuration > docs/reference/configuration.md -->
# Configuration

`punktfunk-host` reads one TOML file when it starts: `/etc/punktfunk/punktfunk.toml`, or the one that `--config` names.
Every key has a default; without a file all of them hold. Nothing is configured by environment variables.

`punktfunk-host check-config` says whether a file is right, and `punktfunk-host config-schema` prints the JSON Schema this
page is made from. A wrong file stops the start with file, line, column, key, what was found and what is allowed. The
file is read once: restart the host to apply a change.

";

/// The page, as Markdown.
pub fn page() -> String {
    let schema = schema();
    let mut page = INTRODUCTION.to_owned();
    let none = Map::new();
    for (name, table) in schema["properties"].as_object().unwrap_or(&none) {
        section(&mut page, name, table);
    }
    format!("{}\n", page.trim_end())
}

fn section(page: &mut String, name: &str, table: &Value) {
    let none = Map::new();
    let keys = table["properties"].as_object().unwrap_or(&none);
    let (tables, plain): (Vec<_>, Vec<_>) = keys.iter().partition(|(_, schema)| schema["properties"].is_object());
    let _ = write!(page, "## `[{name}]`\n\n{}\n\n", description(table));
    for (key, schema) in plain {
        entry(page, &format!("{name}.{key}"), schema);
    }
    for (key, schema) in tables {
        section(page, &format!("{name}.{key}"), schema);
    }
    let entries = &table["additionalProperties"];
    if entries["properties"].is_object() {
        section(page, &format!("{name}.<name>"), entries);
    }
}

fn entry(page: &mut String, key: &str, schema: &Value) {
    let _ = write!(page, "### `{key}`\n\n{}\n\n", description(schema));
    if let Some(choices) = choices(schema) {
        for (text, meaning) in choices {
            let _ = writeln!(page, "- `\"{text}\"`: {}", one_line(meaning));
        }
        page.push('\n');
    } else {
        let _ = writeln!(page, "- Value: {}", allowed(schema));
    }
    if !schema["default"].is_null() {
        let _ = writeln!(page, "- Default: `{}`", toml_text(&schema["default"], type_of(schema)));
    }
    page.push('\n');
}

fn description(schema: &Value) -> String {
    one_line(schema["description"].as_str().unwrap_or_default())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A default as one would write it in the file. JSON and TOML agree on all but tables.
fn toml_text(value: &Value, kind: &str) -> String {
    if kind == "object" { "{}".to_owned() } else { value.to_string() }
}
