//! The header in the tree is the one that the sources make.

use std::{fs, path::Path};

/// The header as cbindgen makes it of the sources.
fn generated() -> String {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut config = cbindgen::Config {
        language: cbindgen::Language::C,
        cpp_compat: true,
        include_guard: Some("PUNKTFUNK_CORE_H".into()),
        header: Some(
            "/* libpunktfunk_core: the punktfunk/1 protocol without I/O. Made from crates/ffi/src by cbindgen. */"
                .into(),
        ),
        documentation_style: cbindgen::DocumentationStyle::C99,
        line_length: 120,
        usize_is_size_t: true,
        style: cbindgen::Style::Both,
        ..Default::default()
    };
    config.enumeration.prefix_with_name = true;
    config.enumeration.rename_variants = cbindgen::RenameRule::ScreamingSnakeCase;
    config
        .export
        .include
        .extend(["PfStatus", "PfUnitKind", "PfCipher", "PfEventKind", "PfCommandKind"].map(str::to_owned));
    let bindings = cbindgen::Builder::new().with_crate(root).with_config(config).generate().unwrap();
    let mut header = Vec::new();
    bindings.write(&mut header);
    String::from_utf8(header).unwrap()
}

fn path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("include/punktfunk_core.h")
}

#[test]
fn the_header_in_the_tree_is_the_one_that_the_sources_make() {
    let there = fs::read_to_string(path()).unwrap_or_default();
    assert!(
        there == generated(),
        "write it anew: cargo test -p punktfunk-ffi --test header -- --ignored, and look at what changed"
    );
}

#[test]
#[ignore = "writes into the tree; run it when an export changed"]
fn write_the_header() {
    fs::write(path(), generated()).unwrap();
}
