//! The audit log, backups, and the host's identity.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use punktfunk_trust::{
    AuditVerdict as Verdict, RotateError, StoreError,
    backup::{self, BackupError, Passphrase, Recipient, RestoreError, Secret, Snapshot, WorkFactor},
};
use serde_json::Value;

use super::{Order, count, error};
use crate::admin::protocol::{
    AdminError, AdminErrorCode, AuditPage, AuditQuery, AuditVerdict, BackupKey, BackupWritten, HostIdentity,
    RestoreRequest, Restored,
};

impl Order<'_> {
    /// Rows after the one of number `after`, the oldest first.
    pub(in crate::supervisor) fn audit_after(&self, after: u64, limit: u32) -> Result<Vec<Value>, AdminError> {
        let rows = self.host.with_trust(|trust, _| trust.audit(after, limit.min(AUDIT_PAGE)));
        let rows = rows.map_err(|fault| not_read(&fault))?;
        let rows = rows.iter().map(serde_json::to_value).collect::<Result<_, _>>();
        rows.map_err(|fault| error(AdminErrorCode::Internal, fault.to_string()))
    }

    /// A page, the newest first.
    pub(in crate::supervisor) fn audit_page(&self, query: AuditQuery) -> Result<AuditPage, AdminError> {
        let head = self.host.with_trust(|trust, _| trust.audit_head()).map_err(|fault| not_read(&fault))?;
        let limit = query.limit.unwrap_or(100).clamp(1, AUDIT_PAGE);
        let last = query.before.map_or(head.number, |before| before.saturating_sub(1)).min(head.number);
        let after = last.saturating_sub(limit.into());
        let mut rows = self.audit_after(after, limit)?;
        rows.retain(|row| row["number"].as_u64().is_some_and(|number| number <= last));
        rows.reverse();
        Ok(AuditPage { rows })
    }

    pub(in crate::supervisor) fn verify_audit(&self) -> Result<AuditVerdict, AdminError> {
        let verdict = self.host.with_trust(|trust, _| trust.verify_audit()).map_err(|fault| not_read(&fault))?;
        Ok(match verdict {
            Verdict::Sound { first, head } => {
                AuditVerdict::Sound { first, last: head.number, hash: head.hash.to_string() }
            }
            Verdict::Broken { row, fault } => AuditVerdict::Broken { row, fault: fault.to_string() },
        })
    }

    /// Stretches a passphrase for a second or so.
    pub(in crate::supervisor) fn back_up(&self, key: &BackupKey) -> Result<BackupWritten, AdminError> {
        let wrong = |fault: &BackupError| error(AdminErrorCode::BadRequest, fault.to_string());
        let to = match key {
            BackupKey::Passphrase(text) => {
                let passphrase = Passphrase::new(text.reveal().to_owned());
                passphrase.map(|passphrase| Recipient::Passphrase(passphrase, WorkFactor::default()))
            }
            BackupKey::Recipient(text) => Recipient::key(text),
        };
        let to = to.map_err(|fault| wrong(&fault))?;
        let failed = |fault: BackupError| error(AdminErrorCode::Internal, fault.to_string());
        let snapshot = self.change(|trust, now| Snapshot::take(trust, now, to)).map_err(failed)?;
        let mut file = Vec::new();
        let summary = snapshot.write(&mut file).map_err(failed)?;
        Ok(BackupWritten { file, devices: count(summary.devices) })
    }

    /// Reads a backup and lays it ready: the next start puts it in place.
    pub(in crate::supervisor) fn restore(&self, request: &RestoreRequest) -> Result<Restored, AdminError> {
        let no_text = |_| error(AdminErrorCode::BadRequest, "the file has to come as base64");
        let file = BASE64_STANDARD.decode(request.file.trim()).map_err(no_text)?;
        let secret = Secret::passphrase(request.passphrase.reveal().to_owned());
        let administrator = self.host.with_trust(|trust, _| trust.administrator().cloned());
        let staged = backup::stage(&self.host.state_dir, file.as_slice(), &secret, administrator);
        let staged = staged.map_err(|fault| not_restored(&fault))?;
        tracing::warn!("a backup was read: its identity and devices take the place of these at the next start");
        Ok(Restored { written_unix: staged.written.nanos() / 1_000_000_000, devices: count(staged.summary.devices) })
    }

    pub(in crate::supervisor) fn identity(&self) -> HostIdentity {
        self.host.with_trust(|trust, _| {
            let next = trust.identity().fingerprint;
            HostIdentity {
                fingerprint: self.host.identity,
                successor: trust.successor().map(|successor| successor.fingerprint),
                after_restart: (next != self.host.identity).then_some(next),
            }
        })
    }

    /// Clients hear of it at once, or when they connect.
    pub(in crate::supervisor) fn prepare_identity(&self) -> Result<HostIdentity, AdminError> {
        let successor = self.change(|trust, now| trust.prepare_successor(now)).map_err(|fault| not_rotated(&fault))?;
        self.host.announce_successor(successor);
        Ok(self.identity())
    }

    pub(in crate::supervisor) fn withdraw_identity(&self) -> Result<HostIdentity, AdminError> {
        let was_there = self.change(|trust, now| trust.withdraw_successor(now)).map_err(|fault| not_rotated(&fault))?;
        if !was_there {
            return Err(error(AdminErrorCode::NotFound, "no next identity is prepared"));
        }
        // Who was told of it is told that the present one follows: nothing changes then.
        self.host.announce_successor(self.host.identity);
        Ok(self.identity())
    }

    pub(in crate::supervisor) fn promote_identity(&self) -> Result<HostIdentity, AdminError> {
        self.change(|trust, now| trust.promote_successor(now)).map_err(|fault| not_rotated(&fault))?;
        Ok(self.identity())
    }
}

fn not_rotated(fault: &RotateError) -> AdminError {
    let code = match fault {
        RotateError::NoSuccessor => AdminErrorCode::NotFound,
        _ => AdminErrorCode::NotStored,
    };
    error(code, fault.to_string())
}

fn not_read(fault: &StoreError) -> AdminError {
    error(AdminErrorCode::Internal, fault.to_string())
}

fn not_restored(fault: &RestoreError) -> AdminError {
    let code = match fault {
        RestoreError::File(_) | RestoreError::Store(_) => AdminErrorCode::NotStored,
        _ => AdminErrorCode::Refused,
    };
    error(code, fault.to_string())
}

/// Rows in one answer.
const AUDIT_PAGE: u32 = 500;
