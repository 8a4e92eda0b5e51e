//! What the machine shows of its slots: which version runs, how it was booted, what the boot menu holds.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{generations, places::Places, version::Version};

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// The system image's name (`IMAGE_ID`).
    pub image: String,
    /// The version that runs (`IMAGE_VERSION`).
    pub running: Version,
    /// The kernel's id of this boot.
    pub boot: String,
    /// The tries of this boot's entry as it was started; `None`: it is not counted.
    pub counter: Option<Counter>,
    /// The image's boot entries.
    pub entries: Vec<Entry>,
    /// On NixOS: the generation that is started next, which `nixos-rebuild` puts there rather than this program.
    pub next: Option<Version>,
}

/// A boot entry of the image.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it starts.
    pub version: Version,
    /// Its tries; `None`: it was blessed, or never counted.
    pub counter: Option<Counter>,
    /// Its file.
    pub path: PathBuf,
}

/// Tries of a boot entry, as its file's name has them: `+left-done`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Tries left.
    pub left: u32,
    /// Tries made.
    pub done: u32,
}

/// Why the machine cannot be updated in this way.
#[derive(Debug, thiserror::Error)]
pub enum MachineFault {
    /// Not a system made from our image.
    #[error(
        "this system is no image with slots: {} names no IMAGE_ID and IMAGE_VERSION; update it by its distribution's means",
        path.display()
    )]
    NoImage {
        /// The file that would.
        path: PathBuf,
    },
    /// A NixOS whose generation was deleted while it runs, or that was never made by `nixos-rebuild`.
    #[error("no generation in {} is the system that runs ({})", profiles.display(), booted.display())]
    NoGeneration {
        /// Where generations are.
        profiles: PathBuf,
        /// What was booted.
        booted: PathBuf,
    },
    /// A file that every system has cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
}

impl Machine {
    /// Looks.
    ///
    /// # Errors
    /// This is no system made from an image, or a file cannot be read.
    pub fn look(places: &Places) -> Result<Self, MachineFault> {
        let release = read(&places.os_release)?;
        if value(&release, "ID").as_deref() == Some("nixos") {
            return Self::look_at_generations(places);
        }
        let no_image = || MachineFault::NoImage { path: places.os_release.clone() };
        let image = value(&release, "IMAGE_ID").filter(|id| !id.is_empty()).ok_or_else(no_image)?;
        let running = value(&release, "IMAGE_VERSION").and_then(|text| text.parse().ok()).ok_or_else(no_image)?;
        let boot = read(&places.boot_id)?.trim().to_owned();
        let entries = entries(&places.esp, &image);
        Ok(Self { counter: counted_boot(&places.efivars), image, running, boot, entries, next: None })
    }

    fn look_at_generations(places: &Places) -> Result<Self, MachineFault> {
        let unknown =
            || MachineFault::NoGeneration { profiles: places.profiles.clone(), booted: places.booted.clone() };
        let running = generations::running(&places.profiles, &places.booted).ok_or_else(unknown)?;
        let entries = generations::entries(&places.esp);
        // A health check may come long after the start, when a configuration was switched to: then this was blessed.
        let is_on_trial = entries.iter().any(|entry| entry.version == running && entry.counter.is_some());
        Ok(Self {
            image: "nixos".into(),
            boot: read(&places.boot_id)?.trim().to_owned(),
            counter: counted_boot(&places.efivars).filter(|_| is_on_trial),
            next: generations::next(&places.profiles),
            running,
            entries,
        })
    }

    /// The entry of this version.
    pub fn entry(&self, version: &Version) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.version == *version)
    }

    /// Whether the boot loader has another version to go back to. Where the boot menu cannot be looked at, it may have one.
    pub fn can_go_back(&self) -> bool {
        let is_bad = |entry: &Entry| matches!(entry.counter, Some(Counter { left: 0, .. }));
        self.entries.is_empty() || self.entries.iter().any(|entry| entry.version != self.running && !is_bad(entry))
    }

    /// The newest other version in the boot menu.
    pub fn other(&self) -> Option<&Entry> {
        self.entries.iter().filter(|entry| entry.version != self.running).max_by_key(|entry| &entry.version)
    }
}

