//! Every recorded message of `tests/vectors`, byte for byte and in both directions.

mod control;
mod datagrams;
mod hello;
mod pairing;
mod session;
mod welcome;

use serde_json::Value;

/// A file of `tests/vectors`.
fn vectors(file: &str) -> Value {
    let path = format!("{}/tests/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// The entries of a list.
fn list(value: &Value) -> &[Value] {
    let entries = value.as_array().expect("a list of vectors");
    assert!(!entries.is_empty());
    entries
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

/// A number, or a text such as `"0x41"`, `"pad 1 | 1<<8"` or `"1280<<16|720"`.
fn number(value: &Value) -> i64 {
    let Value::String(text) = value else { return value.as_i64().unwrap_or_else(|| panic!("not a number: {value}")) };
    text.split('|')
        .map(|part| {
            let (digits, shift) = part.split_once("<<").unwrap_or((part, "0"));
            let digits = digits.trim().trim_start_matches("pad ").trim_start_matches("id ");
            let digits = digits.strip_prefix("0x").map_or_else(|| digits.parse(), |hex| i64::from_str_radix(hex, 16));
            digits.unwrap() << shift.parse::<u32>().unwrap()
        })
        .sum()
}

/// A number that fits `T`; absent fields of a vector are zero.
fn field<T: TryFrom<i64, Error: std::fmt::Debug>>(fields: &Value, name: &str) -> T {
    T::try_from(fields.get(name).map_or(0, number)).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    let digits: Vec<u8> = text(value).chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}
