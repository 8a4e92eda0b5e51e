//! From a backup to a state directory.
//!
//! The new files are made complete in a folder inside the state directory. Renaming that folder is the moment the
//! restore counts; from there on only moves are left, and the next start goes on with them where a crash cut them off.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use age::DecryptError;
use punktfunk_proto::units::{Fingerprint, HostTime};
use zeroize::Zeroizing;

use super::{
    Secret, Summary,
    document::{Document, IdentityFiles},
};
use crate::{
    admin::PasswordHash,
    audit::{AuditEvent, Origin},
    identity::{CERTIFICATE, HostIdentity, IdentityError, KEY},
    private::{self, FileError},
    store::{ANCHOR, Contents, Entry, FILE, Store, StoreError},
    trust::{GAMESTREAM, IDENTITY, SUCCESSOR},
};

/// What the state directory may hold already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onto {
    /// Nothing of a host.
    Nothing,
    /// Another state, which is kept aside in a folder `replaced-N` of the state directory.
    Replaced,
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What it holds.
    pub summary: Summary,
    /// When the backup was written.
    pub written: HostTime,
    /// Where the state before lies now.
    pub kept: Option<PathBuf>,
}

/// Why nothing was restored. What was there is untouched.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// No age file.
    #[error("this is no backup: it is not an age file. Look for the file that `ctl backup` wrote")]
    NoBackup,
    /// The secret is another one, or the beginning of the file is damaged.
    #[error(
        "the passphrase or key does not open this backup. Type it again; if it is right, the file is damaged: take an earlier backup"
    )]
    WrongSecret,
    /// It was encrypted the other way.
    #[error("this backup is opened by {wanted}; give that")]
    OtherSecret {
        /// What it needs.
        wanted: &'static str,
    },
    /// It asks for more work than any backup of ours.
    #[error("this backup asks for an unreasonable amount of work (scrypt 2^{found}), so it was not made by punktfunk")]
    Work {
        /// The power of two.
        found: u8,
    },
    /// Cut off or changed.
    #[error("the backup is damaged: {detail}. Copy it again from where it was kept, or take an earlier one")]
    Damaged {
        /// What is wrong.
        detail: String,
    },
    /// Of something else.
    #[error("the file opens but is no backup of a punktfunk host. Look for the file that `ctl backup` wrote")]
    Foreign,
    /// Of a later release.
    #[error("the backup has format {found}, this release reads up to {known}. Restore it with the newer release")]
    Newer {
        /// Its format.
        found: u32,
        /// The latest this release reads.
        known: u32,
    },
    /// Longer than any backup.
    #[error("the file is longer than {} MiB, so it is no backup of a punktfunk host", MAX_FILE >> 20)]
    TooLong,
    /// There is a host already.
    #[error(
        "{} holds the state of a host already. Restore to another --state-dir, or ask for it to be replaced: the \
         state that is there is then kept aside", .folder.display()
    )]
    NotEmpty {
        /// The state directory.
        folder: PathBuf,
    },
    /// The backup cannot be read.
    #[error("cannot read the backup: {0}")]
    Input(io::Error),
    /// The identity in it is none.
    #[error("the backup is damaged: {0}")]
    Identity(#[from] IdentityError),
    /// A file of the state directory.
    #[error(transparent)]
    File(#[from] FileError),
    /// The new store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes `state_dir` the state of the host that wrote the backup, which no host may be using. A crash at any moment
/// leaves the state before or the restored one, as the next start finds it.
///
/// # Errors
/// What was there is untouched.
pub fn restore(state_dir: &Path, from: impl Read, with: &Secret, onto: Onto) -> Result<Restored, RestoreError> {
    let document = Document::parse(&decrypt(from, with)?)?;
    private::ensure_folder(state_dir)?;
    let _lock = private::lock(state_dir)?;
    finish_restore(state_dir)?;
    let occupied = Store::is_in(state_dir)? || HostIdentity::is_anything_in(&state_dir.join(IDENTITY))?;
    if occupied && onto == Onto::Nothing {
        return Err(RestoreError::NotEmpty { folder: state_dir.to_owned() });
    }
    make_new(state_dir, &document, None)?;
    private::rename(&state_dir.join(NEW), &state_dir.join(READY))?;
    let kept = finish_restore(state_dir)?;
    Ok(restored(&document, kept))
}

/// Lays what a backup holds ready in the state directory of the host that runs: its next start puts it in place and
/// keeps the state before aside. A second call takes the place of the first. A crash at any moment leaves either
/// nothing laid ready, or all of it. One call at a time. A backup holds no password: whoever puts it in place from
/// the console goes on as `administrator`, and is not locked out by what they did.
///
/// # Errors
/// What was there is untouched.
pub fn stage(
    state_dir: &Path,
    from: impl Read,
    with: &Secret,
    administrator: Option<PasswordHash>,
) -> Result<Restored, RestoreError> {
    let document = Document::parse(&decrypt(from, with)?)?;
    make_new(state_dir, &document, administrator)?;
    let ready = state_dir.join(READY);
    // Taken away whole: what is half removed must not be what the next start finds.
    private::remove_folder(&state_dir.join(GONE))?;
    move_if_there(&ready, &state_dir.join(GONE))?;
    private::rename(&state_dir.join(NEW), &ready)?;
    // What cannot be removed now is at the next start.
    let _ = private::remove_folder(&state_dir.join(GONE));
    Ok(restored(&document, None))
}

fn restored(document: &Document, kept: Option<PathBuf>) -> Restored {
    Restored { summary: document.summary(), written: HostTime::from_nanos(document.written_unix * NANOS), kept }
}

/// Makes the new state in its folder inside the state directory, where it does not count yet.
fn make_new(state_dir: &Path, document: &Document, administrator: Option<PasswordHash>) -> Result<(), RestoreError> {
    let new = state_dir.join(NEW);
    private::remove_folder(&new)?;
    if let Err(error) = fill(&new, document, administrator) {
        // What cannot be removed now is at the next start.
        let _ = private::remove_folder(&new);
        return Err(error);
    }
    Ok(())
}

/// Moves a restore that was committed to its place, and what was there before aside. Says where that lies. Every
/// step can be repeated.
pub(crate) fn finish_restore(state_dir: &Path) -> Result<Option<PathBuf>, FileError> {
    let ready = state_dir.join(READY);
    private::remove_folder(&state_dir.join(GONE))?;
    if !private::exists(&ready)? {
        private::remove_folder(&state_dir.join(NEW))?;
        return Ok(None);
    }
    let aside = ready.join(ASIDE);
    private::ensure_folder(&aside)?;
    // As long as the new database is not in its place, what lies beside that place belongs to the old one.
    if private::exists(&ready.join(FILE))? {
        for name in OLD {
            move_if_there(&state_dir.join(name), &aside.join(name))?;
        }
    }
    // The database first: from here on what lies there is new.
    for name in [FILE, IDENTITY, SUCCESSOR, GAMESTREAM, ANCHOR] {
        move_if_there(&ready.join(name), &state_dir.join(name))?;
    }
    let kept = put_aside(state_dir, &aside)?;
    fs::remove_dir(&ready).map_err(FileError::io("remove", &ready))?;
    private::sync_folder(state_dir)?;
    Ok(kept)
}

fn put_aside(state_dir: &Path, aside: &Path) -> Result<Option<PathBuf>, FileError> {
    if fs::read_dir(aside).map_err(FileError::io("read", aside))?.next().is_none() {
        fs::remove_dir(aside).map_err(FileError::io("remove", aside))?;
        return Ok(None);
    }
    for number in 1_u32.. {
        let kept = state_dir.join(format!("replaced-{number}"));
        if !private::exists(&kept)? {
            private::rename(aside, &kept)?;
            return Ok(Some(kept));
        }
    }
    unreachable!("a directory does not hold 2^32 folders")
}

fn move_if_there(from: &Path, to: &Path) -> Result<(), FileError> {
    if private::exists(from)? { private::rename(from, to) } else { Ok(()) }
}

/// Makes the state of `document` in the folder `new`, complete and on the disk.
fn fill(new: &Path, document: &Document, administrator: Option<PasswordHash>) -> Result<(), RestoreError> {
    private::ensure_folder(new)?;
    let identity = put_identity(&new.join(IDENTITY), &document.identity, Some(document.fingerprint))?;
    let successor = document.successor.as_ref().map(|files| put_identity(&new.join(SUCCESSOR), files, None));
    let successor = successor.transpose()?.map(|identity| identity.fingerprint);
    let gamestream = document.gamestream.as_ref().map(|files| put_identity(&new.join(GAMESTREAM), files, None));
    gamestream.transpose()?;
    let contents = Contents { administrator, ..document.contents(successor) };
    Store::create(new)?;
    let (mut store, _) = Store::open(new)?;
    let event = AuditEvent::Restored { written_unix: document.written_unix, head: document.audit };
    let key = identity.seal_key(&contents.host_id);
    store.fill(&contents, key, document.audit, Entry { origin: Origin::HOST, event })?;
    store.close()?;
    // Reading it back finds what could not be used at the next start.
    Store::open(new)?.0.close()?;
    private::sync_folder(new)?;
    Ok(())
}

fn put_identity(
    folder: &Path,
    files: &IdentityFiles,
    expected: Option<Fingerprint>,
) -> Result<HostIdentity, RestoreError> {
    private::ensure_folder(folder)?;
    private::create(&folder.join(CERTIFICATE), files.certificate.as_bytes())?;
    private::create(&folder.join(KEY), files.key.as_bytes())?;
    private::sync_folder(folder)?;
    let identity = HostIdentity::load(folder)?;
    match expected {
        Some(expected) if expected != identity.fingerprint => {
            Err(RestoreError::Damaged { detail: "its identity is not the one it names".into() })
        }
        Some(_) | None => Ok(identity),
    }
}

fn decrypt(from: impl Read, with: &Secret) -> Result<Zeroizing<Vec<u8>>, RestoreError> {
    let mut from = Bounded { inner: from, left: MAX_FILE };
    let decryptor = age::Decryptor::new_buffered(io::BufReader::new(&mut from)).map_err(refused)?;
    let opened = match with {
        Secret::Passphrase(passphrase) => {
            if !decryptor.is_scrypt() {
                return Err(RestoreError::OtherSecret { wanted: "an age key, not by a passphrase" });
            }
            let mut identity = age::scrypt::Identity::new(passphrase.clone());
            identity.set_max_work_factor(MAX_WORK);
            decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity))
        }
        Secret::Key(key) => {
            if decryptor.is_scrypt() {
                return Err(RestoreError::OtherSecret { wanted: "a passphrase, not by a key" });
            }
            decryptor.decrypt(std::iter::once(key as &dyn age::Identity))
        }
    };
    let mut plaintext = Zeroizing::new(Vec::with_capacity(1 << 20));
    opened.map_err(refused)?.read_to_end(&mut plaintext).map_err(unreadable)?;
    Ok(plaintext)
}

