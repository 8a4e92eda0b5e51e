//! The attempts to pair, for connections that wait for a PIN and for whoever types it.

use std::{
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use punktfunk_proto::units::Fingerprint;
use tokio::{sync::watch, time::sleep_until};

use crate::pairing::{AttemptId, Attempts, Outcome, Pin, Step, TypeRefusal, Waiting};

/// [`Attempts`] that can be awaited.
pub struct Pairing {
    attempts: Mutex<Attempts>,
    changed: watch::Sender<()>,
}

impl Default for Pairing {
    fn default() -> Self {
        Self { attempts: Mutex::default(), changed: watch::Sender::new(()) }
    }
}

impl Pairing {
    /// The devices that wait for a PIN, the longest waiting first.
    pub fn waiting(&self) -> Vec<Waiting> {
        self.lock().waiting(Instant::now())
    }

    /// Marked whenever a device begins or ends to wait.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Types the PIN that the device at `peer` shows, or the only one that waits; says which attempt that is, and whose.
    ///
    /// # Errors
    /// It goes to nobody.
    pub fn type_pin(&self, peer: Option<IpAddr>, pin: &Pin) -> Result<(AttemptId, Fingerprint), TypeRefusal> {
        self.work(|attempts, now| {
            let id = attempts.type_pin(now, peer, pin)?;
            attempts.device(id).map(|device| (id, device)).ok_or(TypeRefusal::NobodyWaits)
        })
    }

    /// How an attempt ended whose PIN was typed: within [`Attempts::PROOF_WITHIN`].
    pub async fn outcome(&self, id: AttemptId) -> Outcome {
        self.until(|attempts, now| match attempts.outcome(now, id) {
            Some(outcome) => Some(outcome),
            // Long over.
            None if attempts.step(now, id) == Step::Gone => Some(Outcome::Lapsed),
            None => None,
        })
        .await
    }

    /// Waits for the PIN of an attempt; whether it came.
    pub(super) async fn typed(&self, id: AttemptId) -> bool {
        self.until(|attempts, now| match attempts.step(now, id) {
            Step::Waiting => None,
            Step::Typed => Some(true),
            Step::Gone => Some(false),
        })
        .await
    }

    /// Works with the attempts, then wakes who waits for a change.
    pub(super) fn work<T>(&self, act: impl FnOnce(&mut Attempts, Instant) -> T) -> T {
        let result = act(&mut self.lock(), Instant::now());
        self.look();
        result
    }

    /// For who works with them at length.
    pub(super) fn attempts(&self) -> &Mutex<Attempts> {
        &self.attempts
    }

    /// Wakes who waits for a change.
    pub(super) fn look(&self) {
        self.changed.send_replace(());
    }

    async fn until<T>(&self, mut look: impl FnMut(&mut Attempts, Instant) -> Option<T>) -> T {
        let mut changes = self.changed.subscribe();
        loop {
            let due = {
                let mut attempts = self.lock();
                if let Some(found) = look(&mut attempts, Instant::now()) {
                    return found;
                }
                attempts.poll_timeout()
            };
            let timeout = async {
                match due {
                    Some(due) => sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = changes.changed() => {}
                () = timeout => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
