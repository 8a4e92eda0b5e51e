//! Times of other programs on the host's clock.

use std::time::Duration;

use punktfunk_proto::units::HostTime;
use rustix::time::{ClockId, clock_gettime};

/// A time on the monotonic clock as one on the real-time clock.
pub(super) fn on_host_clock(at: Duration) -> HostTime {
    let nanos = |clock| {
        let time = clock_gettime(clock);
        time.tv_sec as i128 * 1_000_000_000 + time.tv_nsec as i128
    };
    let age = nanos(ClockId::Monotonic) - at.as_nanos() as i128;
    HostTime::from_nanos(u64::try_from(nanos(ClockId::Realtime) - age).unwrap_or_default())
}

/// The monotonic clock.
pub(super) fn monotonic() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}
