//! Host and client media sessions and a stream between them.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::{Link, Outcome, Weather, rival::Rival};
use crate::{
    bitrate::{BitrateController, BitrateRequest, Limits},
    crypto::MediaKeys,
    fec::FecScheme,
    session::{
        client_media::{ClientMedia, ClientMediaEvent},
        host_media::{HostMedia, Protection},
        media::{BLOCK_SHARDS, FEC_PERCENT_CEILING, MediaParams},
    },
    units::{Bitrate, HostTime},
    video::{
        Streaming, UnitKind,
        order::Gap,
        recovery::{HostRecovery, NextUnit},
    },
};

/// The stream that is sent.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    /// Its rate without parity.
    pub bitrate: Bitrate,
    /// Pictures per second.
    pub frames_per_second: u32,
    /// How long it runs.
    pub length: Duration,
    /// Whether the encoder answers losses by anchors; else by IDRs, four times as large as other frames.
    pub can_invalidate: bool,
    /// Parity to begin with, in percent.
    pub fec_percent: u8,
    /// Whether parity follows the losses.
    pub adaptive: bool,
    /// How long the encoder takes for a picture; less than from one to the next.
    pub encode_time: Duration,
    /// Into how many slices it cuts them, and how these leave while it is still at work; else pictures leave whole.
    pub slices: Option<(u32, Streaming)>,
    /// Between what rates the client chooses, beginning with `bitrate`; else `bitrate` stays.
    pub auto: Option<Limits>,
}

/// Twenty megabits of sixty pictures a second for a minute, at 10 % parity to begin with.
impl Default for Stream {
    fn default() -> Self {
        Self {
            bitrate: Bitrate::from_mbps(20),
            frames_per_second: 60,
            length: Duration::from_secs(60),
            can_invalidate: true,
            fec_percent: 10,
            adaptive: true,
            encode_time: Duration::ZERO,
            slices: None,
            auto: None,
        }
    }
}

/// A stream on its way.
pub struct Simulation {
    stream: Stream,
    start: Instant,
    now: Instant,
    host: HostMedia,
    recovery: HostRecovery,
    client: ClientMedia,
    media: Link,
    latency: Duration,
    /// The control stream from client to host: reliable, in order.
    control: VecDeque<(Instant, ToHost)>,
    /// And from host to client: rates in force.
    answers: VecDeque<(Instant, Bitrate)>,
    controller: Option<BitrateController>,
    /// The rate in force.
    bitrate: Bitrate,
    rival: Option<Rival>,
    /// When the rival comes and goes, after the start.
    rival_times: Option<(Duration, Duration)>,
    contents: Contents,
    encoder: Option<Encoding>,
    /// From when on which weather, the latest first.
    changes: Vec<(Duration, Weather)>,
    broken_since: Option<Instant>,
    /// Capture time of each frame, until it is delivered.
    captured: Vec<Option<Instant>>,
    out: Vec<u8>,
    outcome: Outcome,
}

/// A message to the host.
enum ToHost {
    Media(ClientMediaEvent),
    SetBitrate(Bitrate),
}

/// A picture in the encoder.
struct Encoding {
    bytes: Vec<u8>,
    kind: UnitKind,
    captured: Instant,
    /// Slices that left.
    done: u32,
}

/// How long the link is watched after the last frame.
const REST: Duration = Duration::from_secs(2);

