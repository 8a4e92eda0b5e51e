//! The administrator, the audit log, backups, and the host's identity.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Instant,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use punktfunk_trust::{
    AdminRefusal, AuditVerdict as Verdict, Password, RotateError, SetPasswordError, StoreError,
    backup::{BackupError, Passphrase, Recipient, Snapshot, WorkFactor},
};
use zeroize::Zeroizing;

use super::{Answer, Order, count, error, told};
use crate::admin::protocol::{
    AdminError, AdminErrorCode, AdminResponse, Administrator, AuditVerdict, BackupKey, HostIdentity, SecretText,
};

impl Order<'_> {
    pub(super) fn administrator(&self) -> Administrator {
        let administrator = self.host.administrator();
        let code = administrator.claim_code().map(|code| code.to_text().to_string().into());
        Administrator { state: told(administrator.state()), claim_code: code }
    }

    /// Who may use the admin socket is at the machine, and needs no code.
    pub(super) async fn claim(&self, password: &SecretText) -> Answer {
        let refused = |fault: &dyn std::fmt::Display| error(AdminErrorCode::Refused, fault.to_string());
        let password = Password::new(Zeroizing::new(password.reveal().to_owned())).map_err(|fault| refused(&fault))?;
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let hashing = {
            let mut administrator = self.host.administrator();
            let code = administrator.claim_code().map(punktfunk_trust::ClaimCode::to_text);
            let code = code.ok_or_else(|| refused(&AdminRefusal::Claimed))?;
            administrator.begin_claim(Instant::now(), here, (&code, password), &mut rand::rng())
        };
        let hashing = hashing.map_err(|fault| refused(&fault))?;
        // A tenth of a second of work and some memory: not on the control plane's threads.
        let hashed = tokio::task::spawn_blocking(move || hashing.run()).await;
        let hashed = hashed.map_err(|fault| error(AdminErrorCode::Internal, fault.to_string()))?;
        let store = |hash: &_| self.change(|trust, now| trust.store_administrator(now, Some(hash)));
        let finished = self.host.administrator().finish_password(Instant::now(), hashed, &mut rand::rng(), store);
        finished.map_err(|fault| not_set(&fault))?;
        // The login that a claim begins is for whoever claims over the network.
        self.host.administrator().log_out_everywhere();
        Ok(AdminResponse::Administrator(self.administrator()))
    }

    pub(super) fn unclaim(&self) -> Answer {
        let store = || self.change(|trust, now| trust.store_administrator(now, None));
        self.host.administrator().unclaim(&mut rand::rng(), store).map_err(|fault| not_set(&fault))?;
        Ok(AdminResponse::Administrator(self.administrator()))
    }

    pub(super) fn audit(&self, after: u64, limit: u32) -> Answer {
        let rows = self.host.with_trust(|trust, _| trust.audit(after, limit.min(AUDIT_PAGE)));
        let rows = rows.map_err(|fault| not_read(&fault))?;
        let rows = rows.iter().map(serde_json::to_value).collect::<Result<_, _>>();
        Ok(AdminResponse::AuditRows { rows: rows.map_err(|fault| error(AdminErrorCode::Internal, fault.to_string()))? })
    }

    pub(super) fn verify_audit(&self) -> Answer {
        let verdict = self.host.with_trust(|trust, _| trust.verify_audit()).map_err(|fault| not_read(&fault))?;
        Ok(AdminResponse::AuditVerified(match verdict {
            Verdict::Sound { first, head } => {
                AuditVerdict::Sound { first, last: head.number, hash: head.hash.to_string() }
            }
            Verdict::Broken { row, fault } => AuditVerdict::Broken { row, fault: fault.to_string() },
        }))
    }

    pub(super) async fn back_up(&self, key: &BackupKey) -> Answer {
        let wrong = |fault: &BackupError| error(AdminErrorCode::BadRequest, fault.to_string());
        let to = match key {
            BackupKey::Passphrase(text) => {
                let passphrase = Passphrase::new(text.reveal().to_owned());
                passphrase.map(|passphrase| Recipient::Passphrase(passphrase, WorkFactor::default()))
            }
            BackupKey::Recipient(text) => Recipient::key(text),
        };
        let to = to.map_err(|fault| wrong(&fault))?;
        let snapshot = self.change(|trust, now| Snapshot::take(trust, now, to));
        let snapshot = snapshot.map_err(|fault| error(AdminErrorCode::Internal, fault.to_string()))?;
        // A passphrase is stretched for a second or so.
        let written = tokio::task::spawn_blocking(move || {
            let mut file = Vec::new();
            snapshot.write(&mut file).map(|summary| (file, summary))
        })
        .await
        .map_err(|fault| error(AdminErrorCode::Internal, fault.to_string()))?;
        let (file, summary) = written.map_err(|fault| error(AdminErrorCode::Internal, fault.to_string()))?;
        Ok(AdminResponse::Backup { file: BASE64_STANDARD.encode(file), devices: count(summary.devices) })
    }

    pub(super) fn identity(&self) -> AdminResponse {
        self.host.with_trust(|trust, _| {
            let next = trust.identity().fingerprint;
            AdminResponse::Identity(HostIdentity {
                fingerprint: self.host.identity,
                successor: trust.successor().map(|successor| successor.fingerprint),
                after_restart: (next != self.host.identity).then_some(next),
            })
        })
    }

    /// Clients hear of it at once, or when they connect.
    pub(super) fn prepare_identity(&self) -> Answer {
        let successor = self.change(|trust, now| trust.prepare_successor(now)).map_err(|fault| not_rotated(&fault))?;
        self.host.announce_successor(successor);
        Ok(self.identity())
    }

    pub(super) fn withdraw_identity(&self) -> Answer {
        let was_there = self.change(|trust, now| trust.withdraw_successor(now)).map_err(|fault| not_rotated(&fault))?;
        if !was_there {
            return Err(error(AdminErrorCode::NotFound, "no next identity is prepared"));
        }
        // Who was told of it is told that the present one follows: nothing changes then.
        self.host.announce_successor(self.host.identity);
        Ok(self.identity())
    }

    pub(super) fn promote_identity(&self) -> Answer {
        self.change(|trust, now| trust.promote_successor(now)).map_err(|fault| not_rotated(&fault))?;
        Ok(self.identity())
    }
}

fn not_set(fault: &SetPasswordError) -> AdminError {
    let code = match fault {
        SetPasswordError::Refused(_) => AdminErrorCode::Refused,
        SetPasswordError::Store(_) => AdminErrorCode::NotStored,
    };
    error(code, fault.to_string())
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

/// Rows in one answer.
const AUDIT_PAGE: u32 = 500;
