//! Host and client media sessions, a stream between them, and what became of it.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use punktfunk_proto::{
    crypto::MediaKeys,
    fec::FecScheme,
    session::{
        client_media::{ClientMedia, ClientMediaEvent},
        host_media::{AccessUnit, HostMedia},
        media::MediaParams,
    },
    units::{Bitrate, HostTime},
    video::{
        UnitKind,
        loss::FecController,
        order::Gap,
        recovery::{HostRecovery, NextUnit},
    },
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::{Link, Weather};

/// The stream that is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    pub(crate) bitrate: Bitrate,
    pub(crate) frames_per_second: u32,
    pub(crate) length: Duration,
    /// Whether the encoder answers losses by anchors; else by IDRs, four times as large as other frames.
    pub(crate) can_invalidate: bool,
}

/// What became of a stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) sent: u32,
    pub(crate) delivered: u32,
    /// Frames the client missed.
    pub(crate) lost: u32,
    /// Frames that needed parity.
    pub(crate) restored: u32,
    /// Delivered, but not shown: decoded between a loss and its repair.
    pub(crate) hidden: u32,
    /// From each loss being noticed to the picture being good again.
    pub(crate) repairs: Vec<Duration>,
    /// When the last of them was done, after the start.
    pub(crate) last_repair: Duration,
    /// Whether the stream ended with a good picture.
    pub(crate) good_at_end: bool,
    /// Parity and padding, as a share of the stream.
    pub(crate) overhead: f64,
}

impl Outcome {
    pub(crate) fn longest_repair(&self) -> Duration {
        self.repairs.iter().copied().max().unwrap_or_default()
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { sent, delivered, lost, restored, hidden, .. } = self;
        write!(
            f,
            "{sent} frames sent, {delivered} delivered, {lost} lost, {restored} restored by parity, {hidden} not shown; \
             {} repairs, longest {:?}; overhead {:.1} %",
            self.repairs.len(),
            self.longest_repair(),
            self.overhead * 100.0,
        )
    }
}

pub(crate) struct Pair {
    stream: Stream,
    start: Instant,
    now: Instant,
    host: HostMedia,
    recovery: HostRecovery,
    fec: FecController,
    client: ClientMedia,
    media: Link,
    latency: Duration,
    /// The control stream from client to host: reliable, in order.
    control: VecDeque<(Instant, ClientMediaEvent)>,
    contents: Contents,
    /// From when on which weather.
    change: Option<(Duration, Weather)>,
    broken_since: Option<Instant>,
    out: Vec<u8>,
    outcome: Outcome,
}

impl Pair {
    pub(crate) fn new(stream: Stream, weather: Weather, seed: u64) -> Self {
        let params = MediaParams {
            fec_scheme: FecScheme::Gf16,
            fec_percent: 10,
            max_block_shards: 4_096,
            shard_payload: 1_408,
            keys: Some(MediaKeys::aes128_gcm([7; 16], [1, 2, 3, 4])),
            max_frame_bytes: 8 << 20,
        };
        let start = Instant::now();
        let mut host = HostMedia::new(params.clone()).unwrap();
        host.set_bitrate(stream.bitrate);
        Self {
            stream,
            start,
            now: start,
            host,
            recovery: HostRecovery::new(stream.can_invalidate),
            fec: FecController::new(params.fec_percent),
            client: ClientMedia::new(params).unwrap(),
            media: Link::new(weather, seed),
            latency: weather.latency,
            control: VecDeque::new(),
            contents: Contents::new(seed),
            change: None,
            broken_since: None,
            out: Vec::new(),
            outcome: Outcome::default(),
        }
    }

    /// Lets the weather change so long after the start.
    pub(crate) fn changing(mut self, at: Duration, weather: Weather) -> Self {
        self.change = Some((at, weather));
        self
    }

    /// Plays the whole stream and two seconds more, for what is still under way.
    pub(crate) fn run(mut self) -> Outcome {
        let period = Duration::from_secs(1) / self.stream.frames_per_second;
        let end = self.start + self.stream.length;
        let mut idle = 0;
        let frames = self.stream.length.as_secs() as u32 * self.stream.frames_per_second;
        while self.now < end + Duration::from_secs(2) {
            if let Some((_, weather)) = self.change.take_if(|(at, _)| self.now - self.start >= *at) {
                self.media.change(weather);
            }
            // A still picture is captured again when the client needs it.
            let wanted = self.outcome.sent < frames || self.recovery.next_unit(self.now) != NextUnit::Delta;
            if wanted && self.now >= self.start + period * self.outcome.sent {
                self.capture();
            }
            self.exchange();
            let wanted = self.outcome.sent < frames || self.recovery.next_unit(self.now) != NextUnit::Delta;
            let frame = wanted.then(|| self.now.max(self.start + period * self.outcome.sent));
            let control = self.control.front().map(|(at, _)| *at);
            let parts = [
                frame,
                control,
                self.media.next_arrival(),
                self.host.poll_timeout(),
                self.recovery.poll_timeout().filter(|at| *at > self.now),
                self.client.poll_timeout(),
            ];
            let next = parts.into_iter().flatten().min().unwrap_or(end + Duration::from_secs(2));
            idle = if next > self.now { 0 } else { idle + 1 };
            assert!(idle < 3, "a timeout that is over does nothing");
            self.now = next;
        }
        let stats = self.client.stats();
        self.outcome.lost = self.outcome.sent - self.outcome.delivered;
        self.outcome.good_at_end = self.broken_since.is_none();
        self.outcome.overhead =
            self.host.stats().datagrams as f64 * 1_408.0 / self.host.stats().frame_bytes as f64 - 1.0;
        assert_eq!(stats.refused.not_authentic + stats.refused.geometry + stats.refused.disagreement, 0);
        self.outcome
    }

