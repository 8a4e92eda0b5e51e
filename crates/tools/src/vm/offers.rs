//! What upgrades are fetched from: an ostree repository over plain HTTP, with one version at a time. What is in it is signed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

use super::source::Source;

/// A server for [`PORT`], and the versions that it may offer.
pub(crate) struct Offers {
    source: Source,
    versions: PathBuf,
    key: PathBuf,
    dir: PathBuf,
}

/// A version of the image.
pub(crate) struct Version {
    /// `0.1.2`.
    pub(crate) name: String,
    /// Its commit.
    pub(crate) commit: String,
}

impl Offers {
    /// Offers nothing yet.
    pub(crate) fn open(versions: &Path, key: &Path, dir: &Path) -> Result<Self> {
        let source = Source::open(PORT)?;
        Ok(Self { source, versions: fs::canonicalize(versions)?, key: fs::canonicalize(key)?, dir: dir.to_owned() })
    }

    /// What `make image-bootc` left in a folder.
    pub(crate) fn version(&self, folder: &Path) -> Result<Version> {
        let commit = fs::read_to_string(folder.join("commit")).with_context(|| folder.display().to_string())?;
        let commit = commit.trim().to_owned();
        let shown = ostree(&self.versions, &["show", "--print-metadata-key=version", &commit])?;
        Ok(Version { name: shown.trim().trim_matches('\'').to_owned(), commit })
    }

    /// From now on this is what there is.
    pub(crate) fn offer(&self, version: &Version) -> Result<()> {
        let repository = self.repository(&version.name, version)?;
        ostree(&repository, &["refs", "--force", "--create", BRANCH, &version.commit])?;
        self.source.offer(repository);
        Ok(())
    }

    /// The same, by nobody one knows.
    pub(crate) fn offer_unsigned(&self, version: &Version) -> Result<()> {
        let repository = self.repository("unsigned", version)?;
        ostree(&repository, &["commit", "--branch", BRANCH, "--tree", &format!("ref={}", version.commit)])?;
        self.source.offer(repository);
        Ok(())
    }

    /// The same, signed, as if it were from 2020.
    pub(crate) fn offer_as_old(&self, version: &Version) -> Result<()> {
        let repository = self.repository("old", version)?;
        let tree = format!("ref={}", version.commit);
        let home = format!("--gpg-homedir={}", self.key.display());
        let sign = format!("--gpg-sign={}", self.key_id()?);
        let old = "--timestamp=2020-01-01 00:00:00 +0000";
        ostree(&repository, &["commit", "--branch", BRANCH, "--tree", &tree, old, &sign, &home])?;
        self.source.offer(repository);
        Ok(())
    }

    fn repository(&self, name: &str, version: &Version) -> Result<PathBuf> {
        let repository = self.dir.join(format!("offer-{name}"));
        ostree(&repository, &["init", "--mode=archive"])?;
        let from = self.versions.display().to_string();
        ostree(&repository, &["pull-local", &from, &version.commit])?;
        Ok(repository)
    }

    fn key_id(&self) -> Result<String> {
        let output =
            Command::new("gpg").arg("--homedir").arg(&self.key).args(["--list-keys", "--with-colons"]).output()?;
        let list = String::from_utf8_lossy(&output.stdout).into_owned();
        let print = list.lines().find_map(|line| line.strip_prefix("fpr:")).context("no key")?;
        Ok(print.trim_matches(':').to_owned())
    }
}

fn ostree(repository: &Path, arguments: &[&str]) -> Result<String> {
    let repository = format!("--repo={}", repository.display());
    let output = Command::new("ostree").arg(&repository).args(arguments).output().context("ostree")?;
    ensure!(output.status.success(), "ostree {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `crates/tools/scripts/image-bootc-test.sh` deploys with it.
const PORT: u16 = 47_998;
/// That of `crates/tools/scripts/image-bootc.sh`.
const BRANCH: &str = "punktfunk/bootc";
