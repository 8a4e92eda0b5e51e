//! How rows of the log hold on to each other.

use std::{fmt, str::FromStr};

use hmac::{Hmac, KeyInit, Mac};
use punktfunk_proto::units::HostTime;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    event::{AuditEvent, Origin},
    text::by_text,
};

/// SHA-256 of a row and of all rows before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AuditHash([u8; 32]);

impl AuditHash {
    /// The hash with these bytes.
    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuditHash({self})")
    }
}

impl FromStr for AuditHash {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<Self, NoHash> {
        let digits = text.as_bytes().as_chunks::<2>();
        let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = digits.0.iter().map(byte).collect();
        let bytes = bytes.filter(|_| digits.1.is_empty()).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(NoHash)
    }
}

/// A text that is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a hash of the audit log as its 64 hexadecimal digits")]
pub struct NoHash;

/// One row by its number and hash. Who keeps a copy elsewhere can tell later whether the log still holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    /// The row's number; the first row ever is 1.
    pub number: u64,
    /// Its hash.
    #[serde(with = "by_text")]
    pub hash: AuditHash,
}

impl AuditHead {
    /// What stands before the first row of the host `host_id`.
    pub(crate) fn genesis(host_id: &str) -> Self {
        let hash = Sha256::new().chain_update(b"punktfunk audit log 1").chain_update(host_id).finalize();
        Self { number: 0, hash: AuditHash(hash.into()) }
    }

    /// The row that follows, with the values as they are stored. `None` after the last number there is.
    pub(crate) fn next(self, at_unix: i64, origin: &str, event: &str) -> Option<Self> {
        // SQLite counts rows in i64.
        let number = self.number.checked_add(1).filter(|number| i64::try_from(*number).is_ok())?;
        let mut hash = Sha256::new();
        hash.update(self.hash.0);
        hash.update(number.to_be_bytes());
        hash.update(at_unix.to_be_bytes());
        for text in [origin, event] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        Some(Self { number, hash: AuditHash(hash.finalize().into()) })
    }

    fn bytes(self) -> [u8; 40] {
        let mut bytes = [0; 40];
        bytes[..8].copy_from_slice(&self.number.to_be_bytes());
        bytes[8..].copy_from_slice(&self.hash.0);
        bytes
    }

    fn from_bytes(bytes: &[u8; 40]) -> Self {
        let (number, hash) = bytes.split_first_chunk::<8>().expect("8 of 40");
        Self { number: u64::from_be_bytes(*number), hash: AuditHash(hash.try_into().expect("32 of 40")) }
    }
}

impl fmt::Display for AuditHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.hash)
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditRow {
    /// Its number and hash.
    #[serde(flatten)]
    pub head: AuditHead,
    /// When, in seconds since 1970 on the host's clock.
    pub unix: u64,
    /// Who, and from where.
    pub origin: Origin,
    /// What.
    pub what: AuditEvent,
}

impl AuditRow {
    /// When.
    pub fn time(&self) -> HostTime {
        HostTime::from_nanos(self.unix.saturating_mul(crate::access::NANOS))
    }
}

/// Whether the log is what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditVerdict {
    /// Every row from `first` to `head` is there, as it was written and where it was written.
    Sound {
        /// The number of the oldest row kept.
        first: u64,
        /// The newest row.
        head: AuditHead,
    },
    /// It is not.
    Broken {
        /// The first row that is wrong.
        row: u64,
        /// What is wrong with it.
        fault: AuditFault,
    },
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditFault {
    /// It is gone.
    #[error("the row is missing: it was deleted, or the log was cut off here")]
    Missing,
    /// It was changed, or stands in another's place.
    #[error("the row was changed, or stands in the place of another")]
    Altered,
    /// It was added by somebody else.
    #[error("the row was not written by this host")]
    Forged,
    /// The log as a whole.
    #[error(transparent)]
    History(#[from] HistoryFault),
}

/// How the log as a whole is not what was last written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum HistoryFault {
    /// The seal in the database was not made with this host's key.
    #[error("the log was rewritten: its seal was not made with this host's key")]
    Seal,
    /// The last row is not the one that was sealed.
    #[error("the log does not end where it was sealed, at row {sealed}")]
    End {
        /// The row it should end with.
        sealed: AuditHead,
    },
    /// The database does not hold a row that the file beside it remembers.
    #[error("state.db is older than the log, or another one: the log once held row {anchored}")]
    RolledBack {
        /// The row.
        anchored: AuditHead,
    },
    /// The file that remembers is gone or unreadable.
    #[error("the file audit.head is gone or damaged, so that nobody can tell whether the log was cut off")]
    AnchorLost,
}

