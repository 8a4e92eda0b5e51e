//! The OpenAPI document that is checked in is the one that the code makes.

use std::{env, fs, path::Path};

/// Writes the document anew instead of comparing it.
const UPDATE: &str = "UPDATE_OPENAPI";

#[test]
fn the_document_that_is_checked_in_is_the_one_that_the_code_makes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    // By way of a value, whose keys are sorted.
    let document = serde_json::to_value(punktfunk_api::openapi()).unwrap();
    let made = serde_json::to_string_pretty(&document).unwrap() + "\n";
    if env::var_os(UPDATE).is_some() {
        fs::write(&path, &made).unwrap();
    }
    let checked_in = fs::read_to_string(&path).unwrap_or_default();
    let differing = made.lines().zip(checked_in.lines()).position(|(made, checked_in)| made != checked_in);
    assert!(
        made == checked_in,
        "crates/api/openapi.json is out of date from line {} on: run {UPDATE}=1 cargo test -p punktfunk-api --test \
         document, then `make web` or the console's generator, and commit both",
        differing.unwrap_or_else(|| made.lines().count().min(checked_in.lines().count())) + 1,
    );
}
