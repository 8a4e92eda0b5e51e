//! The real-time clock of this machine, and where it stood at an [`Instant`].

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use punktfunk_proto::units::{ClientTime, Timestamp};

/// What the real-time clock shows now.
pub fn wall_now() -> ClientTime {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX))
}

/// Seconds since the Unix epoch now.
pub fn unix_now() -> u64 {
    wall_now().nanos() / 1_000_000_000
}

/// Both clocks read at one moment: carries instants of a session over to the real-time clock.
#[derive(Clone, Copy, Debug)]
pub struct ClockAnchor {
    instant: Instant,
    wall: ClientTime,
}

impl ClockAnchor {
    /// Reads both clocks.
    pub fn now() -> Self {
        Self { instant: Instant::now(), wall: wall_now() }
    }

    /// What the real-time clock shows at `instant`, unless somebody sets it in between.
    pub fn wall_at(&self, instant: Instant) -> ClientTime {
        match instant.checked_duration_since(self.instant) {
            Some(later) => self.wall.plus(later),
            None => self.wall_before(self.instant.duration_since(instant)),
        }
    }

    fn wall_before(&self, by: Duration) -> ClientTime {
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        Timestamp::from_nanos(self.wall.nanos().saturating_sub(nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::ClockAnchor;
    use std::time::Duration;

    #[test]
    fn instants_before_and_after_the_anchor_keep_their_distance() {
        let anchor = ClockAnchor::now();
        let ms = Duration::from_millis(250);
        let wall = anchor.wall_at(anchor.instant);
        assert_eq!(anchor.wall_at(anchor.instant + ms).since(wall), ms);
        assert_eq!(wall.since(anchor.wall_at(anchor.instant - ms)), ms);
    }
}
