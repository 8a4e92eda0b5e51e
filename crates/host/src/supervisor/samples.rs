//! A second of every running session, once a second while there is one.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use punktfunk_api::{HostEvent, model::SessionSample};

use super::{LiveSession, SessionId, Supervisor, host_clock};
use crate::session::stats::StatsReading;

/// The last two minutes of a session.
#[derive(Debug)]
pub struct Samples {
    kept: VecDeque<SessionSample>,
    before: StatsReading,
    at: Instant,
}

/// Seconds that are kept.
const KEPT: usize = 120;

impl Samples {
    /// Of a session that begins now.
    pub(super) fn new(now: Instant) -> Self {
        Self { kept: VecDeque::with_capacity(KEPT), before: StatsReading::default(), at: now }
    }

    fn take(&mut self, session: &LiveSession, now: Instant) -> SessionSample {
        let reading = session.pipeline.stats();
        let since = |now: u64, before: u64| u32::try_from(now.saturating_sub(before)).unwrap_or(u32::MAX);
        let millis = now.saturating_duration_since(self.at).as_millis().max(1) as u64;
        let bytes = reading.bytes_encoded.saturating_sub(self.before.bytes_encoded);
        let stages = session.pipeline.take_stages();
        let sample = SessionSample {
            session: session.id.0,
            unix_ms: host_clock().nanos() / 1_000_000,
            frames_captured: since(reading.frames_captured, self.before.frames_captured),
            frames_dropped: since(reading.frames_dropped, self.before.frames_dropped),
            frames_sent: since(reading.units_encoded, self.before.units_encoded),
            video_kbps: u32::try_from(bytes.saturating_mul(8) / millis).unwrap_or(u32::MAX),
            target_kbps: reading.bitrate_kbps,
            fec_percent: u8::try_from(reading.fec_percent).unwrap_or(u8::MAX),
            loss_ppm: reading.loss_ppm,
            rtt_us: (session.rtt)().map_or(0, |rtt| u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX)),
            capture: stages.capture,
            encode: stages.encode,
            send: stages.send,
        };
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(sample.clone());
        (self.before, self.at) = (reading, now);
        sample
    }
}

impl Supervisor {
    /// The last two minutes of a running session, oldest first.
    pub(super) fn samples_of(&self, session: u64) -> Vec<SessionSample> {
        let session = self.sessions().find(SessionId(session));
        session.map(|session| session.samples().kept.iter().cloned().collect()).unwrap_or_default()
    }

    /// Takes samples for as long as the host runs; sleeps without a timer while no session does.
    pub async fn keep_samples(self: Arc<Self>) {
        loop {
            // Registered before looking: a session that begins in between wakes it.
            let began = self.session_began.notified();
            if self.sessions().all().is_empty() {
                began.await;
                continue;
            }
            tokio::time::sleep(PERIOD).await;
            let now = Instant::now();
            let live = self.sessions().all();
            let samples: Vec<_> = live.iter().map(|session| session.samples().take(session, now)).collect();
            if !samples.is_empty() {
                self.tell(HostEvent::Samples(samples));
            }
        }
    }
}

impl LiveSession {
    fn samples(&self) -> std::sync::MutexGuard<'_, Samples> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const PERIOD: Duration = Duration::from_secs(1);
