//! Time as trust sees it: deadlines on the monotonic clock, expiry on a real-time clock that never goes back.

use std::time::{Instant, SystemTime};

use punktfunk_proto::units::HostTime;

/// One reading of both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The monotonic clock: PIN windows, cooldowns, knocks.
    pub instant: Instant,
    /// The real-time clock: grants and what is shown to people.
    pub wall: HostTime,
}

impl Moment {
    /// Reads both clocks. A real-time clock before 1970 reads as 1970.
    pub fn now() -> Self {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { instant: Instant::now(), wall: HostTime::from_nanos(0).plus(since_epoch) }
    }
}

/// A real-time clock that only moves forward, across restarts too: setting the system clock back (or booting at
/// 1970) cannot bring an expired grant back to life. A clock that ran ahead ends grants early instead.
#[derive(Debug)]
pub(crate) struct TrustClock {
    latest: Moment,
}

impl TrustClock {
    /// A clock that reads at least `stored`, the latest time the store has seen.
    pub(crate) fn starting_at(now: Moment, stored: HostTime) -> Self {
        Self { latest: Moment { instant: now.instant, wall: now.wall.max(stored) } }
    }

    /// The time at `now`.
    pub(crate) fn read(&mut self, now: Moment) -> HostTime {
        let ran = now.instant.saturating_duration_since(self.latest.instant);
        self.latest =
            Moment { instant: now.instant.max(self.latest.instant), wall: now.wall.max(self.latest.wall.plus(ran)) };
        self.latest.wall
    }
}

#[cfg(test)]
mod tests {
    use super::{Moment, TrustClock};
    use punktfunk_proto::units::HostTime;
    use std::time::{Duration, Instant};

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn time_does_not_go_back_when_the_clock_is_set_back_a_day() {
        let start = Instant::now();
        let noon = HostTime::from_nanos(0).plus(DAY * 20_000);
        let mut clock = TrustClock::starting_at(Moment { instant: start, wall: noon }, HostTime::from_nanos(0));
        let later = start + Duration::from_secs(60);
        let day_before = HostTime::from_nanos(0).plus(DAY * 19_999);
        let read = clock.read(Moment { instant: later, wall: day_before });
        assert_eq!(read, noon.plus(Duration::from_secs(60)));
    }

    #[test]
    fn a_host_that_boots_at_1970_goes_on_from_the_stored_time() {
        let start = Instant::now();
        let stored = HostTime::from_nanos(0).plus(DAY * 20_000);
        let epoch = HostTime::from_nanos(0);
        let mut clock = TrustClock::starting_at(Moment { instant: start, wall: epoch }, stored);
        assert_eq!(clock.read(Moment { instant: start + DAY, wall: epoch.plus(DAY) }), stored.plus(DAY));
    }
}
