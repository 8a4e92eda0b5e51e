//! One encrypted file that makes this host again: its identity, its devices and their rights.
//!
//! The file is an age file (a passphrase or an X25519 recipient), so that it opens with the `age` command too; what is
//! in it is JSON. Restoring needs no running host, only its state directory.

mod document;
mod restore;

use std::io::{self, Write};

use age::secrecy::SecretString;
use punktfunk_proto::units::Fingerprint;
use zeroize::Zeroizing;

pub(crate) use restore::finish_restore;
pub use restore::{Onto, RestoreError, Restored, restore, stage};

use crate::{
    audit::{AuditEvent, AuditHead, AuditText},
    clock::Moment,
    private::{self, FileError},
    store::StoreError,
    trust::{GAMESTREAM, IDENTITY, SUCCESSOR, Trust},
};
use document::{Document, Identities, IdentityFiles};

/// A passphrase that opens a backup. Never printed.
#[derive(Clone, Debug)]
pub struct Passphrase(SecretString);

impl Passphrase {
    /// The shortest passphrase, in characters: the file may be attacked for years.
    pub const MIN_CHARS: usize = 12;

    /// `text` as a passphrase for a new backup.
    ///
    /// # Errors
    /// It is shorter than [`Passphrase::MIN_CHARS`].
    pub fn new(text: String) -> Result<Self, BackupError> {
        match text.chars().count() < Self::MIN_CHARS {
            true => Err(BackupError::WeakPassphrase),
            false => Ok(Self(text.into())),
        }
    }
}

/// How much work a guess of the passphrase is: 2 to this power rounds of scrypt, each doubling time and memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkFactor(u8);

impl WorkFactor {
    /// The least, for tests.
    pub const LIGHT: Self = Self(2);
}

impl Default for WorkFactor {
    /// 17: 128 MiB and below a second.
    fn default() -> Self {
        Self(17)
    }
}

/// Who can open a backup.
#[derive(Clone)]
pub enum Recipient {
    /// Whoever knows the passphrase.
    Passphrase(Passphrase, WorkFactor),
    /// Whoever holds the key of this `age1…` recipient.
    Key(age::x25519::Recipient),
}

impl Recipient {
    /// The recipient written as `text`.
    ///
    /// # Errors
    /// It is no age X25519 recipient.
    pub fn key(text: &str) -> Result<Self, BackupError> {
        text.trim().parse().map(Self::Key).map_err(|_| BackupError::NoRecipient)
    }

    fn told(&self) -> Option<AuditText> {
        match self {
            Self::Passphrase(..) => None,
            Self::Key(key) => Some(key.to_string().into()),
        }
    }

    fn encryptor(&self) -> Result<age::Encryptor, BackupError> {
        let encrypt = |recipient: &dyn age::Recipient| age::Encryptor::with_recipients(std::iter::once(recipient));
        let encryptor = match self {
            Self::Passphrase(passphrase, work) => {
                let mut recipient = age::scrypt::Recipient::new(passphrase.0.clone());
                recipient.set_work_factor(work.0);
                encrypt(&recipient)
            }
            Self::Key(key) => encrypt(key),
        };
        encryptor.map_err(|error| BackupError::Output(io::Error::other(error.to_string())))
    }
}

/// What opens a backup.
#[derive(Clone)]
pub enum Secret {
    /// A passphrase, of any length.
    Passphrase(SecretString),
    /// An `AGE-SECRET-KEY-1…`.
    Key(age::x25519::Identity),
}

impl Secret {
    /// A passphrase.
    pub fn passphrase(text: String) -> Self {
        Self::Passphrase(text.into())
    }

    /// The age key written as `text`; lines that begin with `#` are skipped, as in the files of `age-keygen`.
    ///
    /// # Errors
    /// It is no age X25519 key.
    pub fn key(text: &str) -> Result<Self, BackupError> {
        let key = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
        key.and_then(|key| key.parse().ok()).map(Self::Key).ok_or(BackupError::NoKey)
    }
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Too short.
    #[error("a backup holds the host's key, so its passphrase needs at least {} characters", Passphrase::MIN_CHARS)]
    WeakPassphrase,
    /// Not `age1…`.
    #[error("this is no age recipient: it begins with age1 and is printed by age-keygen")]
    NoRecipient,
    /// Not `AGE-SECRET-KEY-1…`.
    #[error("this is no age key: it begins with AGE-SECRET-KEY-1 and is made by age-keygen")]
    NoKey,
    /// The identity cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Where it was to go.
    #[error("cannot write the backup: {0}; remove what there is of it, check that there is room and try again")]
    Output(#[from] io::Error),
}

/// What a backup holds, in the words of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The host.
    pub fingerprint: Fingerprint,
    /// How many devices, the revoked ones too.
    pub devices: usize,
    /// The last row of the audit log, which itself stays here.
    pub audit: AuditHead,
}

/// All that goes into a backup, read at one moment. [`Snapshot::write`] needs the host no more, so that nobody waits
/// while the passphrase is stretched.
pub struct Snapshot {
    plaintext: Zeroizing<Vec<u8>>,
    recipient: Recipient,
    summary: Summary,
}

impl Snapshot {
    /// Reads everything, and notes in the audit log that a backup is made.
    ///
    /// # Errors
    /// The disk refused.
    pub fn take(trust: &mut Trust, now: Moment, to: Recipient) -> Result<Self, BackupError> {
        trust.record(now, AuditEvent::BackupWritten { recipient: to.told() })?;
        let document = Document::of(trust, now, identity_files(trust)?)?;
        let summary = document.summary();
        // Large enough not to be moved while it grows: the key would stay behind.
        let mut plaintext = Zeroizing::new(Vec::with_capacity(document.size_estimate()));
        serde_json::to_writer(&mut *plaintext, &document).map_err(io::Error::from)?;
        Ok(Self { plaintext, recipient: to, summary })
    }

    /// Encrypts it to `out`.
    ///
    /// # Errors
    /// `out` refused.
    pub fn write(self, out: impl Write) -> Result<Summary, BackupError> {
        let mut sealed = self.recipient.encryptor()?.wrap_output(out)?;
        sealed.write_all(&self.plaintext)?;
        sealed.finish()?.flush()?;
        Ok(self.summary)
    }
}

/// Writes a backup: [`Snapshot::take`] and [`Snapshot::write`] in one.
///
/// # Errors
/// As theirs.
pub fn write(trust: &mut Trust, now: Moment, out: impl Write, to: Recipient) -> Result<Summary, BackupError> {
    Snapshot::take(trust, now, to)?.write(out)
}

fn identity_files(trust: &Trust) -> Result<Identities, BackupError> {
    let folder = |name| trust.state_dir().join(name);
    let successor = trust.successor().map(|_| IdentityFiles::read(&folder(SUCCESSOR)));
    let has_gamestream = private::exists(&folder(GAMESTREAM))?;
    let gamestream = has_gamestream.then(|| IdentityFiles::read(&folder(GAMESTREAM)));
    Ok(Identities {
        identity: IdentityFiles::read(&folder(IDENTITY))?,
        successor: successor.transpose()?,
        gamestream: gamestream.transpose()?,
    })
}

impl IdentityFiles {
    fn read(folder: &std::path::Path) -> Result<Self, FileError> {
        let text = |name| {
            let bytes = private::read(&folder.join(name), crate::identity::MAX_BYTES)?;
            Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
        };
        Ok(Self { certificate: text(crate::identity::CERTIFICATE)?, key: text(crate::identity::KEY)? })
    }
}

#[cfg(test)]
mod tests;
