//! The encode thread: takes the newest frame, converts and encodes it, hands the access unit to the send thread.
//!
//! Once per frame. Allocates nothing after warm-up: access units, or the slices of an encoder that hands them on as it
//! goes, are copied into buffers that come back from the send thread. While all of them are out it waits, and the display paints over what was not taken in time.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TryRecvError},
    },
    time::{Duration, Instant},
};

use punktfunk_proto::{
    session::host_control::HostCommand,
    units::{Bitrate, HostTime, Mode},
    video::{
        Streaming, UnitKind,
        order::Gap,
        recovery::{HostRecovery, NextUnit},
    },
    wire::CloseCode,
};
use punktfunk_video::{
    encode::{self, EncodeError, EncodedUnit, Encoder, EncoderConfig, EncoderKind, FrameRequest},
    frame::{CapturedFrame, FrameReceiver, Received},
};
use tokio::sync::mpsc;

use super::{
    pipeline::DisplayControls,
    send::{SendMessage, Unit, UnitTimes},
    stats::SessionStats,
};
use crate::supervisor::host_clock;

/// What the encode thread is told between two frames.
#[derive(Debug)]
pub enum EncodeMessage {
    /// The client is there: begin with an IDR.
    Begin,
    /// The next frame must be an IDR.
    Keyframe,
    /// The last frames did not arrive whole, whichever they are: an IDR as soon as a repair may be made.
    Repair,
    /// These frames never arrived.
    FramesLost {
        /// First lost frame index.
        first: u32,
        /// Last, inclusive.
        last: u32,
    },
    /// Aim for this rate.
    Bitrate(Bitrate),
    /// End the thread.
    Stop,
}

/// Everything the thread owns.
pub struct EncodeLoop {
    /// The display, to be asked for a picture when none comes.
    pub display: DisplayControls,
    /// Which encoder to make anew when the mode changes.
    pub kind: EncoderKind,
    /// The encoder of the mode in force.
    pub encoder: Box<dyn Encoder>,
    /// The rate asked for, kept across encoders.
    pub bitrate: Bitrate,
    /// What it is told.
    pub inbox: Receiver<EncodeMessage>,
    /// Empty buffers, coming back from the send thread.
    pub buffers: Receiver<Vec<u8>>,
    /// The send thread.
    pub send: SyncSender<SendMessage>,
    /// The control session.
    pub control: mpsc::Sender<HostCommand>,
    /// Counters for the owner.
    pub stats: Arc<SessionStats>,
    /// How units may leave while they are being encoded, if the client understands that.
    pub streaming: Option<Streaming>,
    /// The frame index the next unit will have: the send thread numbers them in order, from 0.
    pub next_index: u32,
}

/// A picture that does not change is sent again after this time: what was lost of the last one is repaired, and its
/// quality grows.
const REFRESH: Duration = Duration::from_millis(100);

/// What the inbox led to.
enum Told {
    GoOn,
    Stop,
}

impl EncodeLoop {
    /// Encodes `frames` until it is told to stop or the display ends.
    pub fn run(mut self, frames: &FrameReceiver) {
        if !self.await_begin() {
            return;
        }
        // x264 cannot forget single references: every recovery is an IDR.
        let mut recovery = HostRecovery::new(false);
        let mut latest: Option<CapturedFrame<'_>> = None;
        self.display.with(|controls| controls.repaint());
        loop {
            if let Told::Stop = self.take_messages(&mut recovery) {
                return;
            }
            let pts = match frames.recv(REFRESH) {
                Received::Frame(frame) => {
                    let captured_at = frame.info().captured_at;
                    latest = Some(frame);
                    captured_at
                }
                Received::Idle => host_clock(),
                Received::Ended(reason) => return self.end(CloseCode::ApplicationExited, reason),
            };
            self.stats.count_frames(frames.counts());
            let Some(frame) = &latest else { continue };
            if let Told::Stop = self.take_messages(&mut recovery) {
                return;
            }
            if let Err(error) = self.encode(frame, pts, &mut recovery) {
                return self.end(CloseCode::SetupFailed, error.to_string());
            }
        }
    }

    fn await_begin(&self) -> bool {
        loop {
            match self.inbox.recv() {
                Ok(EncodeMessage::Begin) => return true,
                Ok(EncodeMessage::Stop) | Err(_) => return false,
                Ok(_) => {}
            }
        }
    }

