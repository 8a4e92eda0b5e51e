//! Backups.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::secret::SecretText;

/// Who can read a backup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackupKey {
    /// Whoever knows this.
    Passphrase(SecretText),
    /// Whoever holds the key of this age recipient: `age1…`.
    Recipient(String),
}

/// A backup that was made. Not sent over the network as it is: the file is the body of the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct BackupWritten {
    /// The encrypted file.
    pub file: Vec<u8>,
    /// How many devices it holds.
    pub devices: u32,
}

/// A backup is to take the place of the host's identity and devices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreRequest {
    /// The file, in base64.
    pub file: String,
    /// What it was encrypted with.
    pub passphrase: SecretText,
}

/// A backup that was read, and is put in place when the host restarts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Restored {
    /// When it was written.
    pub written_unix: u64,
    /// How many devices it holds.
    pub devices: u32,
}
