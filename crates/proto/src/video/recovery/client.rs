//! The client: a gap freezes the picture and is reported; only `user_flags` lift the freeze.

use std::time::{Duration, Instant};

use crate::video::{flags, order::Gap, recovery::MAX_RFI_FRAMES};

/// Time between RfiRequests, on average.
const RFI_INTERVAL: Duration = Duration::from_millis(100);
/// How many RfiRequests may go at once before that: a loss right after a repair, or of the repair itself, is a new one,
/// and waiting to report it would freeze the picture for longer than a round trip.
const RFI_BURST: u32 = 4;
/// How long a frozen picture waits before a keyframe is requested, and again after each request.
const FREEZE_PATIENCE: Duration = Duration::from_millis(500);
/// How long the first picture is waited for before it is asked for.
const FIRST_PICTURE_PATIENCE: Duration = Duration::from_secs(2);

/// What to send to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryRequest {
    /// RequestKeyframe.
    Keyframe,
    /// RfiRequest for these frames.
    Rfi(Gap),
}

#[derive(Clone, Copy, Debug)]
enum Picture {
    /// No keyframe was ever decoded.
    None,
    Good,
    /// Refresh points of an intra-refresh wave count: the second one ends a whole wave.
    Frozen {
        refresh_points: u8,
    },
}

/// Decides what the client asks for.
#[derive(Debug)]
pub struct ClientRecovery {
    picture: Picture,
    /// When a keyframe is next requested; set while the picture is not good.
    keyframe_at: Option<Instant>,
    /// When all RfiRequests sent so far would have gone, had they kept [`RFI_INTERVAL`].
    rfi_paid_until: Option<Instant>,
    /// A gap found while no request may be sent.
    deferred: Option<Gap>,
    request: Option<RecoveryRequest>,
}

impl Default for ClientRecovery {
    fn default() -> Self {
        Self { picture: Picture::None, keyframe_at: None, rfi_paid_until: None, deferred: None, request: None }
    }
}

impl ClientRecovery {
    /// Starts waiting for the first picture; later calls do nothing.
    pub fn start(&mut self, now: Instant) {
        if matches!(self.picture, Picture::None) && self.keyframe_at.is_none() {
            self.keyframe_at = Some(now + FIRST_PICTURE_PATIENCE);
        }
    }

    /// Whether the picture is frozen: what is decoded now should not be shown.
    pub fn frozen(&self) -> bool {
        !matches!(self.picture, Picture::Good)
    }

    /// Frames did not come. `next_flags` are those of the unit right behind the gap, if there is one: nothing is
    /// asked for when it repairs the picture by itself.
    pub fn on_gap(&mut self, now: Instant, gap: Gap, next_flags: u32) {
        if next_flags & (flags::IDR | flags::RECOVERY_ANCHOR) != 0 {
            return;
        }
        if matches!(self.picture, Picture::None) {
            self.ask_keyframe(now);
            return;
        }
        if matches!(self.picture, Picture::Good) {
            self.keyframe_at = Some(now + FREEZE_PATIENCE);
        }
        self.picture = Picture::Frozen { refresh_points: 0 };
        self.report(now, gap);
    }

    /// A unit goes to the decoder. Returns whether its picture is to be shown.
    pub fn on_unit(&mut self, now: Instant, user_flags: u32) -> bool {
        let lifted = user_flags & flags::IDR != 0
            || match &mut self.picture {
                Picture::None => false,
                Picture::Good => true,
                Picture::Frozen { .. } if user_flags & flags::RECOVERY_ANCHOR != 0 => true,
                Picture::Frozen { refresh_points } => {
                    *refresh_points += u8::from(user_flags & flags::RECOVERY_POINT != 0);
                    *refresh_points >= 2
                }
            };
        if lifted {
            self.picture = Picture::Good;
            (self.keyframe_at, self.deferred) = (None, None);
        } else if matches!(self.picture, Picture::None) {
            self.ask_keyframe_once(now);
        }
        lifted
    }

    /// The decoder took three units and returned no picture.
    pub fn decoder_stalled(&mut self, now: Instant) {
        if matches!(self.picture, Picture::Good) {
            self.picture = Picture::Frozen { refresh_points: 0 };
            self.ask_keyframe(now);
        } else {
            self.ask_keyframe_once(now);
        }
    }

    /// [`ClientRecovery::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.keyframe_at.is_some_and(|at| now >= at) {
            self.ask_keyframe(now);
        }
        if self.rfi_allowed_at().is_none_or(|at| now >= at)
            && let Some(gap) = self.deferred.take()
        {
            self.report(now, gap);
        }
    }

    /// When [`ClientRecovery::handle_timeout`] is next due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let deferred = self.deferred.and(self.rfi_allowed_at());
        self.keyframe_at.into_iter().chain(deferred).min()
    }

    /// The request to send, if there is one.
    pub fn poll_request(&mut self) -> Option<RecoveryRequest> {
        self.request.take()
    }

    /// Asks to repair `gap`, in one with what a request not yet sent asks for.
    fn report(&mut self, now: Instant, gap: Gap) {
        let whole = match self.request {
            Some(RecoveryRequest::Rfi(unsent)) => Gap { first: unsent.first, last: gap.last },
            Some(RecoveryRequest::Keyframe) | None => gap,
        };
        if whole.frames() > MAX_RFI_FRAMES {
            self.ask_keyframe(now);
        } else if self.rfi_allowed_at().is_some_and(|at| now < at) {
            self.deferred = Some(self.deferred.map_or(gap, |held| Gap { first: held.first, last: gap.last }));
        } else {
            self.rfi_paid_until = Some(self.rfi_paid_until.map_or(now, |until| until.max(now)) + RFI_INTERVAL);
            if self.request != Some(RecoveryRequest::Keyframe) {
                self.request = Some(RecoveryRequest::Rfi(whole));
            }
        }
    }

    /// From when on another RfiRequest keeps within rate and burst.
    fn rfi_allowed_at(&self) -> Option<Instant> {
        self.rfi_paid_until.and_then(|until| until.checked_sub(RFI_INTERVAL * (RFI_BURST - 1)))
    }

    fn ask_keyframe(&mut self, now: Instant) {
        self.keyframe_at = Some(now + FREEZE_PATIENCE);
        self.request = Some(RecoveryRequest::Keyframe);
    }

    /// Asks unless a request was made within the last [`FREEZE_PATIENCE`].
    fn ask_keyframe_once(&mut self, now: Instant) {
        if self.keyframe_at.is_none_or(|at| at > now + FREEZE_PATIENCE) {
            self.ask_keyframe(now);
        }
    }
}
