//! The client chooses the bitrate of its session: as high as the path takes without a queue on it (spec section 4.7,
//! "client-private").
//!
//! [`BitrateController`] is fed with every frame that arrives and, every [`TICK`], with what arrived altogether. It asks the
//! host for other rates by SetBitrate, and for a speed test where frames are too small to measure the path by.
//!
//! Two things are known of the path. How fast it *could* be shows in each frame: its datagrams leave together, so they arrive
//! at the rate of the narrowest place. Whether it is *full* shows in how long frames wait. So the rate falls only when a
//! queue grows (or frames are lost one after the other), and rises at once to what the frames say when there is none.
//! Where a queue grows although frames say that there is room, somebody else is there too: the rate stays below what
//! made it grow, for longer each time, and never below half of the path on account of a queue alone.

mod path;

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::units::{Bitrate, HostTime};

use self::path::{Queue, Trains};

/// How often [`BitrateController::handle_timeout`] is due.
pub const TICK: Duration = Duration::from_millis(50);

/// Between what rates the controller chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Never less.
    pub least: Bitrate,
    /// Never more.
    pub most: Bitrate,
}

/// The first datagram of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// When the frame was captured, on the host's clock.
    pub pts: HostTime,
    /// When the datagram came.
    pub at: Instant,
}

/// A frame that arrived.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// When it was captured, on the host's clock.
    pub pts: HostTime,
    /// When its first datagram came.
    pub first_at: Instant,
    /// When the datagram came that completed it.
    pub last_at: Instant,
    /// Its bytes.
    pub frame_bytes: usize,
    /// Bytes of IP packets that came after `first_at`, until `last_at`.
    pub spread_bytes: usize,
    /// Bytes of all IP packets that the host sent for it, parity included.
    pub sent_bytes: usize,
}

/// What arrived since the start of the session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Bytes of IP packets.
    pub wire_bytes: u64,
    /// Frames that never came.
    pub frames_lost: u64,
}

/// What to tell the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitrateRequest {
    /// Send SetBitrate; the answer goes to [`BitrateController::on_bitrate_changed`].
    Set(Bitrate),
    /// Send ProbeRequest; what came of it goes to [`BitrateController::on_probed`].
    Probe {
        /// The rate to try.
        rate: Bitrate,
        /// For how long.
        duration: Duration,
    },
}

/// Chooses the bitrate of a session. After every call [`BitrateController::poll_request`] until `None`.
#[derive(Debug)]
pub struct BitrateController {
    limits: Limits,
    /// What the host was asked for last, or began with.
    asked: Bitrate,
    answer: Answer,
    queue: Queue,
    trains: Trains,
    /// Bytes at the last ticks, the newest in front.
    received: VecDeque<(Instant, Totals)>,
    /// Bytes of the last frames and of what carried them; what is older counts less and less.
    carried: (f64, f64),
    probe: Probe,
    /// When the rate last rose, and when it last fell.
    rose_at: Instant,
    fell_at: Instant,
    ceiling: Option<Ceiling>,
    /// How long the next ceiling holds.
    patience: Duration,
    loss: LossWatch,
    /// When the last frame was whole.
    whole_at: Instant,
    /// Nothing is believed before.
    blind_until: Instant,
    due: Instant,
    requests: VecDeque<BitrateRequest>,
    changes: u32,
}

/// Whether the host answers.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Here,
    Awaited {
        since: Instant,
        times: u8,
    },
    /// It does not: it streams as it likes.
    Never,
}

/// Whether the path was tested by filler.
#[derive(Clone, Copy, Debug)]
enum Probe {
    Due(Instant),
    Running { until: Instant },
    Done { found: Option<Bitrate> },
}

/// A rate on the wire that made a queue grow although frames said that there was room.
#[derive(Clone, Copy, Debug)]
struct Ceiling {
    wire: f64,
    until: Instant,
    /// What frames said then; 0 for nothing.
    link: f64,
}

/// Frames lost one after the other.
#[derive(Clone, Copy, Debug)]
struct LossWatch {
    period_ends: Instant,
    lost_before: u64,
    /// Periods with lost frames, one after the other.
    bad: u32,
    /// Cuts on account of it, one after the other; losses that cuts do not end are not ours.
    cuts: u32,
    deaf_until: Instant,
}

