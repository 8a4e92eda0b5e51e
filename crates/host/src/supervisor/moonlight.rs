//! What GameStream asks of the supervisor.

use std::sync::Arc;

use punktfunk_api::{HostEvent, Topic};
use punktfunk_proto::units::Fingerprint;
use punktfunk_trust::{Device, Offer, Origin, StoreError, Verdict};

use super::Supervisor;
use crate::gamestream::Moonlight;

impl Supervisor {
    /// What the host knows of Moonlight.
    pub(crate) fn moonlight(&self) -> &Moonlight {
        &self.moonlight
    }

    /// What to do with who holds the key of this certificate.
    pub(crate) fn assess(&self, device: Fingerprint) -> Verdict {
        self.with_trust(|trust, now| trust.assess(now, Some(device)))
    }

    /// Whether a session could begin now, or what a client's user is told.
    pub(crate) fn can_stream(&self) -> Result<(), String> {
        self.ready_media().map(|_| ())
    }

    /// Stores a Moonlight that proved itself.
    pub(crate) fn pair_moonlight(
        &self,
        (device, name): (Fingerprint, &str),
        offer: Offer,
        typed_by: Origin,
        by: Origin,
    ) -> Result<Device, StoreError> {
        self.change_trust(|trust, now| trust.acting(by).pair_gamestream(now, (device, Some(name)), offer, typed_by))
    }

    /// Tells those who listen when a device begins or ends to wait for its PIN. Never ends.
    pub async fn watch_moonlights(self: Arc<Self>) {
        let pairing = Arc::clone(self.moonlight.pairing());
        let mut changes = pairing.changes();
        let mut before = Vec::new();
        while changes.changed().await.is_ok() {
            let now: Vec<_> = pairing.waiting().into_iter().map(|waiting| waiting.id).collect();
            if now != before {
                before = now;
                self.tell(HostEvent::Changed(Topic::Pairing));
            }
        }
    }
}
