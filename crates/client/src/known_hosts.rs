//! The hosts that this client trusts: `known-hosts.toml` in the state folder.
//!
//! A host is its certificate; names and addresses only help to find it. Every change is read, made and written
//! under a lock, and the file is replaced as a whole: a client killed at any moment leaves the old file or the
//! new one. A file that cannot be read is refused: "no hosts" would make every host a stranger, and a stranger
//! may ask for trust.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use punktfunk_proto::units::Fingerprint;
use serde::{Deserialize, Serialize};

use crate::disk;

/// The name of the file in the state folder.
pub const FILE: &str = "known-hosts.toml";

/// The layout this client writes.
const VERSION: u32 = 1;

/// How trust in a host came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrustOrigin {
    /// A PIN ceremony: both sides proved that they know the PIN.
    Pin,
    /// A ceremony with the token of a link, which also named the certificate.
    Link,
    /// The host was open to everyone and the user accepted its fingerprint.
    FirstUse,
    /// The user wrote the fingerprint on the command line.
    Fingerprint,
}

/// One trusted host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownHost {
    /// The name it goes by here.
    pub name: String,
    /// SHA-256 of its certificate.
    #[serde(with = "hex")]
    pub fingerprint: Fingerprint,
    /// Where it was reached, newest first, `host:port`.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// How trust came about.
    pub trust: TrustOrigin,
    /// When, in seconds since the Unix epoch.
    pub added_unix: u64,
    /// SHA-256 of the certificate that the host announced, while it showed the present one, as its next.
    #[serde(default, with = "optional_hex", skip_serializing_if = "Option::is_none")]
    pub successor: Option<Fingerprint>,
}

/// The most addresses kept for a host: an old lease is not worth keeping.
const MAX_ADDRESSES: usize = 8;

/// Why the known hosts cannot be read or written. The text is for the user and says the way out.
#[derive(Debug, thiserror::Error)]
pub enum KnownHostsError {
    /// The file system refused.
    #[error("cannot use {}: {source}. Choose another folder with --state-dir, or make this one writable", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is not what this client writes.
    #[error(
        "{path} is damaged, so no host in it is trusted: {reason}. Correct it, or restore it from a backup; or move it \
         away (mv {path} {path}.damaged) and pair the hosts again",
        path = path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line.
        reason: String,
    },
    /// A newer client wrote it.
    #[error("{path} was written by a newer punktfunk (layout {version}, this one knows {VERSION}). Use that one", path = path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its layout.
        version: u32,
    },
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    #[serde(default, rename = "host")]
    hosts: Vec<KnownHost>,
}

/// The trusted hosts, in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownHosts {
    hosts: Vec<KnownHost>,
}

