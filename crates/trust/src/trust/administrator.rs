//! What the store holds of the administrator. Who may set it is [`crate::Administrator`]'s to decide.

use super::Trust;
use crate::{admin::PasswordHash, audit::AuditEvent, clock::Moment, store::StoreError};

impl Trust {
    /// The administrator's password; `None` until the host is claimed.
    pub fn administrator(&self) -> Option<&PasswordHash> {
        self.administrator.as_ref()
    }

    /// Stores the administrator's password, or that there is none. For [`crate::Administrator::finish_password`] and
    /// [`crate::Administrator::unclaim`].
    ///
    /// # Errors
    /// The disk refused; what was stored before is in force.
    pub fn store_administrator(&mut self, now: Moment, password: Option<&PasswordHash>) -> Result<(), StoreError> {
        let time = self.clock.read(now);
        let event = match (&self.administrator, password) {
            (None, Some(_)) => AuditEvent::Claimed,
            (Some(_), Some(_)) => AuditEvent::PasswordChanged,
            (_, None) => AuditEvent::Unclaimed,
        };
        let entry = self.entry(event);
        self.store.put_administrator(time, password, entry)?;
        self.administrator = password.cloned();
        Ok(())
    }
}
