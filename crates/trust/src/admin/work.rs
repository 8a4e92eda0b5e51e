//! Work that takes a core for tens of milliseconds and 19 MiB. It is handed out, so that the caller can do it outside
//! any lock, and done one at a time, so that memory stays bounded.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use super::{
    password::{Password, PasswordCost, PasswordHash},
    sessions::SessionId,
};
use crate::source::Source;

/// Lets one hash be computed at a time, and a few wait.
#[derive(Debug, Default)]
pub(super) struct Gate {
    hashing: Mutex<()>,
    passes: AtomicUsize,
}

impl Gate {
    /// Hashes that are computed or waited for at most.
    pub(super) const MAX: usize = 4;

    /// A place in the queue; `None` if it is full.
    pub(super) fn enter(self: &Arc<Self>) -> Option<Pass> {
        let entered = self
            .passes
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |passes| (passes < Self::MAX).then_some(passes + 1));
        entered.ok().map(|_| Pass(Arc::clone(self)))
    }
}

/// A place in the queue, until it is dropped.
#[derive(Debug)]
pub(super) struct Pass(Arc<Gate>);

impl Pass {
    fn hash<T>(&self, work: impl FnOnce() -> T) -> T {
        let _alone = self.0.hashing.lock().unwrap_or_else(PoisonError::into_inner);
        work()
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.passes.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A password that is to be compared with the stored one. Dropping it counts as a wrong one.
#[derive(Debug)]
pub struct PasswordCheck {
    pub(super) pass: Pass,
    pub(super) subject: Subject,
    pub(super) password: Password,
    pub(super) hash: PasswordHash,
}

impl PasswordCheck {
    /// Compares. Waits for its turn and computes for tens of milliseconds: not for a thread that serves others.
    pub fn run(self) -> CheckedPassword {
        let is_right = self.pass.hash(|| self.hash.verify(&self.password));
        CheckedPassword { subject: self.subject, is_right }
    }
}

/// A password that was compared, for [`super::Administrator::finish_check`].
#[derive(Debug)]
pub struct CheckedPassword {
    pub(super) subject: Subject,
    pub(super) is_right: bool,
}

/// A password that is to become the stored one.
#[derive(Debug)]
pub struct PasswordHashing {
    pub(super) pass: Pass,
    pub(super) subject: Subject,
    pub(super) password: Password,
    pub(super) cost: PasswordCost,
    pub(super) salt: [u8; 16],
}

impl PasswordHashing {
    /// Hashes. Waits for its turn and computes for tens of milliseconds: not for a thread that serves others.
    pub fn run(self) -> NewPassword {
        let hash = self.pass.hash(|| PasswordHash::of(&self.password, self.cost, self.salt));
        NewPassword { subject: self.subject, hash }
    }
}

/// A password that was hashed, for [`super::Administrator::finish_password`].
#[derive(Debug)]
pub struct NewPassword {
    pub(super) subject: Subject,
    pub(super) hash: PasswordHash,
}

/// Whose work it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    pub(super) source: Source,
    /// The login it belongs to, if there is one already.
    pub(super) session: Option<SessionId>,
    /// The password, or its absence, that it began with.
    pub(super) epoch: u64,
}
