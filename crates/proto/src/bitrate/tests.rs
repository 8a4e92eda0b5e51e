use std::time::{Duration, Instant};

use super::{Arrival, Begun, BitrateController, BitrateRequest, Limits, TICK, Totals};
use crate::units::{Bitrate, HostTime};

const FRAME: Duration = Duration::from_micros(16_667);
const LIMITS: Limits = Limits { least: Bitrate::from_mbps(1), most: Bitrate::from_mbps(100) };

/// A controller on a path that lets frames through at a rate of its own.
struct Rig {
    start: Instant,
    now: Instant,
    controller: BitrateController,
    totals: Totals,
    /// Whether the host answers.
    answers: bool,
    asked: Vec<BitrateRequest>,
}

impl Rig {
    fn new() -> Self {
        let start = Instant::now();
        Self {
            start,
            now: start,
            controller: BitrateController::new(start, Bitrate::from_mbps(20), LIMITS),
            totals: Totals::default(),
            answers: true,
            asked: Vec::new(),
        }
    }

    /// Frames of `bytes` for so long, on a path of this rate on which they wait for `waited`.
    fn play(&mut self, time: Duration, bytes: usize, path: Bitrate, waited: Duration) {
        let end = self.now + time;
        while self.now < end {
            let first_at = self.now + waited;
            let last_at = first_at + path.time_for(bytes);
            let pts = HostTime::from_nanos((self.now - self.start).as_nanos() as u64);
            self.controller.on_begun(Begun { pts, at: first_at });
            let (spread_bytes, sent_bytes) = (bytes, bytes * 11 / 10);
            self.controller.on_unit(&Arrival { pts, first_at, last_at, frame_bytes: bytes, spread_bytes, sent_bytes });
            self.totals.wire_bytes += bytes as u64 * 11 / 10;
            self.tick();
            self.now += FRAME;
        }
    }

    fn tick(&mut self) {
        self.controller.handle_timeout(self.now, self.totals);
        while let Some(request) = self.controller.poll_request() {
            if let BitrateRequest::Set(rate) = request
                && self.answers
            {
                self.controller.on_bitrate_changed(rate);
            }
            self.asked.push(request);
        }
    }
}

#[test]
fn a_fast_path_is_used_as_far_as_it_is_allowed() {
    let mut rig = Rig::new();
    rig.play(Duration::from_secs(3), 41_000, Bitrate::from_mbps(400), Duration::ZERO);
    assert_eq!(rig.controller.bitrate(), LIMITS.most);
    assert!(rig.controller.link(rig.now) >= Some(Bitrate::from_mbps(390)));
}

#[test]
fn a_host_that_allows_less_is_not_asked_for_more_again() {
    let mut rig = Rig::new();
    rig.answers = false;
    rig.play(Duration::from_millis(700), 41_000, Bitrate::from_mbps(400), Duration::ZERO);
    assert!(matches!(rig.asked[..], [BitrateRequest::Set(rate)] if rate == Bitrate::from_mbps(30)), "{:?}", rig.asked);
    rig.controller.on_bitrate_changed(Bitrate::from_mbps(25));
    rig.play(Duration::from_secs(3), 41_000, Bitrate::from_mbps(400), Duration::ZERO);
    assert_eq!((rig.asked.len(), rig.controller.bitrate()), (1, Bitrate::from_mbps(25)));
}

#[test]
fn a_host_that_never_answers_is_left_alone_after_three_requests() {
    let mut rig = Rig::new();
    rig.answers = false;
    rig.play(Duration::from_secs(20), 41_000, Bitrate::from_mbps(400), Duration::ZERO);
    assert_eq!(rig.asked, [BitrateRequest::Set(Bitrate::from_mbps(30)); 3]);
}

#[test]
fn a_path_of_small_frames_is_tested_once() {
    let mut rig = Rig::new();
    rig.play(Duration::from_secs(3), 900, Bitrate::from_mbps(400), Duration::ZERO);
    let probe = BitrateRequest::Probe { rate: Bitrate::from_mbps(80), duration: Duration::from_millis(150) };
    assert_eq!(rig.asked, [probe]);
    rig.controller.on_probed(rig.now, Some(Bitrate::from_mbps(70)));
    rig.play(Duration::from_secs(20), 900, Bitrate::from_mbps(400), Duration::ZERO);
    assert!(rig.asked[1..].iter().all(|request| matches!(request, BitrateRequest::Set(_))), "{:?}", rig.asked);
    let rate = rig.controller.bitrate();
    assert!((Bitrate::from_mbps(25)..=Bitrate::from_mbps(70)).contains(&rate), "{rate}");
}

#[test]
fn a_host_that_refuses_the_test_is_not_asked_again() {
    let mut rig = Rig::new();
    rig.play(Duration::from_secs(3), 900, Bitrate::from_mbps(400), Duration::ZERO);
    rig.controller.on_probed(rig.now, None);
    rig.play(Duration::from_secs(30), 900, Bitrate::from_mbps(400), Duration::ZERO);
    let probes = rig.asked.iter().filter(|request| matches!(request, BitrateRequest::Probe { .. })).count();
    assert_eq!(probes, 1);
}

#[test]
fn a_queue_that_is_not_ours_never_takes_more_than_half_of_the_path() {
    let mut rig = Rig::new();
    let path = Bitrate::from_mbps(40);
    rig.play(Duration::from_secs(2), 41_000, path, Duration::ZERO);
    for waited in 15..60 {
        rig.play(Duration::from_millis(200), 41_000, path, Duration::from_millis(waited));
    }
    let rate = rig.controller.bitrate();
    assert!(rate >= Bitrate::from_mbps(15), "{rate}");
    assert!(rate <= Bitrate::from_mbps(25), "{rate}");
}

#[test]
fn losses_that_a_lower_rate_does_not_end_cost_three_cuts_and_no_more() {
    let mut rig = Rig::new();
    for _ in 0..90 {
        rig.totals.frames_lost += 1;
        rig.play(Duration::from_millis(100), 41_000, Bitrate::from_mbps(22), Duration::ZERO);
    }
    assert!((3..=4).contains(&rig.asked.len()), "{:?}", rig.asked);
}

#[test]
fn ticks_without_frames_ask_for_nothing() {
    let mut rig = Rig::new();
    for _ in 0..30 {
        rig.now += TICK;
        rig.tick();
    }
    assert_eq!(rig.asked, []);
}
