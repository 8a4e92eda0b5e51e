//! How access ends: told in advance, then at its end, each once, whatever the real-time clock does.

use std::time::{Duration, Instant};

use punktfunk_proto::units::HostTime;

use super::{AccessEnd, Trust, TrustEvent};
use crate::{
    audit::AuditEvent,
    clock::Moment,
    device::{Device, Standing},
};

/// How near its end the access of a device is. Live sessions hear of each stage at most once; a clock that jumps
/// over one skips it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// No end, or more than five minutes away.
    Far,
    /// At most five minutes.
    FiveMinutes,
    /// At most one.
    OneMinute,
    /// Over.
    Ended,
}

impl Stage {
    pub(super) fn of(device: &Device, now: HostTime) -> Self {
        match device.standing(now) {
            Standing::Expired => Self::Ended,
            Standing::InForce { remaining: Some(left) } if left <= ONE_MINUTE => Self::OneMinute,
            Standing::InForce { remaining: Some(left) } if left <= FIVE_MINUTES => Self::FiveMinutes,
            Standing::InForce { .. } | Standing::Revoked => Self::Far,
        }
    }

    /// How much is left when the next stage begins.
    fn next_at(self) -> Option<Duration> {
        match self {
            Self::Far => Some(FIVE_MINUTES),
            Self::FiveMinutes => Some(ONE_MINUTE),
            Self::OneMinute => Some(Duration::ZERO),
            Self::Ended => None,
        }
    }
}

impl Trust {
    /// [`Trust::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Moment) {
        let time = self.clock.read(now);
        self.queue.handle_timeout(now.instant);
        let due = self.devices.values().filter(|device| Stage::of(device, time) > self.stage_told(device));
        for device in due.cloned().collect::<Vec<_>>() {
            self.tell_stage(now, time, &device);
        }
    }

    /// When [`Trust::handle_timeout`] is next due. At least once a minute while a grant has an end, so that a
    /// real-time clock that is set forward ends it soon.
    pub fn poll_timeout(&mut self, now: Moment) -> Option<Instant> {
        let time = self.clock.read(now);
        let next_stage = self.devices.values().filter_map(|device| self.until_next_stage(device, time)).min();
        let next_stage = next_stage.map(|wait| now.instant + wait.min(CLOCK_CHECK));
        [next_stage, self.queue.poll_timeout()].into_iter().flatten().min()
    }

    fn until_next_stage(&self, device: &Device, time: HostTime) -> Option<Duration> {
        let next_at = self.stage_told(device).next_at()?;
        match device.standing(time) {
            Standing::InForce { remaining } => Some(remaining?.saturating_sub(next_at)),
            Standing::Expired => Some(Duration::ZERO),
            Standing::Revoked => None,
        }
    }

    fn stage_told(&self, device: &Device) -> Stage {
        self.told.get(&device.fingerprint).copied().unwrap_or(Stage::Far)
    }

    fn tell_stage(&mut self, now: Moment, time: HostTime, device: &Device) {
        let fingerprint = device.fingerprint;
        self.told.insert(fingerprint, Stage::of(device, time));
        match device.access.remaining(time) {
            Some(Duration::ZERO) => {
                self.events.push_back(TrustEvent::AccessEnded { fingerprint, end: AccessEnd::Expired });
                self.note(now, AuditEvent::Expired { device: device.into() });
            }
            Some(remaining) => {
                let grants = device.access.grants;
                self.events.push_back(TrustEvent::AccessEnding { fingerprint, grants, remaining });
            }
            None => {}
        }
    }
}

const FIVE_MINUTES: Duration = Duration::from_secs(300);
const ONE_MINUTE: Duration = Duration::from_secs(60);
/// How long the real-time clock is trusted to run evenly.
const CLOCK_CHECK: Duration = Duration::from_secs(60);
