//! What a boot loader reads: the newest boot entry of the deployments on a disk, and the kernel that it names.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

/// What is started.
pub(crate) struct Entry {
    pub(crate) kernel: PathBuf,
    pub(crate) initrd: PathBuf,
    pub(crate) arguments: String,
}

impl Entry {
    /// Reads it from the file system on `disk`, which no machine has mounted, and puts its files into `dir`.
    pub(crate) fn newest(disk: &Path, dir: &Path) -> Result<Self> {
        let list = debugfs(disk, "ls -p /boot/loader/entries")?;
        let names = list.lines().filter_map(|line| line.split('/').nth(5)).filter(|name| name.ends_with(".conf"));
        let texts: Vec<String> =
            names.map(|name| debugfs(disk, &format!("cat /boot/loader/entries/{name}"))).collect::<Result<_>>()?;
        let version = |text: &&String| value(text, "version").and_then(|version| version.parse::<u32>().ok());
        let text = texts.iter().max_by_key(version).context("no boot entry on the disk")?;
        let arguments = value(text, "options").unwrap_or_default().to_owned();
        let fetch = |key: &str| {
            let path = value(text, key).with_context(|| format!("no {key} in {text}"))?;
            let path = path.strip_prefix("/boot").unwrap_or(path);
            let to = dir.join(key);
            debugfs(disk, &format!("dump /boot{path} {}", to.display()))?;
            ensure!(to.metadata().is_ok_and(|file| file.len() > 0), "{path} is not on the disk");
            Ok(to)
        };
        Ok(Self { kernel: fetch("linux")?, initrd: fetch("initrd")?, arguments })
    }
}

/// The value of a key of an entry.
fn value<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')).map(str::trim)
}

/// A look into a file system that is not mounted. As a boot loader's: without its journal, and (`-c`) without the bitmaps of
/// what is free, which a power cut leaves half written.
fn debugfs(disk: &Path, request: &str) -> Result<String> {
    let output = Command::new("/usr/sbin/debugfs").args(["-c", "-R", request]).arg(disk).output().context("debugfs")?;
    ensure!(output.status.success(), "debugfs {request}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn an_entry_is_read_by_its_keys() {
        let text = "title a\nversion 2\noptions root=LABEL=x rw\nlinux /boot/ostree/a/vmlinuz\n";
        assert_eq!(value(text, "version"), Some("2"));
        assert_eq!(value(text, "options"), Some("root=LABEL=x rw"));
        assert_eq!(value(text, "initrd"), None);
    }
}