fn refused(error: DecryptError) -> RestoreError {
    match error {
        DecryptError::InvalidHeader | DecryptError::UnknownFormat => RestoreError::NoBackup,
        DecryptError::ExcessiveWork { required, .. } => RestoreError::Work { found: required },
        DecryptError::Io(error) => unreadable(error),
        DecryptError::InvalidMac => RestoreError::Damaged { detail: "its beginning was changed".into() },
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed | DecryptError::NoMatchingKeys => {
            RestoreError::WrongSecret
        }
    }
}

fn unreadable(error: io::Error) -> RestoreError {
    match error.kind() {
        io::ErrorKind::FileTooLarge => RestoreError::TooLong,
        io::ErrorKind::UnexpectedEof => RestoreError::Damaged { detail: "it is cut off".into() },
        io::ErrorKind::InvalidData => RestoreError::Damaged { detail: "it was changed or is cut off".into() },
        _ => RestoreError::Input(error),
    }
}

/// A reader that refuses to go on after so many bytes, instead of pretending that the file ends there.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let left = self.left.checked_sub(read as u64);
        self.left = left.ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
        Ok(read)
    }
}

/// Where the new state is made.
const NEW: &str = "restore.new";
/// Where it lies when it counts.
const READY: &str = "restore.ready";
/// Where one lies that another took the place of before it was put in place.
const GONE: &str = "restore.gone";
/// Where, in there, the state before is gathered.
const ASIDE: &str = "replaced";
/// What makes up a state.
const OLD: [&str; 8] =
    ["state.db-wal", "state.db-shm", "state.db-journal", FILE, ANCHOR, IDENTITY, SUCCESSOR, GAMESTREAM];
/// The longest backup, in bytes: some 50,000 devices.
const MAX_FILE: u64 = 32 << 20;
/// 2^20 rounds: 1 GiB.
const MAX_WORK: u8 = 20;
const NANOS: u64 = crate::access::NANOS;
