//! The host: which requests lead to an IDR or an invalidation, and when.
//!
//! IDRs that RequestKeyframe asks for are at least [`KEYFRAME_INTERVAL`] apart; those that stand in for an invalidation
//! the encoder cannot make, [`REPAIR_INTERVAL`]. The last request is always answered. A request to invalidate frames
//! that the last recovery frame came after is an echo of a loss already repaired and is swallowed, at most twice; a
//! loss after that frame is a new one.

use std::time::{Duration, Instant};

use crate::video::{UnitKind, order::Gap, reassembler::is_newer, recovery::MAX_RFI_FRAMES};

/// Shortest time from an IDR to one that RequestKeyframe asked for (spec section 2.5).
const KEYFRAME_INTERVAL: Duration = Duration::from_millis(750);
/// Shortest time from an IDR to one that repairs a loss: as often as clients ask for repairs (spec section 4.7).
const REPAIR_INTERVAL: Duration = Duration::from_millis(100);
/// How long after an answered RfiRequest its echoes are swallowed.
const ECHO_TIME: Duration = Duration::from_millis(300);
/// Most echoes swallowed per answer.
const MAX_ECHOES: u8 = 2;

/// What the encoder is to make of the next picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextUnit {
    /// Nothing special.
    Delta,
    /// An IDR, to be submitted as [`UnitKind::Idr`].
    Idr,
    /// A picture that refers to none of these frames nor to any after them, to be submitted as
    /// [`UnitKind::RecoveryAnchor`].
    Anchor(Gap),
}

/// Decides how the host answers requests. The same for all requests of a session, whichever thread brings them.
#[derive(Debug)]
pub struct HostRecovery {
    can_invalidate: bool,
    /// An IDR is wanted, this long after the last one.
    idr_wanted: Option<Duration>,
    invalid: Option<Gap>,
    last_idr: Option<Instant>,
    /// The recovery frame that was sent last.
    answer: Option<Answer>,
}

#[derive(Clone, Copy, Debug)]
struct Answer {
    at: Instant,
    frame_index: u32,
    echoes: u8,
}

impl HostRecovery {
    /// `can_invalidate`: the encoder can forget single frames; else every loss costs an IDR.
    pub fn new(can_invalidate: bool) -> Self {
        Self { can_invalidate, idr_wanted: None, invalid: None, last_idr: None, answer: None }
    }

    /// RequestKeyframe came.
    pub fn request_keyframe(&mut self) {
        self.want_idr(KEYFRAME_INTERVAL);
    }

    /// RfiRequest came; `next_index` is the index the next unit will have. Nonsense asks for an IDR.
    pub fn request_invalidation(&mut self, now: Instant, gap: Gap, next_index: u32) {
        let sane = (1..=MAX_RFI_FRAMES).contains(&gap.frames()) && is_newer(next_index, gap.last);
        if sane && self.is_echo(now, gap) {
            return;
        }
        if sane && self.can_invalidate {
            self.invalid = Some(self.invalid.map_or(gap, |held| join(held, gap)));
        } else {
            self.want_idr(if sane { REPAIR_INTERVAL } else { KEYFRAME_INTERVAL });
        }
    }

    /// What the picture captured at `now` has to become. Asking changes nothing.
    pub fn next_unit(&self, now: Instant) -> NextUnit {
        match self.invalid {
            _ if self.idr_wanted.is_some() && self.idr_allowed_at().is_none_or(|at| now >= at) => NextUnit::Idr,
            Some(gap) if gap.frames() <= MAX_RFI_FRAMES => NextUnit::Anchor(gap),
            Some(_) | None => NextUnit::Delta,
        }
    }

    /// A unit was submitted.
    pub fn on_submitted(&mut self, now: Instant, frame_index: u32, kind: UnitKind) {
        match kind {
            UnitKind::Idr => {
                self.last_idr = Some(now);
                (self.idr_wanted, self.invalid) = (None, None);
            }
            UnitKind::RecoveryAnchor => self.invalid = None,
            UnitKind::Delta | UnitKind::RecoveryPoint => return,
        }
        self.answer = Some(Answer { at: now, frame_index, echoes: 0 });
    }

    /// When a postponed IDR may be made: a still picture has to be captured again for it.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.idr_allowed_at()
    }

    /// The soonest of the intervals asked for holds.
    fn want_idr(&mut self, interval: Duration) {
        self.idr_wanted = Some(self.idr_wanted.map_or(interval, |wanted| wanted.min(interval)));
    }

    /// When the IDR that is wanted may be made; `None` when none is wanted or it may be made at any time.
    fn idr_allowed_at(&self) -> Option<Instant> {
        Some(self.last_idr? + self.idr_wanted?)
    }

    fn is_echo(&mut self, now: Instant, gap: Gap) -> bool {
        let Some(answer) = &mut self.answer else { return false };
        let echo = is_newer(answer.frame_index, gap.last)
            && now.saturating_duration_since(answer.at) < ECHO_TIME
            && answer.echoes < MAX_ECHOES;
        answer.echoes += u8::from(echo);
        echo
    }
}

/// The range from the earlier start to the later end.
fn join(a: Gap, b: Gap) -> Gap {
    Gap {
        first: if is_newer(a.first, b.first) { b.first } else { a.first },
        last: if is_newer(b.last, a.last) { b.last } else { a.last },
    }
}