    fn capture(&mut self) {
        let (kind, weight) = match self.recovery.next_unit(self.now) {
            NextUnit::Delta => (UnitKind::Delta, 1),
            NextUnit::Idr => (UnitKind::Idr, 4),
            NextUnit::Anchor(_) => (UnitKind::RecoveryAnchor, 1),
        };
        let (kind, weight) = if self.outcome.sent == 0 { (UnitKind::Idr, 4) } else { (kind, weight) };
        let average = self.stream.bitrate.bps() / 8 / u64::from(self.stream.frames_per_second);
        let bytes = self.contents.of(self.host.next_frame_index(), average as usize * weight);
        let pts = HostTime::from_nanos((self.now - self.start).as_nanos() as u64);
        let index = self.host.submit(self.now, AccessUnit { bytes, pts, kind }).unwrap();
        self.recovery.on_submitted(self.now, index, kind);
        self.outcome.sent += 1;
    }

    /// Moves everything that is due now.
    fn exchange(&mut self) {
        while self.control.front().is_some_and(|(at, _)| *at <= self.now) {
            let message = self.control.pop_front();
            message.into_iter().for_each(|(_, message)| self.on_control(message));
        }
        while let Some(batch) = self.host.poll_transmit(self.now, &mut self.out) {
            self.out.chunks(batch.segment).for_each(|datagram| self.media.send(self.now, datagram));
            self.out.clear();
        }
        while let Some(mut datagram) = self.media.receive(self.now) {
            // Replayed and too old datagrams are refused; Pair::run looks for reasons that must not occur.
            let _ = self.client.handle_datagram(self.now, &mut datagram);
            self.media.reuse(datagram);
            self.observe();
        }
        if self.client.poll_timeout().is_none_or(|at| at <= self.now) {
            self.client.handle_timeout(self.now);
            self.observe();
        }
    }

    fn on_control(&mut self, message: ClientMediaEvent) {
        match message {
            ClientMediaEvent::RequestKeyframe => {
                self.fec.on_recovery_request();
                self.recovery.request_keyframe();
            }
            ClientMediaEvent::RequestRfi { first, last } => {
                self.fec.on_recovery_request();
                self.recovery.request_invalidation(self.now, Gap { first, last }, self.host.next_frame_index());
            }
            ClientMediaEvent::LossReport { ppm } => self.host.set_fec_percent(self.fec.on_report(ppm)),
            ClientMediaEvent::FrameLost { .. } => {}
        }
    }

    fn observe(&mut self) {
        while let Some(event) = self.client.poll_event() {
            if let ClientMediaEvent::FrameLost { .. } = event {
                self.broken_since.get_or_insert(self.now);
            }
            self.control.push_back((self.now + self.latency, event));
        }
        while let Some(unit) = self.client.poll_unit() {
            assert_eq!(unit.bytes, self.contents.of(unit.frame_index, unit.bytes.len()), "frame {}", unit.frame_index);
            self.outcome.delivered += 1;
            self.outcome.restored += u32::from(unit.recovered_shards > 0);
            self.outcome.hidden += u32::from(!unit.shown);
            if unit.shown
                && let Some(since) = self.broken_since.take()
            {
                self.outcome.repairs.push(self.now - since);
                self.outcome.last_repair = self.now - self.start;
            }
        }
    }
}

/// Frames that both sides know: windows into a long run of random bytes, sizes within a quarter of the average.
struct Contents {
    bytes: Vec<u8>,
    seed: u64,
}

impl Contents {
    fn new(seed: u64) -> Self {
        let mut bytes = vec![0; 1 << 20];
        StdRng::seed_from_u64(seed).fill(&mut bytes[..]);
        Self { bytes, seed }
    }

    fn of(&self, index: u32, average: usize) -> &[u8] {
        let mut rng = StdRng::seed_from_u64(self.seed ^ u64::from(index) << 20);
        let start = rng.random_range(0..1 << 18);
        &self.bytes[start..][..average]
    }
}
