//! The checked-in reference pages are what the program would write.

use std::{fs, path::Path};

use crate::common::{program, stdout};

fn check(page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/reference/{page}.md"));
    let written = stdout(&program().args(["reference", page]).output().unwrap());
    let checked_in = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == checked_in,
        "docs/reference/{page}.md is out of date; run: cargo run -p punktfunk-host -- reference {page} > docs/reference/{page}.md"
    );
}

#[test]
fn the_configuration_page_is_up_to_date() {
    check("configuration");
}

#[test]
fn the_command_line_page_is_up_to_date() {
    check("cli");
}

#[test]
fn the_printed_schema_is_the_one_files_are_checked_against() {
    let printed = stdout(&program().arg("config-schema").output().unwrap());
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed, punktfunk_host::config::schema::schema());
}

#[test]
fn help_shows_examples_and_a_wrong_command_line_ends_with_2() {
    for args in [&["--help"][..], &["serve", "--help"], &["ctl", "--help"], &["check-config", "--help"]] {
        let output = program().args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(stdout(&output).contains("Examples:\n  punktfunk-host "), "{args:?}");
    }
    for args in [&[][..], &["sevre"], &["serve", "--state-dri", "x"], &["ctl", "approve", "xyz"]] {
        assert_eq!(program().args(args).output().unwrap().status.code(), Some(2), "{args:?}");
    }
}
