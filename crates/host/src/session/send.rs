//! The send thread: packetizes, adds parity, seals, paces and sends access units; answers speed tests.
//!
//! Once per access unit and once per pacing step. Allocates nothing after warm-up: the batch buffer is reused; an access
//! unit is sent from the buffer it was encoded into, and the one before goes back to the encode thread.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender},
    },
    time::{Duration, Instant},
};

use punktfunk_proto::{
    session::{
        host_control::HostCommand,
        host_media::{HostMedia, MediaError},
    },
    units::{Bitrate, HostTime},
    video::{Streaming, UnitKind},
    wire::{
        ProbeResult,
        datagram::{HostDatagram, HostTiming, TimingStages},
    },
};
use punktfunk_transport::MediaSocket;
use tokio::sync::mpsc;

use super::{encode::EncodeMessage, stats::SessionStats};
use crate::supervisor::host_clock;

/// One access unit on its way out.
#[derive(Debug)]
pub struct Unit {
    /// The bitstream; the buffer goes back to the encode thread.
    pub bytes: Vec<u8>,
    /// What it is to the stream.
    pub kind: UnitKind,
    /// What it took so far.
    pub times: UnitTimes,
}

/// What an access unit took before it was handed to the send thread.
#[derive(Clone, Copy, Debug)]
pub struct UnitTimes {
    /// When its frame was captured.
    pub pts: HostTime,
    /// From capture until the encode thread took the frame.
    pub queue: Duration,
    /// From there until the unit was encoded.
    pub encode: Duration,
}

/// What the send thread is told.
#[derive(Debug)]
pub enum SendMessage {
    /// The client said Start: find out where it listens, then let the encoder begin.
    Begin {
        /// The address of the authenticated control connection.
        peer: IpAddr,
        /// The port it announced.
        port: u16,
    },
    /// Send this.
    Unit(Unit),
    /// The encoder hands on the first slice of a picture: what follows are its slices, and then its end.
    UnitBegins {
        /// When its frame was captured.
        pts: HostTime,
        /// What it is to the stream.
        kind: UnitKind,
        /// How the client understands it.
        streaming: Streaming,
    },
    /// A slice of the picture that was begun; the buffer goes back to the encode thread.
    Slice(Vec<u8>),
    /// That picture is complete.
    UnitEnds(UnitTimes),
    /// The client lost this much since its last report.
    Loss {
        /// Parts per million.
        ppm: u32,
    },
    /// The client asked for a repair: parity was not enough.
    RecoveryRequested,
    /// The video rate, for pacing.
    Bitrate(Bitrate),
    /// Measure the path.
    Probe {
        /// Target rate.
        rate: Bitrate,
        /// Length of the burst.
        duration: Duration,
    },
    /// End the thread.
    Stop,
}

/// Everything the thread owns.
pub struct SendLoop {
    /// The session's media state machine.
    pub media: HostMedia,
    /// Its socket.
    pub socket: MediaSocket,
    /// What it is told.
    pub inbox: Receiver<SendMessage>,
    /// The encode thread.
    pub encode: SyncSender<EncodeMessage>,
    /// Where empty buffers go.
    pub buffers: SyncSender<Vec<u8>>,
    /// The control session.
    pub control: mpsc::Sender<HostCommand>,
    /// Whether the client wants to know how long frames take here.
    pub host_timing: bool,
    /// Counters for the owner.
    pub stats: Arc<SessionStats>,
}

/// The client punches from its port right after clock sync; a host that waits longer than this streams to the port
/// the client announced (spec section 4.1).
const PUNCH_WITHIN: Duration = Duration::from_millis(2_500);
/// Filler units of a speed test (spec section 4.8: 1200 to 16384 bytes).
static ZEROS: [u8; 16_384] = [0; 16_384];

impl SendLoop {
    /// Runs until it is told to stop.
    pub fn run(mut self) {
        let mut batch = Vec::new();
        // A picture that is still being encoded, since when, and a speed test that waits for its end.
        let mut open: Option<Instant> = None;
        let mut waiting: Option<(Bitrate, Duration)> = None;
        loop {
            match self.next_message() {
                Some(SendMessage::Begin { peer, port }) => self.begin(peer, port),
                Some(SendMessage::Unit(unit)) => self.send_unit(unit, &mut batch),
                Some(SendMessage::UnitBegins { pts, kind, streaming }) => {
                    open = Some(Instant::now());
                    let begun = self.media.begin_unit(Instant::now(), pts, kind, streaming);
                    self.check(begun.map(drop));
                }
                Some(SendMessage::Slice(bytes)) => self.send_slice(bytes, &mut batch),
                Some(SendMessage::UnitEnds(times)) => {
                    let finished = self.media.finish_unit(Instant::now());
                    self.check(finished);
                    self.stats.set_fec_percent(self.media.fec_percent());
                    self.flush(&mut batch);
                    let pace = open.take().map_or(Duration::ZERO, |begun| begun.elapsed());
                    self.stats.time_send(pace);
                    self.tell_timing(&times, pace);
                }
                Some(SendMessage::Loss { ppm }) => self.media.on_loss_report(ppm),
                Some(SendMessage::RecoveryRequested) => self.media.on_recovery_request(),
                Some(SendMessage::Bitrate(bitrate)) => self.media.set_bitrate(bitrate),
                Some(SendMessage::Probe { rate, duration }) => waiting = Some((rate, duration)),
                Some(SendMessage::Stop) => return,
                None => {}
            }
            if open.is_none()
                && let Some((rate, duration)) = waiting.take()
            {
                self.probe(rate, duration, &mut batch);
            }
        }
    }

