//! When to paint and when to ask clients for their next picture.
//!
//! A virtual display has no vertical blank to wait for, so a commit is painted the moment it arrives, once per
//! interval of the mode's refresh. Frame callbacks go out at the start of an interval: a client that draws in 2 ms
//! has its picture on the way 2 ms later instead of an interval later. A client that is slower than an interval gets
//! its callback with its commit and runs as fast as it can.

use std::time::{Duration, Instant};

/// Decides between painting now and waiting. Takes time as a parameter and does nothing itself.
#[derive(Debug)]
pub(super) struct Pacer {
    period: Duration,
    /// The start of the next interval.
    next_interval: Instant,
    /// A frame was painted in this interval.
    painted: bool,
    change: Change,
    /// Clients may be waiting for a callback.
    callbacks: bool,
    /// Clients were called at `at` and are expected to commit; what else changed waits for them until `until`.
    called: Option<Called>,
    /// How long clients took from their callback to their commit, the last time.
    response: Duration,
}

/// What is not on the picture yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Nothing,
    /// Something, which may wait for clients that were called.
    Something,
    /// A client's commit since the last [`Pacer::step`].
    Commit,
}

#[derive(Clone, Copy, Debug)]
struct Called {
    at: Instant,
    until: Instant,
}

/// What to do now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// Paint, then tell [`Pacer::painted`] whether there was anything to see.
    pub(super) paint: bool,
    /// Send frame callbacks (after painting), then tell [`Pacer::called`] whether anybody waited for one.
    pub(super) callbacks: bool,
}

impl Pacer {
    pub(super) fn new(period: Duration, now: Instant) -> Self {
        Self {
            period,
            next_interval: now,
            painted: false,
            change: Change::Something,
            callbacks: false,
            called: None,
            response: period / 8,
        }
    }

    /// The refresh changed: the new interval starts at once and its first frame is due.
    pub(super) fn set_period(&mut self, period: Duration, now: Instant) {
        *self = Self { callbacks: true, ..Self::new(period, now) };
    }

    /// Something beside a client's surface changed: the pointer, the stacking. A window that is uncovered may have
    /// waited for its callback.
    pub(super) fn changed(&mut self) {
        if self.change == Change::Nothing {
            self.change = Change::Something;
        }
        self.callbacks = true;
    }

    /// A client committed a surface, or a surface found its window; it may wait for a frame callback now.
    pub(super) fn committed(&mut self, now: Instant) {
        if let Some(called) = self.called.take() {
            self.response = now.saturating_duration_since(called.at).min(self.period);
        }
        self.change = Change::Commit;
        self.callbacks = true;
    }

    /// Says what is due. Call it after each batch of events.
    pub(super) fn step(&mut self, now: Instant) -> Step {
        let committed = self.change == Change::Commit;
        if committed {
            self.change = Change::Something;
        }
        let mut step = Step::default();
        if now >= self.next_interval && (self.dirty() || self.callbacks) {
            self.begin_interval(now);
            step.callbacks = self.callbacks;
            if step.callbacks && !committed {
                self.called = Some(Called { at: now, until: now + self.patience() });
            }
        }
        if self.called.is_some_and(|called| now >= called.until) {
            self.called = None;
        }
        step.paint = self.dirty() && !self.painted && (committed || self.called.is_none());
        step
    }

    /// A paint that [`Pacer::step`] asked for is done; `visible` says whether it gave a frame.
    pub(super) fn painted(&mut self, visible: bool) {
        self.change = Change::Nothing;
        self.painted = visible;
    }

    /// Callbacks that [`Pacer::step`] asked for are sent; `waiting` says whether any client waited for one.
    pub(super) fn called(&mut self, waiting: bool, now: Instant) {
        self.callbacks = false;
        self.called = waiting.then(|| Called { at: now, until: now + self.patience() });
    }

    /// When to call [`Pacer::step`] again if nothing happens before; `None` while the picture stands still.
    pub(super) fn wake_at(&self, now: Instant) -> Option<Instant> {
        if self.dirty() && !self.painted && self.called.is_none() {
            return Some(now);
        }
        let interval = (self.callbacks || (self.dirty() && self.painted)).then_some(self.next_interval);
        let patience = self.called.filter(|_| self.dirty() && !self.painted).map(|called| called.until);
        [interval, patience].into_iter().flatten().min()
    }

    fn dirty(&self) -> bool {
        self.change != Change::Nothing
    }

