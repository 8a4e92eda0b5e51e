//! `docs/reference/security.md` is true: each abuse case has its row, and every test it names exists.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The abuse cases of pairing and trust, and of the API.
const CASES: [std::ops::RangeInclusive<u32>; 1] = [1..=42];

#[test]
fn every_abuse_case_has_a_row_with_a_promise_and_a_test() {
    let mut missing: BTreeSet<u32> = CASES.into_iter().flatten().collect();
    for row in rows() {
        assert_eq!(row.len(), 5, "a row has five cells: {row:?}");
        assert!(row[2].contains("::"), "no test in the row {row:?}");
        if let Ok(case) = row[0].parse() {
            assert!(!row[1].is_empty(), "no promise in the row {row:?}");
            assert!(missing.remove(&case), "case {case} has two rows, or is none");
        }
    }
    assert!(missing.is_empty(), "no row for the cases {missing:?}");
}

#[test]
fn every_test_that_the_security_page_names_exists() {
    let named: Vec<String> = rows().iter().map(|row| row[2].trim_matches('`').to_owned()).collect();
    let unknown: Vec<&String> = named.iter().filter(|name| !exists(name)).collect();
    assert!(unknown.is_empty(), "no such tests:\n{unknown:#?}");
    let distinct: BTreeSet<&String> = named.iter().collect();
    assert_eq!(distinct.len(), named.len(), "a test is named twice");
}

#[test]
fn a_test_that_is_none_is_noticed() {
    let real = "tools::security::a_test_that_is_none_is_noticed";
    assert!(exists(real));
    for wrong in ["tools::security::no_such_test", "tools::nowhere::rows", "tools::security::rows", "nowhere::a::b"] {
        assert!(!exists(wrong), "{wrong}");
    }
}

/// The cells of each row of the page's tables, but for their heads.
fn rows() -> Vec<Vec<String>> {
    let page = fs::read_to_string(root().join("docs/reference/security.md")).unwrap();
    let lines = page.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    let cells = lines.map(|line| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
    cells.filter(|row| row[0] != "#" && !row[0].starts_with("---")).collect()
}

/// Whether `crate::module::…::name` is a test: in a file of the crate's sources or tests, or in a module of that file.
fn exists(name: &str) -> bool {
    let parts: Vec<&str> = name.split("::").collect();
    let [package, modules @ .., test] = &parts[..] else { return false };
    if modules.is_empty() {
        return false;
    }
    let crate_root = root().join("crates").join(package);
    let folders = [crate_root.join("src"), crate_root.join("tests")];
    let inner = modules.len().saturating_sub(1);
    let files = folders.iter().flat_map(|folder| {
        let outer = files_of(folder, modules);
        let inline = files_of(folder, &modules[..inner]);
        let holds = move |file: &PathBuf| {
            let module = format!("mod {} {{", modules[inner]);
            fs::read_to_string(file).is_ok_and(|text| text.contains(&module))
        };
        outer.into_iter().chain(inline.into_iter().filter(holds))
    });
    files.filter_map(|file| fs::read_to_string(file).ok()).any(|text| is_test(&text, test))
}

/// The files in which the module may be written.
fn files_of(folder: &Path, modules: &[&str]) -> [PathBuf; 3] {
    let module = modules.iter().fold(folder.to_owned(), |path, module| path.join(module));
    [module.with_extension("rs"), module.join("mod.rs"), module.join("main.rs")]
}

/// Whether a function of this name carries `#[test]` or `#[tokio::test…]` right above it.
fn is_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let head = format!("fn {name}(");
    lines.iter().enumerate().filter(|(_, line)| line.contains(&head)).any(|(at, _)| {
        let above = lines[..at].iter().rev().take_while(|line| line.starts_with('#') || line.starts_with("//"));
        above.into_iter().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