fn read(path: &Path) -> Result<String, MachineFault> {
    fs::read_to_string(path).map_err(|source| MachineFault::Unreadable { path: path.to_owned(), source })
}

/// The value of `key` in a file of `key=value` or `key="value"`.
fn value(text: &str, key: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
    Some(line.trim().trim_matches(['"', '\'']).to_owned())
}

/// What the boot loader says of this boot (`LoaderBootCountPath`, Boot Loader Interface): the path of the entry with its
/// counters. Set only where the entry is counted.
fn counted_boot(efivars: &Path) -> Option<Counter> {
    let raw = fs::read(efivars.join(BOOT_COUNT_PATH)).ok()?;
    // Four bytes of attributes, then UTF-16.
    let units: Vec<u16> = raw.get(4..)?.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let path = String::from_utf16_lossy(&units);
    let path = path.trim_end_matches('\0');
    let name = path.rsplit(['\\', '/']).next()?;
    split(name.strip_suffix(".efi").or_else(|| name.strip_suffix(".conf"))?).1
}

const BOOT_COUNT_PATH: &str = "LoaderBootCountPath-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";

/// The image's unified kernels in the first of `esp` that has any.
fn entries(esp: &[PathBuf], image: &str) -> Vec<Entry> {
    let of = |esp: &PathBuf| -> Vec<Entry> {
        let files = fs::read_dir(esp.join("EFI/Linux")).into_iter().flatten().flatten();
        files.filter_map(|file| entry(&file.path(), image)).collect()
    };
    esp.iter().map(of).find(|entries| !entries.is_empty()).unwrap_or_default()
}

/// `IMAGE_VERSION.efi`, `IMAGE_VERSION+LEFT.efi`, `IMAGE_VERSION+LEFT-DONE.efi`.
fn entry(path: &Path, image: &str) -> Option<Entry> {
    let stem = path.file_name()?.to_str()?.strip_suffix(".efi")?.strip_prefix(image)?.strip_prefix('_')?;
    let (version, counter) = split(stem);
    Some(Entry { version: version.parse().ok()?, counter, path: path.to_owned() })
}

/// A boot entry's name without its tries, and those.
pub(crate) fn split(stem: &str) -> (&str, Option<Counter>) {
    let counted = stem.rsplit_once('+').and_then(|(version, counter)| {
        let (left, done) = counter.split_once('-').unwrap_or((counter, "0"));
        Some((version, Counter { left: left.parse().ok()?, done: done.parse().ok()? }))
    });
    counted.map_or((stem, None), |(version, counter)| (version, Some(counter)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Counter, entry, value};

    #[test]
    fn boot_entries_are_read_with_their_counters() {
        let read =
            |name: &str| entry(Path::new(name), "punktfunk").map(|found| (found.version.to_string(), found.counter));
        assert_eq!(read("punktfunk_2.efi"), Some(("2".into(), None)));
        assert_eq!(read("punktfunk_2+3.efi"), Some(("2".into(), Some(Counter { left: 3, done: 0 }))));
        assert_eq!(read("punktfunk_0.2.0+0-3.efi"), Some(("0.2.0".into(), Some(Counter { left: 0, done: 3 }))));
        for other in ["punktfunk.efi", "punktfunk-lite_2.efi", "debian_2.efi", "punktfunk_2.conf", "punktfunk_+1.efi"] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn the_release_file_is_read_with_and_without_quotes() {
        let text = "NAME=Debian\nIMAGE_ID=\"punktfunk\"\nIMAGE_VERSION=0.2\n";
        assert_eq!(value(text, "IMAGE_ID").as_deref(), Some("punktfunk"));
        assert_eq!(value(text, "IMAGE_VERSION").as_deref(), Some("0.2"));
        assert_eq!(value(text, "IMAGE"), None);
    }
}