/// Where the log begins and ends, under a key that is not in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    /// The last row that was pruned, or the genesis.
    pub(crate) base: AuditHead,
    /// The last row.
    pub(crate) head: AuditHead,
    mac: [u8; 32],
}

impl Seal {
    const BYTES: usize = 112;

    pub(crate) fn new(key: &SealKey, base: AuditHead, head: AuditHead) -> Self {
        let mac = key.mac(base, head).finalize().into_bytes().into();
        Self { base, head, mac }
    }

    pub(crate) fn is_by(&self, key: &SealKey) -> bool {
        key.mac(self.base, self.head).verify_slice(&self.mac).is_ok()
    }

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..40].copy_from_slice(&self.base.bytes());
        bytes[40..80].copy_from_slice(&self.head.bytes());
        bytes[80..].copy_from_slice(&self.mac);
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (base, rest) = bytes.split_first_chunk::<40>()?;
        let (head, mac) = rest.split_first_chunk::<40>()?;
        Some(Self { base: AuditHead::from_bytes(base), head: AuditHead::from_bytes(head), mac: mac.try_into().ok()? })
    }
}

/// What seals the log: derived from the host's private key, so that it is not in the database.
pub(crate) struct SealKey {
    key: Zeroizing<[u8; 32]>,
    host_id: String,
}

impl SealKey {
    /// The key of the host that holds `private_key` and is called `host_id`.
    pub(crate) fn derive(private_key: &[u8], host_id: &str) -> Self {
        let mut mac = hmac(private_key);
        mac.update(b"punktfunk audit seal 1");
        Self { key: Zeroizing::new(mac.finalize().into_bytes().into()), host_id: host_id.to_owned() }
    }

    /// What stands before the first row.
    pub(crate) fn genesis(&self) -> AuditHead {
        AuditHead::genesis(&self.host_id)
    }

    fn mac(&self, base: AuditHead, head: AuditHead) -> Hmac<Sha256> {
        let mut mac = hmac(self.key.as_slice());
        mac.update(&base.bytes());
        mac.update(&head.bytes());
        mac.update(self.host_id.as_bytes());
        mac
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(****)")
    }
}

fn hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

#[cfg(test)]
mod tests {
    use super::{AuditHead, Seal, SealKey};

    #[test]
    fn a_seal_holds_for_its_key_host_and_rows_only() {
        let key = SealKey::derive(b"private", "host");
        let base = key.genesis();
        let head = base.next(5, "{}", "{}").unwrap();
        let seal = Seal::new(&key, base, head);
        assert!(Seal::from_bytes(&seal.to_bytes()).is_some_and(|read| read == seal && read.is_by(&key)));
        assert!(!seal.is_by(&SealKey::derive(b"other", "host")));
        assert!(!seal.is_by(&SealKey::derive(b"private", "other")));
        for at in 0..Seal::BYTES {
            let mut bytes = seal.to_bytes();
            bytes[at] ^= 1;
            assert!(!Seal::from_bytes(&bytes).unwrap().is_by(&key), "byte {at}");
        }
        assert!(Seal::from_bytes(&seal.to_bytes()[1..]).is_none());
    }

    #[test]
    fn no_two_rows_hash_alike() {
        let base = AuditHead::genesis("host");
        let rows = [(1, "ab", "c"), (1, "a", "bc"), (2, "ab", "c"), (1, "", "abc")];
        let hashes = rows.map(|(at, origin, event)| base.next(at, origin, event).unwrap().hash.to_string());
        assert!(hashes.iter().all(|hash| hashes.iter().filter(|other| *other == hash).count() == 1));
        assert_eq!(hashes[0].parse(), Ok(base.next(1, "ab", "c").unwrap().hash));
        assert_eq!(AuditHead { number: i64::MAX as u64, ..base }.next(1, "", ""), None);
    }
}
