//! A root file system that is looked at from outside: no link is followed.

use std::{
    ffi::OsString,
    fs::{self, Metadata},
    io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

/// The root. Paths are those inside, without the slash before them.
pub(super) struct Tree {
    root: PathBuf,
}

/// Something in it.
pub(super) struct Found {
    /// Where.
    pub(super) path: PathBuf,
    /// What.
    pub(super) is: Metadata,
}

impl Tree {
    pub(super) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// What is there, if anything is.
    pub(super) fn look(&self, path: impl AsRef<Path>) -> io::Result<Option<Metadata>> {
        match fs::symlink_metadata(self.root.join(path)) {
            Ok(is) => Ok(Some(is)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn is_directory(&self, path: impl AsRef<Path>) -> io::Result<bool> {
        Ok(self.look(path)?.is_some_and(|is| is.is_dir()))
    }

    /// Where a link leads to; `None`: there is no link.
    pub(super) fn link(&self, path: impl AsRef<Path>) -> io::Result<Option<OsString>> {
        match self.look(&path)? {
            Some(is) if is.is_symlink() => Ok(Some(fs::read_link(self.root.join(path))?.into_os_string())),
            _ => Ok(None),
        }
    }

    /// The text of a file; empty where there is none.
    pub(super) fn text(&self, path: impl AsRef<Path>) -> io::Result<String> {
        match self.look(&path)? {
            Some(is) if is.is_file() => {
                let bytes = fs::read(self.root.join(path))?;
                Ok(String::from_utf8_lossy(&bytes).into_owned())
            }
            _ => Ok(String::new()),
        }
    }

    /// What is in a directory, by name; nothing where there is none.
    pub(super) fn list(&self, path: impl AsRef<Path>) -> io::Result<Vec<Found>> {
        if !self.is_directory(&path)? {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for entry in fs::read_dir(self.root.join(&path))? {
            let entry = entry?;
            found.push(Found { path: path.as_ref().join(entry.file_name()), is: entry.metadata()? });
        }
        found.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(found)
    }

    /// All that is below a directory.
    pub(super) fn below(&self, path: impl AsRef<Path>) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        let mut to_do = self.list(path)?;
        while let Some(next) = to_do.pop() {
            if next.is.is_dir() {
                to_do.extend(self.list(&next.path)?);
            }
            found.push(next);
        }
        found.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(found)
    }

    /// The lines of every file of a directory that ends so, without comments. A file in `etc` stands in for one of its name
    /// in `usr/lib`.
    pub(super) fn lines(&self, folder: &str) -> io::Result<Vec<String>> {
        let own = self.list(format!("etc/{folder}"))?;
        let mut files = self.list(format!("usr/lib/{folder}"))?;
        files.retain(|file| own.iter().all(|other| other.path.file_name() != file.path.file_name()));
        files.extend(own);
        let mut lines = Vec::new();
        for file in files.iter().filter(|file| file.path.as_os_str().as_bytes().ends_with(b".conf")) {
            let text = self.text(&file.path)?;
            let kept = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            lines.extend(kept.map(str::to_owned));
        }
        Ok(lines)
    }
}

impl Found {
    /// For people.
    pub(super) fn name(&self) -> String {
        format!("/{}", self.path.display())
    }
}