impl Simulation {
    /// A stream that begins at `start`, which only names the origin of the virtual clock.
    pub fn new(start: Instant, stream: Stream, weather: Weather, seed: u64) -> Self {
        let params = MediaParams {
            fec_scheme: FecScheme::Gf16,
            fec_percent: FEC_PERCENT_CEILING,
            max_block_shards: BLOCK_SHARDS,
            shard_payload: 1_408,
            keys: Some(MediaKeys::aes128_gcm([7; 16], [1, 2, 3, 4])),
            max_frame_bytes: 8 << 20,
        };
        let mut host = HostMedia::new(params.clone()).expect("parameters every host announces");
        host.set_bitrate(stream.bitrate);
        host.set_fec_percent(stream.fec_percent);
        if !stream.adaptive {
            host.set_protection(Protection::Uniform);
        }
        Self {
            stream,
            start,
            now: start,
            host,
            recovery: HostRecovery::new(stream.can_invalidate),
            client: ClientMedia::new(params).expect("parameters every host announces"),
            media: Link::new(weather, seed),
            latency: weather.latency,
            control: VecDeque::new(),
            answers: VecDeque::new(),
            controller: stream.auto.map(|limits| BitrateController::new(start, stream.bitrate, limits)),
            bitrate: stream.bitrate,
            rival: None,
            rival_times: None,
            contents: Contents::new(seed),
            encoder: None,
            changes: Vec::new(),
            broken_since: None,
            captured: Vec::new(),
            out: Vec::new(),
            outcome: Outcome::default(),
        }
    }

    /// Lets the weather change so long after the start.
    pub fn changing(mut self, at: Duration, weather: Weather) -> Self {
        self.changes.push((at, weather));
        self.changes.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        self
    }

    /// Lets a download share the link from one time after the start to another.
    pub fn sharing(mut self, from: Duration, to: Duration) -> Self {
        self.rival_times = Some((from, to));
        self
    }

    /// Plays the whole stream and two seconds more, for what is still under way.
    pub fn run(mut self) -> Outcome {
        let end = self.start + self.stream.length + REST;
        let mut idle = 0;
        while self.now < end {
            while let Some((_, weather)) = self.changes.pop_if(|(at, _)| self.now - self.start >= *at) {
                self.media.change(weather);
            }
            self.let_rival_act();
            if self.next_capture().is_some_and(|at| at <= self.now) {
                self.capture();
            }
            while self.slice_due().is_some_and(|at| at <= self.now) {
                self.encode_slice();
            }
            self.exchange();
            let next = self.next_event().unwrap_or(end).min(end);
            idle = if next > self.now { 0 } else { idle + 1 };
            assert!(idle < 3, "a timeout that is over does nothing");
            self.now = next;
        }
        self.conclude()
    }

    fn conclude(mut self) -> Outcome {
        let (host, outcome) = (self.host.stats(), &mut self.outcome);
        let lost = self.captured.iter().flatten();
        outcome.lost_at = lost.map(|at| *at - self.start).filter(|at| *at < self.stream.length).collect();
        outcome.good_at_end = self.broken_since.is_none();
        outcome.overhead = host.datagrams as f64 * 1_408.0 / host.frame_bytes.max(1) as f64 - 1.0;
        outcome.datagrams = self.media.counts();
        outcome.added.sort_unstable();
        let refused = self.client.stats().refused;
        outcome.damaged += (refused.not_authentic + refused.geometry + refused.disagreement) as u32;
        self.outcome
    }

    /// When the next picture is taken. A still picture is captured again when the client needs it.
    fn next_capture(&self) -> Option<Instant> {
        let period = Duration::from_secs(1) / self.stream.frames_per_second;
        let frames = self.stream.length.as_secs() as u32 * self.stream.frames_per_second;
        let wanted = self.outcome.sent < frames || self.recovery.next_unit(self.now) != NextUnit::Delta;
        wanted.then(|| self.start + period * self.outcome.sent)
    }

    fn next_event(&self) -> Option<Instant> {
        let parts = [
            self.next_capture().map(|at| at.max(self.now)),
            self.slice_due(),
            self.answers.front().map(|(at, _)| *at),
            self.controller.as_ref().map(|controller| controller.poll_timeout().max(self.now)),
            self.rival_due(),
            self.control.front().map(|(at, _)| *at),
            self.media.next_arrival(),
            self.host.poll_timeout(),
            self.recovery.poll_timeout().filter(|at| *at > self.now),
            self.client.poll_timeout(),
        ];
        parts.into_iter().flatten().min()
    }

