//! Looks whether gamescope would work here, without starting it.

use std::{
    fs::{self, OpenOptions},
    io,
    os::fd::OwnedFd,
    process::{Command, Stdio},
};

use crate::display::gamescope::{
    task::Gpu,
    wire::{self, Finding, FromSession, Version},
};

/// Says to the host what it finds.
pub(super) fn run(host: &OwnedFd, gpu: Gpu) -> io::Result<()> {
    wire::send(host, &FromSession::Found(look(gpu)).encode())
}

fn look(gpu: Gpu) -> Finding {
    let help = match said_by("gamescope", "--help") {
        Ok(help) => help,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Finding::NoGamescope,
        Err(_) => return Finding::Broken,
    };
    let version = said_by("gamescope", "--version").ok().and_then(|text| version_in(&text)).unwrap_or_default();
    if !runs_headless(&help) {
        return Finding::NotHeadless(version);
    }
    let Ok(pipewire) = said_by("pipewire", "--version") else { return Finding::NoPipewire };
    // The library's version, not that of the headers.
    let linked = pipewire.rsplit("Linked").next().and_then(version_in).unwrap_or_default();
    if deadlocks(version, linked) {
        return Finding::Deadlock(version);
    }
    if gpu == Gpu::Needed && !has_render_node() {
        return Finding::NoGpu;
    }
    Finding::Works(version)
}

/// What a program prints, on either stream.
fn said_by(program: &str, argument: &str) -> io::Result<String> {
    let output = Command::new(program).arg(argument).stdin(Stdio::null()).output()?;
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(text.concat())
}

fn runs_headless(help: &str) -> bool {
    help.contains("--backend") && help.contains("headless")
}

/// gamescope before 3.16.22 captures nothing with PipeWire from 1.6 on. One that names no version is taken for new.
fn deadlocks(gamescope: Version, pipewire: Version) -> bool {
    gamescope != Version::default() && gamescope < Version(3, 16, 22) && pipewire >= Version(1, 6, 0)
}

/// The first word of three numbers with dots between, as in "gamescope version 3.16.23 (gcc 15)".
fn version_in(text: &str) -> Option<Version> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.')).find_map(|word| {
        let mut numbers = word.split('.').map(str::parse);
        Some(Version(numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?))
    })
}

/// Whether there is a render node that this user may open.
fn has_render_node() -> bool {
    let nodes = fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    let mut nodes = nodes.filter(|node| node.file_name().as_encoded_bytes().starts_with(b"renderD"));
    nodes.any(|node| OpenOptions::new().read(true).write(true).open(node.path()).is_ok())
}

#[cfg(test)]
mod tests {
    use super::{Version, deadlocks, runs_headless, version_in};

    #[test]
    fn versions_are_read_as_gamescope_and_pipewire_print_them() {
        let of = |text: &str| version_in(text);
        assert_eq!(
            of("[gamescope] [Info]  console: gamescope version 3.16.23.5 (gcc 15.1.1)\n"),
            Some(Version(3, 16, 23))
        );
        assert_eq!(of("gamescope version 3.16.4-5-gabc\n"), Some(Version(3, 16, 4)));
        assert_eq!(
            of("pipewire\nCompiled with libpipewire 0.3.65\nLinked with libpipewire 1.6.2\n"),
            Some(Version(0, 3, 65))
        );
        assert_eq!(of("no version at all, but a 4.2"), None);
    }

    #[test]
    fn old_gamescopes_block_themselves_with_new_pipewires_only() {
        assert!(deadlocks(Version(3, 16, 21), Version(1, 6, 0)));
        assert!(!deadlocks(Version(3, 16, 21), Version(1, 4, 2)));
        assert!(!deadlocks(Version(3, 16, 22), Version(1, 6, 0)));
        assert!(!deadlocks(Version::default(), Version(1, 6, 0)));
    }

    #[test]
    fn a_help_without_the_headless_backend_is_noticed() {
        assert!(runs_headless("  --backend  select rendering backend\n    headless => use headless backend\n"));
        assert!(!runs_headless("usage: gamescope [options...] -- [command...]\n  -e, --steam"));
    }
}
