//! The tree keeps its own rules: which way crates depend, what documents name, how long files are.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

/// What each crate may use of the others (`docs/architecture.md`, "Code map"). Tests may use more: they bring the real
/// part of another crate where a mock would stand otherwise.
const MAY_USE: [(&str, &[&str]); 12] = [
    ("proto", &[]),
    ("ffi", &["proto"]),
    ("trust", &["proto"]),
    ("update", &[]),
    ("audio", &["proto"]),
    ("gamestream", &["proto", "trust"]),
    ("api", &["proto", "trust", "update"]),
    ("transport", &["proto"]),
    ("video", &["proto"]),
    ("client", &["audio", "proto", "transport"]),
    ("host", &["api", "audio", "gamestream", "proto", "trust", "transport", "update", "video"]),
    ("tools", &["audio", "proto", "trust", "transport", "video"]),
];

/// What would bring a runtime, a socket or the system into `proto`.
const NOT_IN_PROTO: [&str; 8] = ["tokio", "quinn", "rustls", "mdns-sd", "socket2", "rustix", "libc", "tracing"];

/// Pages that say which test holds us to which promise, by `crate/module::test_name`.
const MAPS_OF_PROMISES: [&str; 1] = ["docs/reference/interoperability.md"];

/// Lines a source file rarely exceeds.
const LONG_FILE: usize = 800;
/// Files that may, each with its reason.
const LONG_FILES: [(&str, &str); 0] = [];

#[test]
fn crates_depend_downwards_only() {
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        let short = name.strip_prefix("punktfunk-").expect("our packages are named punktfunk-…");
        let (_, allowed) = MAY_USE.iter().find(|(known, _)| *known == short).unwrap_or_else(|| {
            panic!("{name} is new: say in MAY_USE and in docs/architecture.md what it may use");
        });
        for used in dependencies(&package).iter().filter_map(|used| used.strip_prefix("punktfunk-")) {
            assert!(allowed.contains(&used), "{short} may not use {used}");
        }
    }
}

#[test]
fn proto_has_no_runtime_no_socket_and_no_unsafe() {
    let packages = packages();
    let proto = packages.iter().find(|package| package["name"] == "punktfunk-proto").unwrap();
    for banned in NOT_IN_PROTO {
        assert!(!dependencies(proto).contains(banned), "proto may not use {banned}");
    }
    assert!(read("crates/proto/src/lib.rs").contains("#![forbid(unsafe_code)]"));
}

#[test]
fn every_path_that_a_document_names_exists() {
    let mut missing = Vec::new();
    for document in documents() {
        for span in code_spans(&read(&document)) {
            let wanted = expand(&span).into_iter().filter(|path| is_repository_path(path));
            missing.extend(wanted.filter(|path| !root().join(path).exists()).map(|path| format!("{document}: {path}")));
        }
    }
    assert!(missing.is_empty(), "named but not there:\n{}", missing.join("\n"));
}