/// A queue this long is one.
const QUEUE: Duration = Duration::from_millis(12);
/// A queue shorter than this is none.
const NO_QUEUE: Duration = Duration::from_millis(6);
/// What share of the path is used, and what share while a queue drains.
const USED: f64 = 0.95;
const DRAINING: f64 = 0.82;
/// A queue alone never pushes the rate below this share of the path: it may be somebody else's.
const SHARE: f64 = 0.45;
/// The rate rises at most by this factor in one step.
const STEP: f64 = 1.5;
/// The same where nothing tells how far it may.
const SMALL_STEP: f64 = 1.15;
/// Smaller changes are not worth a message.
const WORTHWHILE: f64 = 1.03;
/// What a frame counts for against the one after it, where headers and parity are weighed.
const REMEMBERED: f64 = 0.95;
const BETWEEN_RISES: Duration = Duration::from_millis(250);
const BETWEEN_FALLS: Duration = Duration::from_millis(300);
const CALM_AFTER_FALL: Duration = Duration::from_millis(400);
/// How long a ceiling holds, at first and at most.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// An answer takes at most so long; after so many without one the host is left alone (spec section 2.5).
const ANSWER_WITHIN: Duration = Duration::from_millis(1_000);
const UNANSWERED: u8 = 3;
/// The rate of arrival is that of the last so many ticks.
const RATE_OVER: usize = 4;
const PERIOD: Duration = Duration::from_millis(300);
const BAD_PERIODS: u32 = 3;
const CUTS: u32 = 3;
const STARVED_AFTER: Duration = Duration::from_millis(500);
const STARVING: f64 = 0.7;
const DEAF: Duration = Duration::from_secs(10);
/// When the path is tested if frames are too small, how, and how long the result may take.
const PROBE_AFTER: Duration = Duration::from_secs(2);
const PROBE_LENGTH: Duration = Duration::from_millis(150);
const PROBE_FACTOR: u32 = 4;
const PROBE_WITHIN: Duration = Duration::from_secs(6);
/// After a standstill, what is under way is old.
const BLIND: Duration = Duration::from_millis(250);

impl BitrateController {
    /// A session that begins at `now` with the rate that Welcome names.
    pub fn new(now: Instant, rate: Bitrate, limits: Limits) -> Self {
        Self {
            limits,
            asked: rate,
            answer: Answer::Here,
            queue: Queue::default(),
            trains: Trains::default(),
            received: VecDeque::with_capacity(RATE_OVER + 1),
            carried: (1.1, 1.0),
            probe: Probe::Due(now + PROBE_AFTER),
            rose_at: now,
            fell_at: now,
            ceiling: None,
            patience: PATIENCE.0,
            loss: LossWatch { period_ends: now + PERIOD, lost_before: 0, bad: 0, cuts: 0, deaf_until: now },
            whole_at: now,
            blind_until: now,
            due: now + TICK,
            requests: VecDeque::with_capacity(4),
            changes: 0,
        }
    }

    /// The rate that was asked for last, or that the host said is in force.
    pub fn bitrate(&self) -> Bitrate {
        self.asked
    }

    /// How fast the path is, as far as is known; of IP packets.
    pub fn link(&self, now: Instant) -> Option<Bitrate> {
        let probed = if let Probe::Done { found } = self.probe { found } else { None };
        self.trains.rate(now).or(probed)
    }

    /// How often the rate was changed.
    pub fn changes(&self) -> u32 {
        self.changes
    }

    /// A frame began to arrive; whether it will ever be whole is not known.
    pub fn on_begun(&mut self, begun: Begun) {
        if begun.at >= self.blind_until {
            self.queue.on_begun(begun);
        }
    }

    /// A frame arrived.
    pub fn on_unit(&mut self, arrival: &Arrival) {
        if arrival.first_at >= self.blind_until {
            self.trains.on_unit(arrival);
        }
        self.whole_at = arrival.last_at;
        self.carried.0 = self.carried.0 * REMEMBERED + arrival.sent_bytes as f64;
        self.carried.1 = self.carried.1 * REMEMBERED + arrival.frame_bytes as f64;
    }

    /// BitrateChanged came: this is in force.
    pub fn on_bitrate_changed(&mut self, rate: Bitrate) {
        if matches!(self.answer, Answer::Awaited { .. }) && rate < self.asked {
            // The host has a limit of its own.
            self.limits.most = self.limits.most.min(rate).max(self.limits.least);
        }
        self.asked = rate;
        if !matches!(self.answer, Answer::Never) {
            self.answer = Answer::Here;
        }
    }

