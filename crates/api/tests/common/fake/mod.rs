//! A host without displays, encoders and sockets: what the API's tests and the console's developers ask in place of
//! one. The administrator is the real one of `trust`, on a clock that can be moved.

mod administrator;
mod answers;
mod data;

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use punktfunk_api::{HostEvent, Topic, model::HealthState};
use punktfunk_trust::Origin;
use tokio::sync::broadcast;

use administrator::FakeAdministrator;
use data::Data;
#[allow(unused_imports, reason = "the example uses a part of it")]
pub(crate) use data::{ADMIN_DEVICE, DECLARED, PAIRED, STRANGER, samples};

/// The host.
pub(crate) struct FakeHost {
    administrator: FakeAdministrator,
    data: Mutex<Data>,
    events: broadcast::Sender<HostEvent>,
    art_dir: PathBuf,
}

impl FakeHost {
    /// What the administrator logs in with.
    pub(crate) const PASSWORD: &str = "correct horse";
    /// The bearer token.
    pub(crate) const TOKEN: &str = "fake-token";

    /// A host that somebody administers, with pictures in `art_dir`.
    pub(crate) fn claimed(art_dir: &Path) -> Self {
        Self::new(FakeAdministrator::claimed(Self::PASSWORD), art_dir)
    }

    /// A host that nobody administers.
    pub(crate) fn unclaimed(art_dir: &Path) -> Self {
        Self::new(FakeAdministrator::unclaimed(), art_dir)
    }

    fn new(administrator: FakeAdministrator, art_dir: &Path) -> Self {
        let events = broadcast::Sender::new(256);
        Self { administrator, data: Mutex::new(Data::new()), events, art_dir: art_dir.to_owned() }
    }

    /// The administrator, to read the claim code and to move the clock.
    pub(crate) fn owner(&self) -> &FakeAdministrator {
        &self.administrator
    }

    /// Tells those who listen.
    pub(crate) fn tell(&self, event: HostEvent) {
        // Nobody may listen.
        let _ = self.events.send(event);
    }

    /// How many listen.
    pub(crate) fn listeners(&self) -> usize {
        self.events.receiver_count()
    }

    /// Writes a line into the log.
    pub(crate) fn log(&self, text: &str) {
        let line = self.data().log(text);
        self.tell(HostEvent::Logged(line));
    }

    /// Who changed something, in order.
    pub(crate) fn origins(&self) -> Vec<Origin> {
        self.data().origins.clone()
    }

    /// Has the host fail, or recover.
    pub(crate) fn fall_into(&self, state: HealthState) {
        self.data().health = state;
    }

    /// What a device sent.
    pub(crate) fn written_by_devices(&self) -> Vec<String> {
        self.data().client_logs.clone()
    }

    fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self, by: &Origin, topic: Topic) {
        self.data().origins.push(by.clone());
        self.tell(HostEvent::Changed(topic));
    }
}