impl KnownHosts {
    /// Reads the file in `dir`; none there means no host is known yet.
    ///
    /// # Errors
    /// The file is damaged, from a newer client, or cannot be read.
    pub fn load(dir: &Path) -> Result<Self, KnownHostsError> {
        let path = dir.join(FILE);
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8(bytes)
                .map_err(|_| KnownHostsError::Damaged { path: path.clone(), reason: "not text".into() })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(KnownHostsError::Io { path, source }),
        };
        parse(&path, &text)
    }

    /// Reads, changes and writes the file in `dir` while no other client does.
    ///
    /// # Errors
    /// As [`KnownHosts::load`], or the file cannot be written; nothing has changed then.
    pub fn update<T>(dir: &Path, change: impl FnOnce(&mut Self) -> T) -> Result<T, KnownHostsError> {
        let path = dir.join(FILE);
        let at = |source| KnownHostsError::Io { path: path.clone(), source };
        disk::private_dir(dir).map_err(at)?;
        let _lock = disk::lock(dir).map_err(at)?;
        let mut known = Self::load(dir)?;
        let before = known.clone();
        let outcome = change(&mut known);
        if known != before {
            let text = toml::to_string_pretty(&Document { version: VERSION, hosts: known.hosts })
                .map_err(|error| at(io::Error::other(error)))?;
            disk::replace(&path, text.as_bytes(), disk::Access::Owner).map_err(at)?;
        }
        Ok(outcome)
    }

    /// All of them, oldest first.
    pub fn all(&self) -> &[KnownHost] {
        &self.hosts
    }

    /// The host with this certificate.
    pub fn by_fingerprint(&self, fingerprint: Fingerprint) -> Option<&KnownHost> {
        self.hosts.iter().find(|host| host.fingerprint == fingerprint)
    }

    /// The host that was last reached at this `host:port`.
    pub fn by_address(&self, address: &str) -> Option<&KnownHost> {
        self.hosts.iter().find(|host| host.addresses.iter().any(|known| known == address))
    }

    /// The host that the user means by `text`: its name, or at least eight digits of its fingerprint.
    pub fn by_name(&self, text: &str) -> Option<&KnownHost> {
        let named = self.hosts.iter().find(|host| host.name.eq_ignore_ascii_case(text));
        let digits = text.to_ascii_lowercase();
        named.or_else(|| {
            let mut matching = self.hosts.iter().filter(|host| host.fingerprint.to_string().starts_with(&digits));
            let only = matching.next().filter(|_| digits.len() >= 8)?;
            matching.next().is_none().then_some(only)
        })
    }

    /// Trusts `host`. An address belongs to one host: the one that answered there last. A host of the same name at
    /// the same address but with another certificate is the one that was set up anew, and is replaced; a host of the
    /// same name elsewhere is another host, and this one's name is told apart from it.
    pub fn trust(&mut self, mut host: KnownHost) {
        let taken = std::mem::take(&mut host.addresses);
        let anew = |known: &KnownHost| {
            known.fingerprint != host.fingerprint
                && known.name.eq_ignore_ascii_case(&host.name)
                && known.addresses.iter().any(|address| taken.contains(address))
        };
        self.hosts.retain(|known| !anew(known));
        let namesake =
            |known: &KnownHost| known.fingerprint != host.fingerprint && known.name.eq_ignore_ascii_case(&host.name);
        if self.hosts.iter().any(namesake) {
            host.name = format!("{} ({})", host.name, host.fingerprint.short());
        }
        let fingerprint = host.fingerprint;
        match self.hosts.iter_mut().find(|known| known.fingerprint == fingerprint) {
            Some(old) => *old = KnownHost { addresses: std::mem::take(&mut old.addresses), ..host },
            None => self.hosts.push(host),
        }
        for address in taken.into_iter().rev() {
            self.reached(fingerprint, address);
        }
    }

    /// Notes that the host with this certificate answered at `address`. Nothing happens for an unknown host.
    pub fn reached(&mut self, fingerprint: Fingerprint, address: String) {
        if self.by_fingerprint(fingerprint).is_none() {
            return;
        }
        for known in &mut self.hosts {
            known.addresses.retain(|old| *old != address);
            if known.fingerprint == fingerprint {
                known.addresses.insert(0, address.clone());
                known.addresses.truncate(MAX_ADDRESSES);
            }
        }
    }

    /// Notes which certificate the host with this one will have next. Nothing happens for an unknown host.
    pub fn announced(&mut self, fingerprint: Fingerprint, successor: Fingerprint) {
        if let Some(host) = self.hosts.iter_mut().find(|known| known.fingerprint == fingerprint) {
            host.successor = Some(successor).filter(|next| *next != fingerprint);
        }
    }

    /// The host with this certificate showed the one it had announced: that is the one to trust from now on, and the
    /// old one no longer is.
    pub fn succeeded(&mut self, fingerprint: Fingerprint, successor: Fingerprint) {
        let announced = |known: &KnownHost| known.fingerprint == fingerprint && known.successor == Some(successor);
        if self.hosts.iter().any(announced) {
            self.hosts.retain(|known| known.fingerprint != successor);
            for host in self.hosts.iter_mut().filter(|known| announced(known)) {
                (host.fingerprint, host.successor) = (successor, None);
            }
        }
    }

    /// Calls the host with this certificate `name`. Says whether it did: a name belongs to one host.
    pub fn rename(&mut self, fingerprint: Fingerprint, name: &str) -> bool {
        let taken = |known: &KnownHost| known.fingerprint != fingerprint && known.name.eq_ignore_ascii_case(name);
        if self.hosts.iter().any(taken) {
            return false;
        }
        let host = self.hosts.iter_mut().find(|known| known.fingerprint == fingerprint);
        host.map(|host| name.clone_into(&mut host.name)).is_some()
    }

    /// Stops trusting the host with this certificate. Says whether it was known.
    pub fn forget(&mut self, fingerprint: Fingerprint) -> bool {
        let before = self.hosts.len();
        self.hosts.retain(|host| host.fingerprint != fingerprint);
        self.hosts.len() < before
    }
}

fn parse(path: &Path, text: &str) -> Result<KnownHosts, KnownHostsError> {
    #[derive(Deserialize)]
    struct Layout {
        version: u32,
    }
    let damaged = |error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
        KnownHostsError::Damaged { path: path.to_owned(), reason: format!("line {line}: {}", error.message()) }
    };
    let layout: Layout = toml::from_str(text).map_err(damaged)?;
    if layout.version > VERSION {
        return Err(KnownHostsError::Newer { path: path.to_owned(), version: layout.version });
    }
    let document: Document = toml::from_str(text).map_err(damaged)?;
    Ok(KnownHosts { hosts: document.hosts })
}

mod hex {
    use punktfunk_proto::units::Fingerprint;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(fingerprint: &Fingerprint, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(fingerprint)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fingerprint, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

mod optional_hex {
    use punktfunk_proto::units::Fingerprint;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(print: &Option<Fingerprint>, serializer: S) -> Result<S::Ok, S::Error> {
        match print {
            Some(fingerprint) => serializer.collect_str(fingerprint),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Fingerprint>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests;