    fn let_rival_act(&mut self) {
        let Some((from, to)) = self.rival_times else { return };
        let elapsed = self.now - self.start;
        if elapsed >= from && elapsed < to {
            let rival = self.rival.get_or_insert_with(|| Rival::new(self.now, self.latency));
            rival.act(self.now, &mut self.media);
            self.outcome.rival_bytes = rival.delivered();
        } else {
            self.rival = None;
        }
    }

    fn rival_due(&self) -> Option<Instant> {
        match (&self.rival, self.rival_times) {
            (Some(rival), _) => rival.next(),
            (None, Some((from, _))) => Some(self.start + from).filter(|at| *at > self.now),
            (None, None) => None,
        }
    }

    /// The client's bitrate control, and the host's answers to it.
    fn control_bitrate(&mut self) {
        let Some(controller) = &mut self.controller else { return };
        while let Some((_, rate)) = self.answers.pop_front_if(|(at, _)| *at <= self.now) {
            controller.on_bitrate_changed(rate);
        }
        controller.handle_timeout(self.now, self.client.stats().totals());
        while let Some(request) = controller.poll_request() {
            if let BitrateRequest::Set(rate) = request {
                self.control.push_back((self.now + self.latency, ToHost::SetBitrate(rate)));
            }
        }
    }

    fn capture(&mut self) {
        let (kind, weight) = match self.recovery.next_unit(self.now) {
            NextUnit::Delta => (UnitKind::Delta, 1),
            NextUnit::Idr => (UnitKind::Idr, 4),
            NextUnit::Anchor(_) => (UnitKind::RecoveryAnchor, 1),
        };
        let (kind, weight) = if self.outcome.sent == 0 { (UnitKind::Idr, 4) } else { (kind, weight) };
        let average = self.bitrate.bps() / 8 / u64::from(self.stream.frames_per_second);
        let bytes = self.contents.of(self.host.next_frame_index(), average as usize * weight).to_vec();
        self.encoder = Some(Encoding { bytes, kind, captured: self.now, done: 0 });
        self.captured.push(Some(self.now));
        self.outcome.sent += 1;
        if self.outcome.sent.is_multiple_of(self.stream.frames_per_second) {
            self.outcome.fec_percents.push(self.host.fec_percent());
        }
    }

    /// When the encoder's next slice is done.
    fn slice_due(&self) -> Option<Instant> {
        let encoding = self.encoder.as_ref()?;
        let slices = self.stream.slices.map_or(1, |(slices, _)| slices);
        Some(encoding.captured + self.stream.encode_time * (encoding.done + 1) / slices)
    }

    fn encode_slice(&mut self) {
        const ROOM: &str = "frames leave before the next comes";
        let Some(mut encoding) = self.encoder.take() else { return };
        let pts = HostTime::from_nanos((encoding.captured - self.start).as_nanos() as u64);
        let Some((slices, streaming)) = self.stream.slices else {
            let index = self.host.submit_buffer(self.now, pts, encoding.kind, &mut encoding.bytes).expect(ROOM);
            self.recovery.on_submitted(self.now, index, encoding.kind);
            return;
        };
        if encoding.done == 0 {
            let index = self.host.begin_unit(self.now, pts, encoding.kind, streaming).expect(ROOM);
            self.recovery.on_submitted(self.now, index, encoding.kind);
        }
        let slice = encoding.bytes.chunks(encoding.bytes.len().div_ceil(slices as usize)).nth(encoding.done as usize);
        self.host.push_slice(slice.unwrap_or_default()).expect("a unit is open");
        encoding.done += 1;
        if encoding.done == slices {
            self.host.finish_unit(self.now).expect("a unit is open");
        } else {
            self.encoder = Some(encoding);
        }
    }

