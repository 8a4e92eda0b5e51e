//! What a Moonlight client says while it streams, brought to the session's threads and its display.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use punktfunk_gamestream::{
    control::{ClientMessage, EndReason},
    input::{ClientInput, Modifiers},
};
use punktfunk_proto::wire::CloseCode;
use tokio::sync::watch;

use super::control::ControlPeer;
use crate::supervisor::LiveSession;

/// Whether the client is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Not yet.
    Expected,
    /// Its control connection stands.
    Connected,
    /// It has left.
    Gone,
}

/// One client's control messages on their way to its session.
pub struct MoonlightPeer {
    session: OnceLock<Arc<LiveSession>>,
    presence: watch::Sender<Presence>,
    modifiers: Mutex<Modifiers>,
    /// Data shards that did not arrive.
    lost: AtomicU64,
    /// Whether it has sent its first message.
    began: AtomicBool,
    /// Whether it asked for a repair.
    asked: AtomicBool,
    /// Input events that no seat has a word for, and damaged ones.
    ignored: AtomicU64,
    /// Microseconds.
    rtt: AtomicU64,
}

impl MoonlightPeer {
    /// A client that is not there yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            session: OnceLock::new(),
            presence: watch::channel(Presence::Expected).0,
            modifiers: Mutex::default(),
            lost: AtomicU64::new(0),
            began: AtomicBool::new(false),
            asked: AtomicBool::new(false),
            ignored: AtomicU64::new(0),
            rtt: AtomicU64::new(0),
        })
    }

    /// Its messages reach this session from now on.
    pub fn attach(&self, session: Arc<LiveSession>) {
        let _ = self.session.set(session);
    }

    /// Whether it is there, now and later.
    pub fn presence(&self) -> watch::Receiver<Presence> {
        self.presence.subscribe()
    }

    /// What was lost since the last call, of so many datagrams sent, in parts per million. As with our own clients a frame
    /// that was lost altogether adds a flat share (spec of `punktfunk/1`, section 2.5).
    pub fn take_loss(&self, sent: u64) -> u32 {
        let (lost, asked) = (self.lost.swap(0, Relaxed), self.asked.swap(false, Relaxed));
        let share = lost.saturating_mul(1_000_000) / sent.max(1);
        let flat = if asked { LOST_FRAME_PPM } else { 0 };
        u32::try_from(share).unwrap_or(u32::MAX).saturating_add(flat).min(1_000_000)
    }

    /// Input events that were passed over: those of devices that this host does not have yet, and damaged ones.
    pub fn ignored(&self) -> u64 {
        self.ignored.load(Relaxed)
    }

    /// The round trip of the control connection while it stands.
    pub fn rtt(&self) -> Option<Duration> {
        let is_there = *self.presence.borrow() == Presence::Connected;
        is_there.then(|| Duration::from_micros(self.rtt.load(Relaxed)))
    }

    fn input(&self, session: &LiveSession, payload: &[u8]) {
        let event = match ClientInput::parse(payload) {
            Ok(event) => event,
            Err(error) => {
                tracing::debug!(%error, "an input event");
                self.ignored.fetch_add(1, Relaxed);
                return;
            }
        };
        if let ClientInput::Key { vk, pressed, modifiers } = event {
            let stroke = self.modifiers.lock().unwrap_or_else(PoisonError::into_inner).stroke(vk, pressed, modifiers);
            return stroke.iter().flatten().for_each(|event| session.input.handle(event));
        }
        match event.seat_event() {
            Some(event) => session.input.handle(&event),
            None => drop(self.ignored.fetch_add(1, Relaxed)),
        }
    }
}

impl ControlPeer for MoonlightPeer {
    fn connected(&self) {
        self.presence.send_replace(Presence::Connected);
    }

    fn round_trip(&self, time: Duration) {
        self.rtt.store(time.as_micros() as u64, Relaxed);
    }

    fn message(&self, message: &ClientMessage<'_>) {
        let Some(session) = self.session.get() else { return };
        match *message {
            // The first begins the session, with an IDR in any case.
            ClientMessage::RequestIdr if self.began.swap(true, Relaxed) => {
                self.asked.store(true, Relaxed);
                session.pipeline.request_repair();
            }
            // Clients count frames from 1, the encoder from 0.
            ClientMessage::FramesLost { first, last } => {
                self.asked.store(true, Relaxed);
                session.pipeline.frames_lost(first.wrapping_sub(1), last.wrapping_sub(1));
            }
            ClientMessage::Input(payload) => self.input(session, payload),
            ClientMessage::Fec(report) => drop(self.lost.fetch_add(report.lost().into(), Relaxed)),
            ClientMessage::RequestIdr
            | ClientMessage::Begin
            | ClientMessage::KeepAlive
            | ClientMessage::ReferenceArrived(_)
            | ClientMessage::Unknown(_) => {}
        }
    }

    fn gone(&self) {
        self.presence.send_replace(Presence::Gone);
    }
}

/// What a frame that was lost altogether counts for.
const LOST_FRAME_PPM: u32 = 50_000;

/// What a client is told when its session is closed with this code.
pub(crate) fn end_reason(code: CloseCode) -> EndReason {
    match code {
        CloseCode::SetupFailed | CloseCode::Failed => EndReason::EncodingFailed,
        _ => EndReason::Graceful,
    }
}
