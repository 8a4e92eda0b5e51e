//! Where everything is, and what is configured.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// Where things are on a machine; tests have others.
#[derive(Clone, Debug, clap::Args)]
pub struct Places {
    /// Where state and files of updates are kept
    #[arg(long, value_name = "DIR", default_value = STATE_DIR)]
    pub state_dir: PathBuf,
    /// Says where updates are looked for; absent: nowhere
    #[arg(long, value_name = "FILE", default_value = "/etc/punktfunk/update.toml")]
    pub config: PathBuf,
    /// The keys that may sign updates (OpenPGP, not armored)
    #[arg(long, value_name = "FILE", default_value = "/usr/lib/systemd/import-pubring.gpg")]
    pub keyring: PathBuf,
    /// How updates are put into slots (sysupdate.d)
    #[arg(long, value_name = "DIR", default_value = "/usr/lib/sysupdate.d")]
    pub definitions: PathBuf,
    /// The packages of the system that runs, name and version a line
    #[arg(long, value_name = "FILE", default_value = "/usr/share/punktfunk/packages")]
    pub packages: PathBuf,
    /// Names image and version
    #[arg(long, value_name = "FILE", default_value = "/usr/lib/os-release")]
    pub os_release: PathBuf,
    /// The kernel's id of this boot
    #[arg(long, value_name = "FILE", default_value = "/proc/sys/kernel/random/boot_id")]
    pub boot_id: PathBuf,
    /// The firmware's variables
    #[arg(long, value_name = "DIR", default_value = "/sys/firmware/efi/efivars")]
    pub efivars: PathBuf,
    /// Where the EFI system partition may be mounted
    #[arg(long, value_name = "DIR", default_values = ["/efi", "/boot", "/boot/efi"])]
    pub esp: Vec<PathBuf>,
    /// Where NixOS keeps its generations
    #[arg(long, value_name = "DIR", default_value = "/nix/var/nix/profiles")]
    pub profiles: PathBuf,
    /// The system that NixOS was booted with
    #[arg(long, value_name = "DIR", default_value = "/run/booted-system")]
    pub booted: PathBuf,
    /// The program that writes slots
    #[arg(long, value_name = "FILE", default_value = "/usr/lib/systemd/systemd-sysupdate")]
    pub sysupdate: PathBuf,
    /// The program that checks signatures
    #[arg(long, value_name = "FILE", default_value = "/usr/bin/gpgv")]
    pub gpgv: PathBuf,
    /// The program that fetches files
    #[arg(long, value_name = "FILE", default_value = "/usr/bin/curl")]
    pub curl: PathBuf,
    /// The program that starts the machine anew
    #[arg(long, value_name = "FILE", default_value = "/usr/bin/systemctl")]
    pub systemctl: PathBuf,
}

/// Where state and files of updates are kept, unless told otherwise.
pub const STATE_DIR: &str = "/var/lib/punktfunk-update";
/// Where the service listens, unless told otherwise.
pub const SOCKET: &str = "/run/punktfunk-update/update.sock";

impl Places {
    /// The state file. Everybody may read it.
    pub fn state(&self) -> PathBuf {
        state_file(&self.state_dir)
    }

    /// The folder with the files of the update that is being looked at.
    pub fn offer(&self) -> PathBuf {
        self.state_dir.join("offer")
    }
}

/// The state file in `state_dir`.
pub fn state_file(state_dir: &Path) -> PathBuf {
    state_dir.join("state.json")
}

/// What is configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where updates are looked for: `https://…` or `http://…` (a folder; updates are signed), or the path of a folder.
    #[serde(default)]
    pub source: Option<String>,
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsFault {
    /// It is there and cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// It does not say what it ought to.
    #[error("{}: {fault}; it may hold: source = \"https://…\"", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
}

impl Settings {
    /// Reads the file; one that is absent configures nothing.
    ///
    /// # Errors
    /// It cannot be read, or is wrong.
    pub fn read(path: &Path) -> Result<Self, SettingsFault> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(SettingsFault::Unreadable { path: path.to_owned(), source }),
        };
        let wrong = |fault: String| SettingsFault::Wrong { path: path.to_owned(), fault };
        let settings: Self = toml::from_str(&text).map_err(|error| wrong(error.message().to_owned()))?;
        let fits = |source: &String| source.starts_with('/') || is_url(source);
        match &settings.source {
            Some(source) if !fits(source) => Err(wrong(format!("{source:?} is neither a URL nor an absolute path"))),
            _ => Ok(settings),
        }
    }
}

/// Whether a source is fetched over the network.
pub fn is_url(source: &str) -> bool {
    let rest = source.strip_prefix("https://").or_else(|| source.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic()))
}

#[cfg(test)]
mod tests {
    use super::{Settings, SettingsFault};

    #[test]
    fn a_source_is_a_url_or_a_folder_and_a_file_that_is_absent_means_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("update.toml");
        assert_eq!(Settings::read(&path).unwrap(), Settings::default());
        for right in ["https://example.org/punktfunk", "/media/stick"] {
            std::fs::write(&path, format!("source = \"{right}\"\n")).unwrap();
            assert_eq!(Settings::read(&path).unwrap().source.as_deref(), Some(right));
        }
        for wrong in ["source = \"ftp://x\"", "source = \"stick\"", "source = \"https://a b\"", "src = \"/x\"", "["] {
            std::fs::write(&path, wrong).unwrap();
            assert!(matches!(Settings::read(&path), Err(SettingsFault::Wrong { .. })), "{wrong}");
        }
    }
}