    /// PipelineGap came: what was measured meanwhile means nothing.
    pub fn on_pipeline_gap(&mut self, now: Instant) {
        self.look_away(now);
    }

    /// ProbeResult came, and filler arrived at this rate; `None` when none did.
    pub fn on_probed(&mut self, now: Instant, found: Option<Bitrate>) {
        if let Probe::Running { .. } = self.probe {
            self.probe = Probe::Done { found };
            self.look_away(now);
        }
    }

    /// The next thing to tell the host.
    pub fn poll_request(&mut self) -> Option<BitrateRequest> {
        self.requests.pop_front()
    }

    /// When [`BitrateController::handle_timeout`] is next due.
    pub fn poll_timeout(&self) -> Instant {
        self.due
    }

    /// [`BitrateController::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant, totals: Totals) {
        if now < self.due {
            return;
        }
        self.due = now + TICK;
        self.note(now, totals);
        self.loss.note(now, totals.frames_lost);
        self.chase_answer(now);
        self.chase_probe(now);
        if matches!(self.answer, Answer::Here)
            && now >= self.blind_until
            && !matches!(self.probe, Probe::Running { .. })
        {
            self.decide(now);
        }
    }

    fn note(&mut self, now: Instant, totals: Totals) {
        self.received.push_front((now, totals));
        self.received.truncate(RATE_OVER + 1);
    }

    fn chase_answer(&mut self, now: Instant) {
        let Answer::Awaited { since, times } = self.answer else { return };
        if now.saturating_duration_since(since) < ANSWER_WITHIN {
            return;
        }
        if times == UNANSWERED {
            self.answer = Answer::Never;
        } else {
            self.answer = Answer::Awaited { since: now, times: times + 1 };
            self.requests.push_back(BitrateRequest::Set(self.asked));
        }
    }

    fn chase_probe(&mut self, now: Instant) {
        match self.probe {
            Probe::Due(at) if now >= at => {
                if self.trains.rate(now).is_some() {
                    self.probe = Probe::Done { found: None };
                    return;
                }
                let rate = Bitrate::from_kbps(self.asked.kbps().saturating_mul(PROBE_FACTOR));
                self.requests.push_back(BitrateRequest::Probe { rate, duration: PROBE_LENGTH });
                self.probe = Probe::Running { until: now + PROBE_WITHIN };
                self.look_away(now + PROBE_LENGTH + BLIND);
            }
            Probe::Running { until } if now >= until => self.on_probed(now, None),
            Probe::Due(_) | Probe::Running { .. } | Probe::Done { .. } => {}
        }
    }

    fn look_away(&mut self, now: Instant) {
        self.blind_until = now + BLIND;
        self.queue.forget_recent();
        self.trains.clear();
        self.received.clear();
    }

    fn decide(&mut self, now: Instant) {
        let queue = self.queue.now();
        let link = self.link(now).map(|link| link.bps() as f64);
        let settled = |since: Instant, time| now.saturating_duration_since(since) >= time;
        self.lift_ceiling(link);
        if queue.is_some_and(|queue| queue >= QUEUE) && !self.queue.is_falling() {
            if settled(self.fell_at, BETWEEN_FALLS) {
                self.fall(now, link);
            }
        } else if self.is_starved(now) && settled(self.fell_at, BETWEEN_FALLS * 2) {
            self.set(now, self.asked.bps() as f64 * STARVING);
        } else if self.loss.is_bad(now) && settled(self.fell_at, BETWEEN_FALLS * 2) {
            self.loss.cut(now);
            self.set(now, self.asked.bps() as f64 * DRAINING);
        } else if queue.is_some_and(|queue| queue < NO_QUEUE)
            && self.loss.is_calm()
            && settled(self.rose_at, BETWEEN_RISES)
            && settled(self.fell_at, CALM_AFTER_FALL)
        {
            self.rise(now, link);
        }
    }

    /// Datagrams arrive, and no frame has become whole of them for a while.
    fn is_starved(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.whole_at) >= STARVED_AFTER
            && self.arriving().is_some_and(|arriving| arriving > self.asked.bps() as f64 / 4.0)
    }

    /// A queue grows.
    fn fall(&mut self, now: Instant, link: Option<f64>) {
        let asked = self.asked.bps() as f64;
        let Some(arriving) = self.arriving() else { return };
        let through = link.map_or(arriving, |link| link.min(arriving));
        let share = link.map_or(asked / 2.0 * self.ratio(), |link| link * SHARE);
        if self.trains.rate(now).is_none()
            && let Probe::Done { found } = &mut self.probe
        {
            // The path is not what it was when it was tested.
            *found = None;
        }
        if link.is_none_or(|link| asked * self.ratio() < link * 0.9) {
            if self.ceiling.is_some() && self.rose_at > self.fell_at {
                self.patience = (self.patience * 2).min(PATIENCE.1);
            }
            self.ceiling = Some(Ceiling { wire: through, until: now + self.patience, link: link.unwrap_or(0.0) });
        }
        let wanted = (through * DRAINING).max(share) / self.ratio();
        if wanted * WORTHWHILE < asked {
            self.set(now, wanted);
        }
    }

    /// There is no queue.
    fn rise(&mut self, now: Instant, link: Option<f64>) {
        let asked = self.asked.bps() as f64;
        let in_use = self.arriving().is_some_and(|arriving| arriving > asked * 0.6);
        let mut wanted = match link {
            Some(link) => (link * USED / self.ratio()).min(asked * STEP),
            None if in_use => asked * SMALL_STEP,
            None => return,
        };
        if let Some(ceiling) = self.ceiling {
            let below = ceiling.wire * 0.95 / self.ratio();
            wanted = if now < ceiling.until { wanted.min(below) } else { wanted.min(asked * SMALL_STEP) };
        }
        if wanted > asked * WORTHWHILE {
            self.set(now, wanted);
        }
    }

    /// The path is another than the one that had a ceiling.
    fn lift_ceiling(&mut self, link: Option<f64>) {
        let another = |then: f64, now: f64| now > then * 1.25 || now < then * 0.75;
        if let (Some(ceiling), Some(link)) = (self.ceiling, link)
            && another(ceiling.link, link)
        {
            (self.ceiling, self.patience) = (None, PATIENCE.0);
        }
    }

    fn set(&mut self, now: Instant, bps: f64) {
        let kbps = (bps / 1_000.0).clamp(0.0, f64::from(u32::MAX)) as u32;
        let rate = Bitrate::from_kbps(kbps).clamp(self.limits.least, self.limits.most);
        let at = if rate < self.asked { &mut self.fell_at } else { &mut self.rose_at };
        *at = now;
        if rate != self.asked {
            self.asked = rate;
            self.answer = Answer::Awaited { since: now, times: 1 };
            self.requests.push_back(BitrateRequest::Set(rate));
            self.changes += 1;
        }
    }

    /// The rate at which IP packets arrive now.
    fn arriving(&self) -> Option<f64> {
        let ((newest, after), (oldest, before)) = (self.received.front()?, self.received.back()?);
        let time = newest.saturating_duration_since(*oldest);
        let bytes = after.wire_bytes.saturating_sub(before.wire_bytes);
        (time >= TICK * 2).then(|| bytes as f64 * 8.0 / time.as_secs_f64())
    }

    /// Bytes on the wire for each byte of a frame: headers and parity.
    fn ratio(&self) -> f64 {
        (self.carried.0 / self.carried.1.max(1.0)).clamp(1.03, 2.5)
    }
}

impl LossWatch {
    fn note(&mut self, now: Instant, lost: u64) {
        if now < self.period_ends {
            return;
        }
        self.period_ends = now + PERIOD;
        self.bad = if lost > self.lost_before { self.bad + 1 } else { 0 };
        self.cuts = if self.bad == 0 { 0 } else { self.cuts };
        self.lost_before = lost;
    }

    fn is_bad(&self, now: Instant) -> bool {
        self.bad >= BAD_PERIODS && now >= self.deaf_until
    }

    fn is_calm(&self) -> bool {
        self.bad < BAD_PERIODS
    }

    /// The rate is cut on account of losses.
    fn cut(&mut self, now: Instant) {
        self.cuts += 1;
        if self.cuts >= CUTS {
            self.deaf_until = now + DEAF;
        }
    }
}

#[cfg(test)]
mod tests;
