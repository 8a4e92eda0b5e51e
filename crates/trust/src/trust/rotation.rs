//! A planned change of the host's identity: a successor is made and told to paired clients over their authenticated
//! sessions, and some time later takes over.
//!
//! The store says which identity counts. The successor takes over with one commit there; its files follow by two
//! renames, which are done at the next start if a crash comes in between.

use std::{fs, path::Path};

use punktfunk_proto::units::Fingerprint;

use super::{IDENTITY, SUCCESSOR, Trust, error::RotateError};
use crate::{
    audit::AuditEvent,
    clock::Moment,
    identity::{HostIdentity, IdentityError},
    private::{self, FileError},
    store::Contents,
};

impl Trust {
    /// The identity that is to follow, to be announced.
    pub fn successor(&self) -> Option<&HostIdentity> {
        self.successor.as_ref()
    }

    /// Makes the identity that is to follow; one that is prepared already stays.
    ///
    /// # Errors
    /// The disk refused; there is no successor then.
    pub fn prepare_successor(&mut self, now: Moment) -> Result<Fingerprint, RotateError> {
        if let Some(successor) = &self.successor {
            return Ok(successor.fingerprint);
        }
        let time = self.clock.read(now);
        let folder = self.state_dir.join(SUCCESSOR);
        private::remove_folder(&folder).map_err(IdentityError::File)?;
        let successor = HostIdentity::load_or_create(&folder)?;
        let fingerprint = successor.fingerprint;
        let entry = self.entry(AuditEvent::SuccessorPrepared { successor: fingerprint });
        self.store.put_successor(time, Some(fingerprint), entry)?;
        self.successor = Some(successor);
        Ok(fingerprint)
    }

    /// Gives the successor up. Clients that were told of it go on with the identity they know. `false` if there was
    /// none.
    ///
    /// # Errors
    /// The disk refused; it is still prepared.
    pub fn withdraw_successor(&mut self, now: Moment) -> Result<bool, RotateError> {
        let Some(successor) = &self.successor else { return Ok(false) };
        let time = self.clock.read(now);
        let entry = self.entry(AuditEvent::SuccessorWithdrawn { successor: successor.fingerprint });
        self.store.put_successor(time, None, entry)?;
        self.successor = None;
        drop_leftover(&self.state_dir.join(SUCCESSOR));
        Ok(true)
    }

    /// Makes the successor this host's identity and destroys the one before. Restart the listener with
    /// [`Trust::identity`]: connections that are open go on, new ones meet the new identity.
    ///
    /// # Errors
    /// Nothing was changed: the host is who it was.
    pub fn promote_successor(&mut self, now: Moment) -> Result<Fingerprint, RotateError> {
        let successor = self.successor.as_ref().ok_or(RotateError::NoSuccessor)?;
        // What is on the disk is what counts after a restart.
        let on_disk = HostIdentity::load(&self.state_dir.join(SUCCESSOR))?;
        if on_disk.fingerprint != successor.fingerprint {
            return Err(RotateError::NoSuccessor);
        }
        let (from, to) = (self.identity.fingerprint, on_disk.fingerprint);
        let time = self.clock.read(now);
        let entry = self.entry(AuditEvent::IdentityRotated { from, to });
        self.store.rotate(time, to, on_disk.seal_key(&self.host_id), entry)?;
        self.identity = on_disk;
        self.successor = None;
        if let Err(error) = Self::finish_rotation(&self.state_dir, to) {
            tracing::warn!(%error, "the identity is changed; its files are put in place at the next start");
        }
        Ok(to)
    }

    /// Puts the files of the identity `expected` in its place, if they still lie in the successor's, and removes
    /// those of the one before. Leaves everything as it is otherwise.
    pub(super) fn finish_rotation(state_dir: &Path, expected: Fingerprint) -> Result<(), IdentityError> {
        let [current, successor, retired] = [IDENTITY, SUCCESSOR, RETIRED].map(|name| state_dir.join(name));
        let is_current = private::exists(&current)? && HostIdentity::load(&current)?.fingerprint == expected;
        if !is_current {
            if !matches!(HostIdentity::load(&successor), Ok(identity) if identity.fingerprint == expected) {
                return Ok(());
            }
            if private::exists(&current)? {
                // Nothing that is needed: what is there now has yet to be moved there.
                private::remove_folder(&retired)?;
                private::rename(&current, &retired)?;
            }
            private::rename(&successor, &current)?;
        }
        drop_leftover(&retired);
        Ok(())
    }

    /// The successor that the store names, if its files are there. One that the store does not name was never told
    /// to anybody.
    pub(super) fn successor_of(contents: &Contents, state_dir: &Path) -> Option<HostIdentity> {
        let folder = state_dir.join(SUCCESSOR);
        let Some(expected) = contents.successor else {
            drop_leftover(&folder);
            return None;
        };
        match HostIdentity::load(&folder) {
            Ok(identity) if identity.fingerprint == expected => Some(identity),
            Ok(identity) => {
                tracing::warn!(%expected, found = %identity.fingerprint, "the prepared successor is another one");
                None
            }
            Err(error) => {
                tracing::warn!(%error, "the prepared successor cannot be used; prepare another one");
                None
            }
        }
    }
}

/// Removes a folder that nobody needs. One that stays does no harm.
fn drop_leftover(folder: &Path) {
    match fs::remove_dir_all(folder).map_err(FileError::io("remove", folder)) {
        Err(error) if folder.exists() => tracing::warn!(%error, "a folder is left over"),
        _ => {}
    }
}

/// Where the identity before waits to be removed.
const RETIRED: &str = "identity.retired";