#[test]
fn every_link_of_a_document_resolves() {
    let mut broken = Vec::new();
    for document in documents() {
        let folder = Path::new(&document).parent().unwrap().to_owned();
        for link in links(&read(&document)).into_iter().filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').map_or((link.as_str(), None), |(file, at)| (file, Some(at)));
            let target = if file.is_empty() { PathBuf::from(&document) } else { folder.join(file) };
            let resolves =
                root().join(&target).exists() && anchor.is_none_or(|anchor| headings(&read(&target)).contains(anchor));
            if !resolves {
                broken.push(format!("{document}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "links to nothing:\n{}", broken.join("\n"));
}

#[test]
fn every_name_in_the_walks_through_the_code_is_in_the_code() {
    let sources: String = files("crates").iter().filter(|path| path.ends_with(".rs")).map(read).collect();
    let words: BTreeSet<&str> = sources.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
    for walk in ["docs/follow-a-frame.md", "docs/follow-a-pairing.md"] {
        for span in code_spans(&read(walk)).iter().filter(|span| is_name(span)) {
            for part in span.split("::") {
                assert!(words.contains(part), "{walk}: the code knows no `{part}` (in `{span}`)");
            }
        }
    }
}

#[test]
fn every_test_that_a_map_of_promises_names_is_in_the_tree() {
    for map in MAPS_OF_PROMISES {
        let text = read(map);
        let named: Vec<String> = code_spans(&text).into_iter().filter(|span| is_test(span)).collect();
        assert!(!named.is_empty(), "{map} names no test");
        for test in named {
            assert!(has_test(&test), "{map} names the test `{test}`, which is not there");
        }
    }
}

#[test]
fn no_source_file_is_too_long() {
    let sources = [files("crates"), files("fuzz")].concat();
    for path in sources.iter().filter(|path| path.ends_with(".rs")) {
        let lines = read(path).lines().count();
        let listed = LONG_FILES.iter().any(|(known, _)| known == path);
        assert!(lines <= LONG_FILE || listed, "{path} has {lines} lines: cut it where its nouns change");
    }
}

#[test]
fn scripts_can_be_run() {
    let scripts = [files("crates"), files(".ci")].concat();
    for path in scripts {
        let path = root().join(path);
        if fs::read(&path).unwrap().starts_with(b"#!/") {
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert!(mode & 0o111 != 0, "{} begins with #! and is not executable: chmod +x", path.display());
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The members of the workspace, as cargo describes them.
fn packages() -> Vec<serde_json::Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// What a package needs apart from its tests.
fn dependencies(package: &serde_json::Value) -> BTreeSet<String> {
    let all = package["dependencies"].as_array().unwrap().iter();
    let needed = all.filter(|dependency| dependency["kind"] != "dev");
    needed.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect()
}

/// Every file below `folder`, without what tools leave there.
fn files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{folder}/{name}");
        if !entry.file_type().unwrap().is_dir() {
            found.push(path);
        } else if !["target", "corpus", "artifacts"].contains(&name.as_str()) {
            found.extend(files(&path));
        }
    }
    found
}

fn documents() -> Vec<String> {
    let mut documents = files("docs");
    documents.extend(["README.md".to_owned(), "CONTRIBUTING.md".to_owned()]);
    documents.retain(|path| path.ends_with(".md"));
    documents
}

/// The lines outside fenced blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// What stands between backticks on a line.
fn code_spans(text: &str) -> Vec<String> {
    prose(text).flat_map(|line| line.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

fn links(text: &str) -> Vec<String> {
    let ends = prose(text).flat_map(|line| line.split("](").skip(1));
    ends.filter_map(|rest| rest.split_once(')')).map(|(link, _)| link.to_owned()).collect()
}

/// Anchors of a document's headings, as forges make them.
fn headings(text: &str) -> BTreeSet<String> {
    let titles = prose(text).filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    titles
        .map(|title| title.to_lowercase().chars().filter(|c| kept(*c)).collect::<String>().replace(' ', "-"))
        .collect()
}

/// `a/{b,c}.rs` is `a/b.rs` and `a/c.rs`.
fn expand(span: &str) -> Vec<String> {
    let inner = span.split_once('{').and_then(|(head, rest)| Some((head, rest.split_once('}')?)));
    match inner {
        Some((head, (choices, tail))) => choices.split(',').map(|choice| format!("{head}{choice}{tail}")).collect(),
        None => vec![span.to_owned()],
    }
}

/// A path of this repository, written from its root. What `make` builds and what the demo leaves is not in it.
fn is_repository_path(text: &str) -> bool {
    let top = ["crates/", "docs/", "fuzz/", "images/", "modules/", ".ci/", ".config/"];
    top.iter().any(|folder| text.starts_with(folder)) && !text.contains(char::is_whitespace) && !text.contains('*')
}

/// `crate/module::test_name`.
fn is_test(span: &str) -> bool {
    let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    span.split_once('/')
        .and_then(|(package, rest)| Some((package, rest.split_once("::")?)))
        .is_some_and(|(package, (module, test))| [package, module, test].into_iter().all(word))
}

/// Whether a file or folder of that crate with the module's name holds a test of that name.
fn has_test(span: &str) -> bool {
    let (package, (module, test)) =
        span.split_once('/').and_then(|(package, rest)| Some((package, rest.split_once("::")?))).expect("a test");
    let of_module = |path: &&String| {
        let stem = path.trim_end_matches(".rs");
        path.ends_with(".rs") && stem.split('/').any(|part| part == module)
    };
    let definition = format!("fn {test}()");
    files(&format!("crates/{package}")).iter().filter(of_module).any(|path| {
        let text = read(path);
        text.find(&definition).is_some_and(|at| text[..at].trim_end().lines().rev().take(3).any(|l| l.contains("test")))
    })
}

/// A name of the code: `Type`, `Type::method`, `function_of_two_words`.
fn is_name(span: &str) -> bool {
    let of_code = span.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ':'));
    of_code && span.contains(|c: char| c.is_uppercase() || matches!(c, '_' | ':'))
}