    fn begin_interval(&mut self, now: Instant) {
        let late = now.saturating_duration_since(self.next_interval);
        // A wake-up that is a little late keeps the beat; after a pause the beat starts anew.
        self.next_interval = if late < self.period / 2 { self.next_interval } else { now } + self.period;
        self.painted = false;
    }

    /// How long a called client is waited for: what it took the last time and a little more.
    fn patience(&self) -> Duration {
        (self.response + self.period / 8).min(self.period)
    }
}

#[cfg(test)]
mod tests {
    use super::{Pacer, Step};
    use std::time::{Duration, Instant};

    const PERIOD: Duration = Duration::from_millis(16);

    /// A pacer whose first frame is out and which has been idle since.
    fn idle() -> (Pacer, Instant) {
        let start = Instant::now();
        let mut pacer = Pacer::new(PERIOD, start);
        assert_eq!(pacer.step(start), Step { paint: true, callbacks: false });
        pacer.painted(true);
        (pacer, start + PERIOD * 10)
    }

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_commit_after_a_pause_is_painted_at_once_and_an_idle_display_sleeps() {
        let (mut pacer, now) = idle();
        assert_eq!(pacer.wake_at(now), None);
        pacer.committed(now);
        assert_eq!(pacer.step(now), Step { paint: true, callbacks: true });
        pacer.painted(true);
        pacer.called(false, now);
        assert_eq!(pacer.wake_at(now), None);
    }

    #[test]
    fn a_client_that_draws_on_its_callback_is_painted_when_it_commits_once_per_interval() {
        let (mut pacer, start) = idle();
        let mut now = start;
        let mut frames = Vec::new();
        pacer.committed(now);
        while now < start + PERIOD * 10 {
            let step = pacer.step(now);
            if step.paint {
                pacer.painted(true);
                frames.push(now);
            }
            if step.callbacks {
                pacer.called(true, now);
                now += ms(2);
                pacer.committed(now);
            } else {
                now = pacer.wake_at(now).unwrap();
            }
        }
        assert_eq!(frames.len(), 10, "{frames:?}");
        for pair in frames[1..].windows(2) {
            assert_eq!(pair[1] - pair[0], PERIOD);
        }
        assert_eq!(frames[5] - start, PERIOD * 5 + ms(2), "painted 2 ms after its callback");
    }

    #[test]
    fn a_client_that_never_waits_is_painted_once_per_interval() {
        let (mut pacer, start) = idle();
        let mut frames = 0;
        for millis in 0..160 {
            pacer.committed(start + ms(millis));
            let step = pacer.step(start + ms(millis));
            if step.callbacks {
                pacer.called(false, start + ms(millis));
            }
            if step.paint {
                pacer.painted(true);
                frames += 1;
            }
        }
        assert_eq!(frames, 10);
    }

    #[test]
    fn a_client_slower_than_an_interval_is_never_held_up() {
        let (mut pacer, start) = idle();
        for frame in 0..20 {
            let now = start + ms(19) * frame;
            pacer.committed(now);
            assert_eq!(pacer.step(now), Step { paint: true, callbacks: true }, "frame {frame}");
            pacer.painted(true);
            pacer.called(true, now);
        }
    }

    #[test]
    fn the_pointer_waits_for_the_picture_of_a_client_that_was_called_and_no_longer() {
        let (mut pacer, start) = idle();
        pacer.committed(start);
        pacer.step(start);
        pacer.painted(true);
        pacer.called(true, start);
        pacer.changed();
        let tick = pacer.wake_at(start).unwrap();
        assert_eq!(tick, start + PERIOD);
        assert_eq!(pacer.step(tick), Step { paint: false, callbacks: true }, "a client may be waiting");
        pacer.called(false, tick);
        assert_eq!(pacer.wake_at(tick), Some(tick), "no client is");
        assert_eq!(pacer.step(tick), Step { paint: true, callbacks: false });

        pacer.painted(true);
        pacer.committed(tick + ms(1));
        assert_eq!(pacer.step(tick + ms(1)), Step::default());
        pacer.changed();
        let tick = tick + PERIOD;
        assert_eq!(pacer.step(tick), Step { paint: false, callbacks: true });
        pacer.called(true, tick);
        let late = pacer.wake_at(tick).unwrap();
        assert!(late > tick && late <= tick + PERIOD);
        assert_eq!(pacer.step(late), Step { paint: true, callbacks: false });
    }
}
