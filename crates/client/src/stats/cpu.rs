//! Processor time of this process.

use std::time::Duration;

/// Processor time that this process used, all threads together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CpuTime(Duration);

impl CpuTime {
    /// Up to now.
    pub fn now() -> Self {
        let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Self(Duration::new(spent.tv_sec.unsigned_abs(), u32::try_from(spent.tv_nsec).unwrap_or(0)))
    }

    /// What was used since `earlier`.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::CpuTime;
    use std::time::Duration;

    #[test]
    fn work_shows_in_the_processor_time() {
        let start = CpuTime::now();
        while CpuTime::now().since(start) < Duration::from_millis(2) {
            std::hint::spin_loop();
        }
        assert_eq!(start.since(CpuTime::now()), Duration::ZERO);
    }
}
