//! Displays whose clients are gone and may come back.

use std::{any::Any, time::Duration};

use punktfunk_proto::units::Fingerprint;
use tokio::sync::OwnedSemaphorePermit;

use crate::session::pipeline::Display;

/// A display without a client, and the place of a session that it holds.
pub(super) struct Keepsake {
    pub(super) fingerprint: Fingerprint,
    pub(super) display: Display,
    pub(super) slot: OwnedSemaphorePermit,
    /// What says to others that the application runs, until this is dropped.
    pub(super) lease: Option<Box<dyn Any + Send>>,
}

/// One that is kept.
pub(super) struct Kept {
    number: u64,
    keepsake: Keepsake,
}

impl Kept {
    /// Takes it back into use.
    pub(super) fn open(self) -> (Display, OwnedSemaphorePermit) {
        let Keepsake { display, slot, .. } = self.keepsake;
        (display, slot)
    }

    /// Ends it with its application, on a thread of its own, as that blocks; then its place is free.
    pub(super) fn end(self) {
        let ending = move || {
            let Keepsake { display, slot, lease, .. } = self.keepsake;
            drop(display);
            drop(slot);
            drop(lease);
        };
        if let Err(error) = std::thread::Builder::new().name("pf-end".into()).spawn(ending) {
            // The closure, and the display with it, was dropped here instead.
            tracing::warn!(%error, "no thread to end a display on");
        }
    }
}

/// The displays that are kept, the longest kept first.
#[derive(Default)]
pub(super) struct KeptDisplays {
    displays: Vec<Kept>,
    last: u64,
}

impl KeptDisplays {
    /// Keeps a display for a device and says under which number.
    pub(super) fn keep(&mut self, keepsake: Keepsake) -> u64 {
        self.last += 1;
        self.displays.push(Kept { number: self.last, keepsake });
        self.last
    }

    /// Takes out one of a device's.
    pub(super) fn take_of(&mut self, fingerprint: Fingerprint) -> Option<Kept> {
        self.take_first(|kept| kept.keepsake.fingerprint == fingerprint)
    }

    /// Takes out the one of this number, if it is still there.
    pub(super) fn take(&mut self, number: u64) -> Option<Kept> {
        self.take_first(|kept| kept.number == number)
    }

    /// Takes out the longest kept.
    pub(super) fn take_oldest(&mut self) -> Option<Kept> {
        self.take_first(|_| true)
    }

    fn take_first(&mut self, wanted: impl Fn(&Kept) -> bool) -> Option<Kept> {
        let at = self.displays.iter().position(wanted)?;
        Some(self.displays.remove(at))
    }
}

impl super::Supervisor {
    /// How long displays are kept; `None` when they are not.
    pub(super) fn keeps_for(&self) -> Option<Duration> {
        let time = Duration::from_secs(self.config.session.keep_alive_s.into());
        Some(time).filter(|time| !time.is_zero())
    }

    /// Keeps a display for `time`, then ends it unless its device has come back.
    pub(super) fn keep(self: &std::sync::Arc<Self>, keepsake: Keepsake, time: Duration) {
        let fingerprint = keepsake.fingerprint;
        let number = self.kept().keep(keepsake);
        tracing::info!(device = fingerprint.short(), seconds = time.as_secs(), "its application is kept");
        // Access that ended just before found nothing to end.
        if !self.is_known(Some(fingerprint)) {
            return self.end_kept(fingerprint);
        }
        let supervisor = std::sync::Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            let expired = supervisor.kept().take(number);
            expired.into_iter().for_each(Kept::end);
        });
    }

    /// Ends what is kept for a device.
    pub(super) fn end_kept(&self, fingerprint: Fingerprint) {
        while let Some(kept) = self.take_kept(fingerprint) {
            kept.end();
        }
    }

    /// Takes what is kept for a device.
    pub(super) fn take_kept(&self, fingerprint: Fingerprint) -> Option<Kept> {
        self.kept().take_of(fingerprint)
    }

    /// Ends the longest kept display, to make room; whether there was one.
    pub(super) fn end_oldest_kept(&self) -> bool {
        let oldest = self.kept().take_oldest();
        oldest.map(Kept::end).is_some()
    }
}
