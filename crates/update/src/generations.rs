//! NixOS's generations as versions of the system: the number of a generation is its version.
//!
//! `nixos-rebuild boot` makes a link `system-NUMBER-link` for each generation and a boot entry, which names the number and
//! has tries where `boot.loader.systemd-boot.bootCounting` is on.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    machine::{Counter, Entry, split},
    version::Version,
};

/// The generation that was booted: of those that are this system, the newest.
pub(crate) fn running(profiles: &Path, booted: &Path) -> Option<Version> {
    let booted = fs::canonicalize(booted).ok()?;
    let links = fs::read_dir(profiles).ok()?.flatten();
    let same = |link: &PathBuf| fs::canonicalize(link).is_ok_and(|system| system == booted);
    links.map(|link| link.path()).filter(same).filter_map(|link| generation(&link)).max()
}

/// The generation that `nixos-rebuild` made or chose last, which is started next.
pub(crate) fn next(profiles: &Path) -> Option<Version> {
    generation(&fs::read_link(profiles.join("system")).ok()?)
}

fn generation(link: &Path) -> Option<Version> {
    number(link.file_name()?.to_str()?.strip_prefix("system-")?.strip_suffix("-link")?)
}

fn number(text: &str) -> Option<Version> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// The generations in the first boot menu that has any. One with specialisations has several entries there: it has the tries
/// of the one that has the most left.
pub(crate) fn entries(esp: &[PathBuf]) -> Vec<Entry> {
    let of = |esp: &PathBuf| {
        let files = fs::read_dir(esp.join("loader/entries")).into_iter().flatten().flatten();
        let mut found: Vec<Entry> = files.filter_map(|file| entry(&file.path())).collect();
        found.sort_by(|a, b| a.version.cmp(&b.version).then(left(b.counter).cmp(&left(a.counter))));
        found.dedup_by(|later, first| later.version == first.version);
        found
    };
    esp.iter().map(of).find(|entries| !entries.is_empty()).unwrap_or_default()
}

fn left(counter: Option<Counter>) -> u32 {
    counter.map_or(u32::MAX, |counter| counter.left)
}

/// `nixos-….conf` with the line `version Generation NUMBER …`.
fn entry(path: &Path) -> Option<Entry> {
    let (_, counter) = split(path.file_name()?.to_str()?.strip_suffix(".conf")?.strip_prefix("nixos-")?);
    let text = fs::read_to_string(path).ok()?;
    let version = text.lines().find_map(|line| line.strip_prefix("version Generation "))?;
    Some(Entry { version: number(version.split(' ').next()?)?, counter, path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, path::Path};

    use super::{entries, next, running};
    use crate::machine::Counter;

    fn write(menu: &Path, name: &str, generation: &str) {
        let text = format!("title NixOS\nversion Generation {generation} NixOS 26.11, built on a day\nlinux /x.efi\n");
        fs::write(menu.join(name), text).unwrap();
    }

    #[test]
    fn the_generation_that_runs_is_found_by_what_was_booted_and_the_next_one_by_the_profile() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for (system, link) in
            [("a", "system-8-link"), ("b", "system-9-link"), ("a", "system-10-link"), ("c", "other-11-link")]
        {
            fs::create_dir_all(at(system)).unwrap();
            symlink(at(system), at(link)).unwrap();
        }
        symlink("system-9-link", at("system")).unwrap();
        symlink(at("a"), at("booted")).unwrap();
        assert_eq!(running(dir.path(), &at("booted")).unwrap().as_str(), "10");
        assert_eq!(next(dir.path()).unwrap().as_str(), "9");
        assert_eq!(running(dir.path(), &at("absent")), None);
        assert_eq!(next(&at("a")), None);
    }

    #[test]
    fn the_boot_menu_is_read_whatever_its_files_are_called() {
        let dir = tempfile::tempdir().unwrap();
        let menu = dir.path().join("loader/entries");
        fs::create_dir_all(&menu).unwrap();
        write(&menu, "nixos-generation-8.conf", "8");
        write(&menu, "nixos-5f1c+2-1.conf", "9");
        // A specialisation of the same generation that was not tried.
        write(&menu, "nixos-77aa+3.conf", "9");
        write(&menu, "nixos-0e0e+0-3.conf", "10");
        write(&menu, "debian.conf", "11");
        write(&menu, "nixos-bad.conf", "x");
        let found = entries(&[dir.path().join("absent"), dir.path().to_owned()]);
        let found: Vec<_> = found.iter().map(|entry| (entry.version.as_str(), entry.counter)).collect();
        let counter = |left, done| Some(Counter { left, done });
        assert_eq!(found, [("8", None), ("9", counter(3, 0)), ("10", counter(0, 3))]);
    }
}