    fn take_messages(&mut self, recovery: &mut HostRecovery) -> Told {
        loop {
            match self.inbox.try_recv() {
                Ok(EncodeMessage::Begin) => {}
                Ok(EncodeMessage::Keyframe) => recovery.request_keyframe(),
                Ok(EncodeMessage::Repair) => {
                    let last = self.next_index.wrapping_sub(1);
                    recovery.request_invalidation(Instant::now(), Gap { first: last, last }, self.next_index);
                }
                Ok(EncodeMessage::FramesLost { first, last }) => {
                    recovery.request_invalidation(Instant::now(), Gap { first, last }, self.next_index);
                }
                Ok(EncodeMessage::Bitrate(bitrate)) => self.bitrate = self.encoder.set_bitrate(bitrate),
                Ok(EncodeMessage::Stop) | Err(TryRecvError::Disconnected) => return Told::Stop,
                Err(TryRecvError::Empty) => return Told::GoOn,
            }
        }
    }

    fn encode(
        &mut self,
        frame: &CapturedFrame<'_>,
        pts: HostTime,
        recovery: &mut HostRecovery,
    ) -> Result<(), EncodeError> {
        let taken = Instant::now();
        let queue = host_clock().since(pts);
        if frame.info().mode != self.encoder.config().mode {
            self.rebuild(frame.info().mode)?;
        }
        let request = match recovery.next_unit(taken) {
            NextUnit::Idr | NextUnit::Anchor(_) => FrameRequest::Idr,
            NextUnit::Delta => FrameRequest::Delta,
        };
        if let Some(streaming) = self.streaming.filter(|_| self.encoder.hands_on_slices()) {
            let mut slices = Slices { send: &self.send, buffers: &self.buffers, streaming, kind: None, bytes: 0 };
            self.encoder.encode_slices(frame.pixels(), request, pts, &mut |slice| slices.hand_on(slice))?;
            let Slices { kind: Some(kind), bytes, .. } = slices else { return Ok(()) };
            let times = UnitTimes { pts, queue, encode: taken.elapsed() };
            self.stats.count_unit(bytes, times.encode);
            self.stats.time_encode(times.queue, times.encode);
            let _ = self.send.send(SendMessage::UnitEnds(times));
            self.submitted(taken, kind, recovery);
            return Ok(());
        }
        let Some(encoded) = self.encoder.encode(frame.pixels(), request, pts)? else { return Ok(()) };
        let kind = kind_of(&encoded);
        // All buffers are with the send thread: it is pacing, so the display may drop meanwhile.
        let Ok(mut bytes) = self.buffers.recv() else { return Ok(()) };
        bytes.clear();
        bytes.extend_from_slice(encoded.bytes);
        let times = UnitTimes { pts, queue, encode: taken.elapsed() };
        self.stats.count_unit(bytes.len(), times.encode);
        self.stats.time_encode(times.queue, times.encode);
        // Gone means that the session ends; the inbox will say so.
        let _ = self.send.send(SendMessage::Unit(Unit { bytes, kind, times }));
        self.submitted(taken, kind, recovery);
        Ok(())
    }

    /// A unit was handed on.
    fn submitted(&mut self, taken: Instant, kind: UnitKind, recovery: &mut HostRecovery) {
        recovery.on_submitted(taken, self.next_index, kind);
        self.next_index = self.next_index.wrapping_add(1);
    }

    /// The display has another mode: a new encoder, which begins with an IDR.
    fn rebuild(&mut self, mode: Mode) -> Result<(), EncodeError> {
        let began = Instant::now();
        let config = EncoderConfig { mode, bitrate: self.bitrate, ..self.encoder.config() };
        self.encoder = encode::open(self.kind, config)?;
        tracing::info!(%mode, "encoder rebuilt");
        self.stats.set_mode(mode);
        let _ = self.control.try_send(HostCommand::PipelineGap(began.elapsed()));
        Ok(())
    }

    fn end(&self, code: CloseCode, reason: String) {
        tracing::info!(code = code.code(), reason, "the session's picture has ended");
        let _ = self.control.blocking_send(HostCommand::Refuse { code, reason });
    }
}

fn kind_of(encoded: &EncodedUnit<'_>) -> UnitKind {
    if encoded.is_idr { UnitKind::Idr } else { UnitKind::Delta }
}

/// The slices of one picture on their way to the send thread.
struct Slices<'a> {
    send: &'a SyncSender<SendMessage>,
    buffers: &'a Receiver<Vec<u8>>,
    streaming: Streaming,
    /// Known with the first slice.
    kind: Option<UnitKind>,
    bytes: usize,
}

impl Slices<'_> {
    /// Waits while all buffers are with the send thread. What cannot be sent on is dropped: the session ends.
    fn hand_on(&mut self, slice: EncodedUnit<'_>) {
        if self.kind.is_none() {
            let kind = *self.kind.insert(kind_of(&slice));
            let begins = SendMessage::UnitBegins { pts: slice.pts, kind, streaming: self.streaming };
            let _ = self.send.send(begins);
        }
        let Ok(mut buffer) = self.buffers.recv() else { return };
        buffer.clear();
        buffer.extend_from_slice(slice.bytes);
        self.bytes += slice.bytes.len();
        let _ = self.send.send(SendMessage::Slice(buffer));
    }
}
