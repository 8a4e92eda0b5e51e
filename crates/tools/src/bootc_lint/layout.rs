//! Rules of where things are.

use std::{
    collections::BTreeSet,
    io,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
};

use serde::Deserialize;

use super::tree::{Found, Tree};

type Verdict = io::Result<Vec<String>>;

pub(super) fn api_directories(tree: &Tree) -> Verdict {
    let mut missing = Vec::new();
    for name in ["dev", "proc", "sys", "run", "tmp", "var"] {
        if !tree.is_directory(name)? {
            missing.push(format!("/{name} is no directory"));
        }
    }
    Ok(missing)
}

/// `yes`, `true`, `1`, `maybe`, `verity` and `signed` allow it.
pub(super) fn composefs(tree: &Tree) -> Verdict {
    let text = tree.text(PREPARE_ROOT)?;
    let mut section = "";
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        }
        let value = line.split_once('=').filter(|(key, _)| section == "composefs" && key.trim() == "enabled");
        if let Some((_, value)) = value {
            let allows = ["yes", "true", "1", "maybe", "verity", "signed"].contains(&value.trim());
            return Ok(if allows { Vec::new() } else { vec![format!("/{PREPARE_ROOT}: enabled is {}", value.trim())] });
        }
    }
    Ok(vec![format!("/{PREPARE_ROOT} says nothing of it")])
}

pub(super) fn ostree_root(tree: &Tree) -> Verdict {
    let mut broken = Vec::new();
    if !tree.is_directory("sysroot")? {
        broken.push("/sysroot is no directory".to_owned());
    }
    match tree.link("ostree")? {
        Some(to) if to == "sysroot/ostree" => {}
        Some(to) => broken.push(format!("/ostree leads to {}", to.display())),
        None => broken.push("/ostree is no link".to_owned()),
    }
    Ok(broken)
}

pub(super) fn kernel_arguments(tree: &Tree) -> Verdict {
    let mut wrong = Vec::new();
    for file in tree.list("usr/lib/bootc/kargs.d")? {
        if file.path.extension().is_none_or(|end| end != "toml") {
            continue;
        }
        if let Err(error) = toml::from_str::<KernelArguments>(&tree.text(&file.path)?) {
            wrong.push(format!("{}: {}", file.name(), error.message()));
        }
    }
    Ok(wrong)
}

/// A file of `kargs.d`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct KernelArguments {
    #[serde(rename = "kargs")]
    _kargs: Vec<String>,
    #[serde(rename = "match-architectures")]
    _match_architectures: Option<Vec<String>>,
}

pub(super) fn injected(tree: &Tree) -> Verdict {
    let mut empty = Vec::new();
    for name in ["etc/hostname", "etc/resolv.conf"] {
        if tree.look(name)?.is_some_and(|is| is.is_file() && is.len() == 0) {
            empty.push(format!("/{name} is empty, as a container builder leaves it"));
        }
    }
    Ok(empty)
}

pub(super) fn two_etc(tree: &Tree) -> Verdict {
    let both = tree.look("etc")?.is_some() && tree.look("usr/etc")?.is_some();
    Ok(if both { vec!["/usr/etc is ostree's alone".to_owned()] } else { Vec::new() })
}

pub(super) fn kernel(tree: &Tree) -> Verdict {
    let mut kernels: Vec<Found> = tree.list("usr/lib/modules")?;
    kernels.retain(|found| found.is.is_dir());
    let mut broken = Vec::new();
    if kernels.len() != 1 {
        broken.push(format!("{} kernels in /usr/lib/modules", kernels.len()));
    }
    for kernel in &kernels {
        for part in ["vmlinuz", "initramfs.img"] {
            if !tree.look(kernel.path.join(part))?.is_some_and(|is| is.is_file()) {
                broken.push(format!("{}/{part} is missing", kernel.name()));
            }
        }
    }
    Ok(broken)
}

pub(super) fn boot(tree: &Tree) -> Verdict {
    if !tree.is_directory("boot")? {
        return Ok(vec!["/boot is no directory".to_owned()]);
    }
    contents(tree, "boot")
}

pub(super) fn run_and_tmp(tree: &Tree) -> Verdict {
    Ok([contents(tree, "run")?, contents(tree, "tmp")?].concat())
}

fn contents(tree: &Tree, folder: &str) -> Verdict {
    Ok(tree.list(folder)?.iter().map(Found::name).collect())
}

pub(super) fn names(tree: &Tree) -> Verdict {
    let mut wrong = Vec::new();
    for found in tree.below("")? {
        if std::str::from_utf8(found.path.as_os_str().as_bytes()).is_err() {
            wrong.push(found.name());
        } else if tree.link(&found.path)?.is_some_and(|to| String::from_utf8(to.into_vec()).is_err()) {
            wrong.push(format!("what {} leads to", found.name()));
        }
    }
    Ok(wrong)
}

pub(super) fn logs(tree: &Tree) -> Verdict {
    let logs = tree.below("var/log")?;
    Ok(logs.iter().filter(|found| found.is.is_file() && found.is.len() > 0).map(Found::name).collect())
}

pub(super) fn var_run(tree: &Tree) -> Verdict {
    let wrong = tree.look("var/run")?.is_some_and(|is| !is.is_symlink());
    Ok(if wrong { vec!["/var/run is no link".to_owned()] } else { Vec::new() })
}

/// What is in `/var` of an image is unpacked once, at installation: only tmpfiles.d brings it to machines that are updated.
pub(super) fn var(tree: &Tree) -> Verdict {
    let made: BTreeSet<String> = tree.lines("tmpfiles.d")?.iter().filter_map(|line| made_by(line)).collect();
    let mut missing = Vec::new();
    for found in tree.below("var")? {
        let name = found.name();
        if !found.is.is_dir() && !found.is.is_symlink() {
            missing.push(format!("{name} is a file"));
        } else if !made.contains(&name) {
            missing.push(name);
        }
    }
    Ok(missing)
}

/// The path that a line of tmpfiles.d makes.
fn made_by(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let makes = words.next()?.starts_with(['d', 'D', 'v', 'q', 'Q', 'L', 'f', 'C']);
    let path = words.next()?.trim_matches('"').trim_end_matches('/');
    // Old files still say /var/run.
    makes.then(|| path.to_owned())
}

const PREPARE_ROOT: &str = "usr/lib/ostree/prepare-root.conf";