    fn next_message(&self) -> Option<SendMessage> {
        match self.inbox.recv_timeout(IDLE) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(SendMessage::Stop),
        }
    }

    fn begin(&mut self, peer: IpAddr, port: u16) {
        let announced = SocketAddr::new(peer, port);
        let punched = self.socket.await_punch(announced, PUNCH_WITHIN).unwrap_or_else(|error| {
            tracing::warn!(%error, "waiting for the punch failed");
            None
        });
        let target = match punched {
            Some(source) => source,
            None => {
                tracing::info!(%peer, port, "no punch arrived; streaming to the port the client announced");
                announced
            }
        };
        if let Err(error) = self.socket.connect(target) {
            tracing::warn!(%target, %error, "the client's media address cannot be reached");
        }
        // Full or gone cannot be: this is its first message, or the session is ending.
        let _ = self.encode.try_send(EncodeMessage::Begin);
    }

    /// Sends one unit to its last datagram. Pacing sleeps here; the next units wait in their buffers meanwhile, and
    /// with all buffers out the encoder waits too.
    fn send_unit(&mut self, mut unit: Unit, batch: &mut Vec<u8>) {
        let began = Instant::now();
        let submitted = self.media.submit_buffer(began, unit.times.pts, unit.kind, &mut unit.bytes);
        self.check(submitted.map(drop));
        self.stats.set_fec_percent(self.media.fec_percent());
        self.flush(batch);
        self.stats.time_send(began.elapsed());
        self.tell_timing(&unit.times, began.elapsed());
        // Gone means that the session ends.
        let _ = self.buffers.try_send(unit.bytes);
    }

    /// Sends what can leave of a picture while the encoder is at the rest of it.
    fn send_slice(&mut self, bytes: Vec<u8>, batch: &mut Vec<u8>) {
        match self.media.push_slice(&bytes) {
            // The rest of a picture that was given up.
            Err(MediaError::NoOpenUnit) => {}
            pushed => self.check(pushed),
        }
        // Gone means that the session ends.
        let _ = self.buffers.try_send(bytes);
        self.flush(batch);
    }

    /// What was not taken is missing in the stream: it goes on with a keyframe.
    fn check(&self, taken: Result<(), MediaError>) {
        if let Err(error) = taken {
            tracing::error!(%error, "an access unit could not be sent");
            let _ = self.encode.try_send(EncodeMessage::Keyframe);
        }
    }

    /// Sends everything the media session has, as its pacing allows.
    fn flush(&mut self, batch: &mut Vec<u8>) {
        loop {
            batch.clear();
            if let Some(transmit) = self.media.poll_transmit(Instant::now(), batch) {
                match self.socket.send_batch(batch, transmit.segment) {
                    Ok(sent) => self.stats.count_datagrams(sent.datagrams as u64, sent.dropped as u64),
                    Err(error) => {
                        tracing::debug!(%error, "sending failed");
                        self.stats.count_datagrams(0, transmit.datagrams as u64);
                    }
                }
                continue;
            }
            match self.media.poll_timeout() {
                Some(due) => std::thread::sleep(due.saturating_duration_since(Instant::now())),
                None => return,
            }
        }
    }

    /// Tells the client how long the frame took here (spec section 5.7). Statistics only: dropped when control is busy.
    fn tell_timing(&self, unit: &UnitTimes, pace: Duration) {
        if !self.host_timing {
            return;
        }
        let micros = |time: Duration| u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        let timing = HostTiming {
            pts: unit.pts,
            total_us: micros(host_clock().since(unit.pts)),
            stages: Some(TimingStages {
                queue_us: micros(unit.queue),
                encode_us: micros(unit.encode),
                pace_us: micros(pace),
                applied_phase_ns: None,
            }),
        };
        let datagram = HostDatagram::HostTiming(timing).encode();
        let _ = self.control.try_send(HostCommand::Datagram(datagram));
    }

    /// Bursts filler at `rate` for `duration`; video waits meanwhile (spec section 4.8).
    fn probe(&mut self, rate: Bitrate, duration: Duration, batch: &mut Vec<u8>) {
        let began = Instant::now();
        let before = self.media.stats();
        let (mut bytes_sent, mut units_sent, mut dropped) = (0_u64, 0_u32, 0_u32);
        while began.elapsed() < duration {
            let due = began + rate.time_for(bytes_sent as usize);
            std::thread::sleep(due.saturating_duration_since(Instant::now()).min(duration));
            if self.media.submit_filler(Instant::now(), host_clock(), &ZEROS).is_err() {
                break;
            }
            batch.clear();
            while let Some(transmit) = self.media.poll_transmit(Instant::now(), batch) {
                let sent = self.socket.send_batch(batch, transmit.segment);
                dropped += sent.map_or(transmit.datagrams, |sent| sent.dropped) as u32;
                batch.clear();
            }
            bytes_sent += ZEROS.len() as u64;
            units_sent += 1;
        }
        let wire_packets = (self.media.stats().datagrams - before.datagrams) as u32;
        let result = ProbeResult {
            bytes: bytes_sent,
            units: units_sent,
            duration_ms: began.elapsed().as_millis() as u32,
            wire_packets: wire_packets.saturating_sub(dropped),
            send_dropped: dropped,
        };
        let _ = self.control.blocking_send(HostCommand::ProbeDone(result));
    }
}

/// How long the thread sleeps when nothing is to be sent; only a bound, messages wake it.
const IDLE: Duration = Duration::from_secs(1);
