//! What changed in the trust store, for those who show it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use punktfunk_api::Topic;
use punktfunk_trust::{Moment, Presence, Trust, WindowState};

use super::Supervisor;

/// What each topic looked like when it was last looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Topics {
    pending: u64,
    pairing: u64,
    devices: u64,
}

impl Topics {
    fn of(trust: &Trust) -> Self {
        let now = Moment::now();
        let mut pending = DefaultHasher::new();
        for knock in trust.knocks(now) {
            (knock.id.number(), knock.presence == Presence::Waiting).hash(&mut pending);
        }
        trust.dropped_knocks().hash(&mut pending);
        let mut pairing = DefaultHasher::new();
        match trust.window(now) {
            WindowState::Armed { device, .. } => format!("{device:?}").hash(&mut pairing),
            WindowState::Spent { .. } => 2.hash(&mut pairing),
            WindowState::Disarmed => 3.hash(&mut pairing),
        }
        let mut devices = DefaultHasher::new();
        for device in trust.devices() {
            let access = device.access;
            let expires = access.expires.map(|time| time.nanos());
            (device.fingerprint, device.name.as_str(), access.grants.bits(), expires).hash(&mut devices);
            (device.last_seen.map(|time| time.nanos()), format!("{:?}", device.state)).hash(&mut devices);
        }
        Self { pending: pending.finish(), pairing: pairing.finish(), devices: devices.finish() }
    }
}

impl Supervisor {
    /// What looks different now. Nobody is listening: nothing.
    pub(super) fn changed_topics(&self, trust: &Trust) -> Vec<Topic> {
        if self.listeners.receiver_count() == 0 {
            return Vec::new();
        }
        let now = Topics::of(trust);
        let before = {
            let mut topics = self.topics.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            std::mem::replace(&mut *topics, now)
        };
        let pairs = [
            (Topic::Pending, before.pending != now.pending),
            (Topic::Pairing, before.pairing != now.pairing),
            (Topic::Devices, before.devices != now.devices),
        ];
        pairs.into_iter().filter(|(_, changed)| *changed).map(|(topic, _)| topic).collect()
    }
}
