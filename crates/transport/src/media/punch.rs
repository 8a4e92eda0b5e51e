//! When a client punches.

use std::time::{Duration, Instant};

/// What a client sends so that the host, and every NAT between, learns its address (spec section 4.1).
pub const PUNCH: [u8; 8] = *b"PFpunch1";

/// When the next punch is due: every 200 ms fifteen times, then every 2 s for the rest of the session.
#[derive(Clone, Debug)]
pub struct PunchSchedule {
    due: Instant,
    sent: u32,
}

const OPENING_PUNCHES: u32 = 15;
const OPENING_INTERVAL: Duration = Duration::from_millis(200);
const INTERVAL: Duration = Duration::from_secs(2);

impl PunchSchedule {
    /// A schedule whose first punch is due at `now`.
    pub fn new(now: Instant) -> Self {
        Self { due: now, sent: 0 }
    }

    /// When [`PunchSchedule::take_due`] next says yes.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// Whether to punch now; after yes the next punch is scheduled from `now`.
    pub fn take_due(&mut self, now: Instant) -> bool {
        if now < self.due {
            return false;
        }
        self.sent = self.sent.saturating_add(1);
        self.due = now + if self.sent < OPENING_PUNCHES { OPENING_INTERVAL } else { INTERVAL };
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::PunchSchedule;

    #[test]
    fn fifteen_punches_open_the_way_and_one_every_two_seconds_keeps_it() {
        let start = Instant::now();
        let mut schedule = PunchSchedule::new(start);
        let mut at = Vec::new();
        while at.len() < 17 {
            let now = schedule.due();
            assert!(schedule.take_due(now));
            assert!(!schedule.take_due(now));
            at.push((now - start).as_millis());
        }
        let opening: Vec<u128> = (0..15).map(|n| n * 200).collect();
        assert_eq!(at, [opening, vec![4_800, 6_800]].concat());
        assert_eq!(schedule.due() - start, Duration::from_millis(8_800));
    }
}
