//! Who changes something, and the log of it.

use std::{
    io::Write,
    ops::{Deref, DerefMut},
};

use punktfunk_proto::units::Fingerprint;

use super::{Trust, error::ExportError};
use crate::{
    audit::{Actor, AuditEvent, AuditHead, AuditRow, AuditVerdict, Origin, Subject},
    clock::Moment,
    device::Device,
    store::{Entry, StoreError},
};

/// A [`Trust`] whose changes are put down to somebody, until this is dropped.
#[derive(Debug)]
pub struct Acting<'a>(&'a mut Trust);

impl Deref for Acting<'_> {
    type Target = Trust;

    fn deref(&self) -> &Trust {
        self.0
    }
}

impl DerefMut for Acting<'_> {
    fn deref_mut(&mut self) -> &mut Trust {
        self.0
    }
}

impl Drop for Acting<'_> {
    fn drop(&mut self) {
        self.0.origin = None;
    }
}

impl Trust {
    /// This trust with its changes put down to `origin`: `trust.acting(Origin::ctl(uid)).revoke(now, device)`.
    pub fn acting(&mut self, origin: Origin) -> Acting<'_> {
        self.origin = Some(origin);
        Acting(self)
    }

    /// Writes what the host reports into the audit log: sessions, logins, the configuration.
    ///
    /// # Errors
    /// The disk refused; nothing was written.
    pub fn record(&mut self, now: Moment, event: AuditEvent) -> Result<(), StoreError> {
        let (time, entry) = (self.clock.read(now), self.entry(event));
        self.store.record(time, entry)
    }

    /// Up to `limit` rows of the audit log after the one with number `after`, the oldest first. Begin with 0 and go
    /// on with the number of the last row until none comes.
    ///
    /// # Errors
    /// The disk refused.
    pub fn audit(&self, after: u64, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        self.store.audit_page(after, limit)
    }

    /// The last row of the audit log. Kept elsewhere, it shows later whether the log still holds it.
    ///
    /// # Errors
    /// The disk refused.
    pub fn audit_head(&self) -> Result<AuditHead, StoreError> {
        self.store.audit_head()
    }

    /// Looks at every row of the audit log (100,000 take a fraction of a second).
    ///
    /// # Errors
    /// The disk refused. A log that is broken is no error but [`AuditVerdict::Broken`].
    pub fn verify_audit(&self) -> Result<AuditVerdict, StoreError> {
        self.store.verify_audit()
    }

    /// Writes every row as one line of JSON, the oldest first, and says how many.
    ///
    /// # Errors
    /// The disk refused, or `out` did.
    pub fn export_audit(&self, mut out: impl Write) -> Result<u64, ExportError> {
        let (mut after, mut written) = (0, 0);
        loop {
            let rows = self.audit(after, EXPORT_PAGE)?;
            let Some(last) = rows.last() else { return Ok(written) };
            after = last.head.number;
            for row in &rows {
                serde_json::to_writer(&mut out, row).map_err(std::io::Error::from)?;
                out.write_all(b"\n")?;
                written += 1;
            }
        }
    }

    /// The row for what is done now.
    pub(super) fn entry(&self, event: AuditEvent) -> Entry {
        Entry { origin: self.origin.clone().unwrap_or(Origin::HOST), event }
    }

    /// The row for what `device` does.
    pub(super) fn entry_by(&self, device: Fingerprint, event: AuditEvent) -> Entry {
        let by_itself = || Origin { actor: Actor::Device { fingerprint: device }, source: None };
        Entry { origin: self.origin.clone().unwrap_or_else(by_itself), event }
    }

    /// Writes a row for what changes nothing on the disk. It has happened already, so a disk that refuses is told to
    /// the operator and holds nothing up.
    pub(super) fn note(&mut self, now: Moment, event: AuditEvent) {
        let entry = self.entry(event);
        self.note_entry(now, entry);
    }

    /// As [`Trust::note`], with who did it.
    pub(super) fn note_entry(&mut self, now: Moment, entry: Entry) {
        let time = self.clock.read(now);
        if let Err(error) = self.store.record(time, entry) {
            tracing::warn!(%error, "the audit log lacks a row");
        }
    }
}

impl From<&Device> for Subject {
    fn from(device: &Device) -> Self {
        Self { fingerprint: device.fingerprint, name: device.name.as_str().into() }
    }
}

/// Rows read at a time.
const EXPORT_PAGE: u32 = 500;
