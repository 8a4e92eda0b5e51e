//! C programs against the library: compiled as a user would, run under AddressSanitizer and Valgrind.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Frames of the lossy loop under Valgrind, which takes a minute for [`FRAMES`].
const FRAMES_UNDER_VALGRIND: &str = "1000";
const FRAMES: &str = "10000";

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where cargo puts the libraries that this test was built with: beside it.
fn libraries() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// A compiler, its extra flags, and which of the two libraries.
struct Build<'a> {
    compiler: &'a str,
    flags: &'a [&'a str],
    shared: bool,
}

impl Build<'_> {
    /// Compiles `source` to `program`.
    fn compile(&self, source: &Path, program: &Path) -> Output {
        let libraries = libraries();
        let mut command = Command::new(self.compiler);
        command.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-g", "-O1"]).args(self.flags);
        command.arg("-I").arg(here().join("include")).arg(source).arg("-o").arg(program);
        if self.shared {
            command
                .arg("-L")
                .arg(&libraries)
                .arg("-lpunktfunk_core")
                .arg(format!("-Wl,-rpath,{}", libraries.display()));
        } else {
            command.arg(libraries.join("libpunktfunk_core.a")).args(["-lm", "-lpthread", "-ldl"]);
        }
        run(&mut command)
    }
}

fn check(what: &str, output: &Output) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}: {}\n{out}\n{err}", output.status);
}

fn harness(build: &Build<'_>) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("harness");
    check(build.compiler, &build.compile(&here().join("tests/c/harness.c"), &program));
    (dir, program)
}

#[test]
fn the_harness_passes_under_address_sanitizer_with_gcc_and_the_static_library() {
    let (_dir, program) = harness(&Build { compiler: "gcc", flags: &["-fsanitize=address,undefined"], shared: false });
    check("harness", &run(Command::new(program).arg(FRAMES)));
}

#[test]
fn the_harness_passes_with_clang_and_the_shared_library() {
    let (_dir, program) = harness(&Build { compiler: "clang", flags: &[], shared: true });
    check("harness", &run(Command::new(program).arg(FRAMES)));
}

#[test]
fn the_harness_passes_under_valgrind() {
    under_valgrind(FRAMES_UNDER_VALGRIND);
}

#[test]
#[ignore = "takes a minute"]
fn the_whole_harness_passes_under_valgrind() {
    under_valgrind(FRAMES);
}

fn under_valgrind(frames: &str) {
    if !is_installed("valgrind") {
        println!("valgrind is not installed: crates/tools/scripts/setup.sh brings it");
        return;
    }
    let (_dir, program) = harness(&Build { compiler: "gcc", flags: &[], shared: true });
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite"]);
    valgrind.arg(format!("--suppressions={}", here().join("tests/c/valgrind.supp").display()));
    check("harness under valgrind", &run(valgrind.arg(program).arg(frames)));
}

#[test]
fn the_header_is_good_cpp_too() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("header.cpp");
    std::fs::write(&source, "#include \"punktfunk_core.h\"\n").unwrap();
    let mut command = Command::new("g++");
    command.args(["-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I"]).arg(here().join("include")).arg(source);
    check("g++", &run(&mut command));
}

/// The only C program of `docs/how-to/embed.md`, as a reader copies it.
#[test]
fn the_program_of_the_guide_compiles_and_runs() {
    let guide = std::fs::read_to_string(here().join("../../docs/how-to/embed.md")).unwrap();
    let program = guide.split("```c\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert!(program.lines().count() <= 45, "the guide promises about 40 lines");
    let dir = tempfile::tempdir().unwrap();
    let (source, binary) = (dir.path().join("embed.c"), dir.path().join("embed"));
    std::fs::write(&source, program).unwrap();
    for shared in [false, true] {
        check("guide", &Build { compiler: "gcc", flags: &[], shared }.compile(&source, &binary));
        let output = run(&mut Command::new(&binary));
        check("guide", &output);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "frame 0: 50000 bytes, 1 shards restored\n");
    }
}