    /// Moves everything that is due now.
    fn exchange(&mut self) {
        while let Some((_, message)) = self.control.pop_front_if(|(at, _)| *at <= self.now) {
            self.on_control(message);
        }
        while let Some(batch) = self.host.poll_transmit(self.now, &mut self.out) {
            self.out.chunks(batch.segment).for_each(|datagram| self.media.send(self.now, datagram));
            self.out.clear();
        }
        while let Some(mut datagram) = self.media.receive(self.now) {
            let tenth = ((self.now - self.start).as_millis() / 100) as usize;
            self.outcome.arrived.resize(self.outcome.arrived.len().max(tenth + 1), 0);
            self.outcome.arrived[tenth] += datagram.len() as u64 + 28;
            // Replayed and too old datagrams are refused; reasons that must not occur are counted at the end.
            let _ = self.client.handle_datagram(self.now, &mut datagram);
            self.media.reuse(datagram);
            if let (Some(controller), Some(begun)) = (&mut self.controller, self.client.take_begun()) {
                controller.on_begun(begun);
            }
            self.observe();
        }
        if self.client.poll_timeout().is_none_or(|at| at <= self.now) {
            self.client.handle_timeout(self.now);
            self.observe();
        }
        self.control_bitrate();
    }

    fn on_control(&mut self, message: ToHost) {
        let message = match message {
            ToHost::Media(message) => message,
            ToHost::SetBitrate(rate) => {
                self.bitrate = rate;
                self.host.set_bitrate(rate);
                self.outcome.bitrates.push((self.now - self.start, rate));
                self.answers.push_back((self.now + self.latency, rate));
                return;
            }
        };
        match message {
            ClientMediaEvent::RequestKeyframe => self.recovery.request_keyframe(),
            ClientMediaEvent::RequestRfi { first, last } => {
                self.recovery.request_invalidation(self.now, Gap { first, last }, self.host.next_frame_index());
            }
            ClientMediaEvent::LossReport { ppm } if self.stream.adaptive => self.host.on_loss_report(ppm),
            ClientMediaEvent::LossReport { .. } | ClientMediaEvent::FrameLost { .. } => return,
        }
        if self.stream.adaptive && !matches!(message, ClientMediaEvent::LossReport { .. }) {
            self.host.on_recovery_request();
        }
    }

    fn observe(&mut self) {
        while let Some(event) = self.client.poll_event() {
            if let ClientMediaEvent::FrameLost { .. } = event {
                self.broken_since.get_or_insert(self.now);
            }
            self.control.push_back((self.now + self.latency, ToHost::Media(event)));
        }
        while let Some(unit) = self.client.poll_unit() {
            if let Some(controller) = &mut self.controller {
                controller.on_unit(&unit.arrival());
            }
            let sound = unit.bytes == self.contents.of(unit.frame_index, unit.bytes.len());
            self.outcome.damaged += u32::from(!sound);
            self.outcome.delivered += 1;
            self.outcome.restored += u32::from(unit.recovered_shards > 0);
            self.outcome.hidden += u32::from(!unit.shown);
            if let Some(captured) = self.captured.get_mut(unit.frame_index as usize).and_then(Option::take) {
                self.outcome.added.push((self.now - captured).saturating_sub(self.latency));
            }
            if unit.shown
                && let Some(since) = self.broken_since.take()
            {
                self.outcome.repairs.push(self.now - since);
                self.outcome.last_repair = self.now - self.start;
            }
        }
    }
}

/// Frames that both sides know: windows into a long run of random bytes.
struct Contents {
    bytes: Vec<u8>,
    seed: u64,
}

/// Where a frame's window may begin.
const STARTS: usize = 1 << 18;

impl Contents {
    fn new(seed: u64) -> Self {
        let mut bytes = vec![0; STARTS + (2 << 20)];
        StdRng::seed_from_u64(seed).fill(&mut bytes[..]);
        Self { bytes, seed }
    }

    fn of(&self, index: u32, length: usize) -> &[u8] {
        let mut rng = StdRng::seed_from_u64(self.seed ^ u64::from(index) << 20);
        let start = rng.random_range(0..STARTS);
        &self.bytes[start..][..length.min(self.bytes.len() - STARTS)]
    }
}
