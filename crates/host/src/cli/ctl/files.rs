//! Orders that read or write files here: backups, and passwords that never stand on a command line.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use clap::Args;
use punktfunk_trust::backup::{self, BackupError, Onto, RestoreError, Secret};
use serde_json::json;
use zeroize::Zeroizing;

use super::{CtlError, Done, Words};
use crate::{
    admin::{
        client::AdminClient,
        protocol::{AdminRequest, AdminResponse, BackupKey, SecretText},
    },
    directories::STATE_DIR,
    exit::Exit,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct ClaimArgs {
    /// Claim the host from here, with the password that is the first line of this file; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "reset")]
    password_file: Option<PathBuf>,
    /// Remove the administrator's password, for one that was forgotten; the host can be claimed again
    #[arg(long)]
    reset: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct BackupArgs {
    /// The file to write; one that is there is left alone
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Encrypt it with the passphrase that is the first line of this file; - is standard input
    #[arg(long, value_name = "FILE", required_unless_present = "recipient")]
    passphrase_file: Option<PathBuf>,
    /// Encrypt it to this age recipient
    #[arg(long, value_name = "AGE1…", conflicts_with = "passphrase_file")]
    recipient: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The passphrase is the first line of this file; - is standard input
    #[arg(long, value_name = "FILE", required_unless_present = "key_file")]
    passphrase_file: Option<PathBuf>,
    /// The age secret key is the first line of this file; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    key_file: Option<PathBuf>,
    /// Where the host keeps its state
    #[arg(long, value_name = "DIR", default_value = STATE_DIR)]
    state_dir: PathBuf,
    /// Put it in the place of what is there, which is kept beside it
    #[arg(long)]
    replace: bool,
}

/// What went wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum FileFault {
    #[error("cannot read {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("cannot write {}: {source}; nothing was left there", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
    #[error("{} is there already: name another file, or move it away", path.display())]
    Exists { path: PathBuf },
    #[error("the first line of {} is empty: it has to be the passphrase, password or key", path.display())]
    NoSecret { path: PathBuf },
    #[error("the host answered something else than a backup: ctl and the host are of different versions")]
    NoBackup,
    #[error(transparent)]
    Key(#[from] BackupError),
    #[error(transparent)]
    Restore(#[from] RestoreError),
}

impl FileFault {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Unreadable { .. } | Self::NoSecret { .. } | Self::Key(_) => Exit::Usage,
            Self::Unwritable { .. } | Self::Exists { .. } => Exit::CannotCreate,
            Self::NoBackup => Exit::Protocol,
            Self::Restore(_) => Exit::DamagedData,
        }
    }

    /// For programs.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "unreadable",
            Self::Unwritable { .. } => "unwritable",
            Self::Exists { .. } => "exists",
            Self::NoSecret { .. } | Self::Key(_) => "bad_request",
            Self::NoBackup => "protocol",
            Self::Restore(_) => "not_restored",
        }
    }
}

impl ClaimArgs {
    pub(super) fn request(&self) -> Result<AdminRequest, CtlError> {
        Ok(match &self.password_file {
            Some(path) => AdminRequest::Claim { password: first_line(path)? },
            None if self.reset => AdminRequest::Unclaim,
            None => AdminRequest::Administrator,
        })
    }
}

/// Has the host make a backup, and writes it.
pub(super) fn back_up(args: &BackupArgs, runtime_dir: &Path) -> Result<Done, CtlError> {
    if fs::symlink_metadata(&args.file).is_ok() {
        return Err(FileFault::Exists { path: args.file.clone() }.into());
    }
    let key = match (&args.recipient, &args.passphrase_file) {
        (Some(recipient), _) => BackupKey::Recipient(recipient.clone()),
        (None, path) => BackupKey::Passphrase(first_line(path.as_deref().unwrap_or(Path::new("-")))?),
    };
    let answer = AdminClient::connect(runtime_dir)?.call(&AdminRequest::Backup { key })?;
    let AdminResponse::Backup { file, devices } = answer else { return Err(FileFault::NoBackup.into()) };
    let bytes = BASE64_STANDARD.decode(file).map_err(|_| FileFault::NoBackup)?;
    write_new(&args.file, &bytes)?;
    let value = json!({ "kind": "backup", "file": args.file, "bytes": bytes.len(), "devices": devices });
    Ok(Done { value, words: Words::Backup { path: args.file.clone(), devices }, exit: Exit::Done })
}

/// Restores into a state directory that no host uses.
pub(super) fn restore(args: &RestoreArgs) -> Result<Done, CtlError> {
    let secret = match (&args.key_file, &args.passphrase_file) {
        (Some(path), _) => Secret::key(first_line(path)?.reveal()).map_err(FileFault::Key)?,
        (None, path) => Secret::passphrase(first_line(path.as_deref().unwrap_or(Path::new("-")))?.reveal().to_owned()),
    };
    let file = File::open(&args.file).map_err(|source| FileFault::Unreadable { path: args.file.clone(), source })?;
    let onto = if args.replace { Onto::Replaced } else { Onto::Nothing };
    let restored = backup::restore(&args.state_dir, file, &secret, onto).map_err(FileFault::Restore)?;
    let value = json!({
        "kind": "restored",
        "fingerprint": restored.summary.fingerprint.to_string(),
        "devices": restored.summary.devices,
        "written_unix": restored.written.nanos() / 1_000_000_000,
        "kept": restored.kept,
    });
    Ok(Done { value, words: Words::Restored(Box::new(restored)), exit: Exit::Done })
}

/// Writes a file that only its owner can read; one that cannot be written whole is removed.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), FileFault> {
    let failed = |source| FileFault::Unwritable { path: path.to_owned(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(|source| {
        let _ = fs::remove_file(path);
        failed(source)
    })
}

/// A secret is one line; more than this is none.
const LONGEST_SECRET: u64 = 4_096;

fn first_line(path: &Path) -> Result<SecretText, FileFault> {
    let unreadable = |source| FileFault::Unreadable { path: path.to_owned(), source };
    let mut text = Zeroizing::new(String::new());
    if path == Path::new("-") {
        io::stdin().take(LONGEST_SECRET).read_to_string(&mut text).map_err(unreadable)?;
    } else {
        let file = File::open(path).map_err(unreadable)?;
        file.take(LONGEST_SECRET).read_to_string(&mut text).map_err(unreadable)?;
    }
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(FileFault::NoSecret { path: path.to_owned() });
    }
    Ok(line.to_owned().into())
}
