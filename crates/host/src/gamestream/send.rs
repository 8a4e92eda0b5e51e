//! The send thread of a Moonlight session: waits for the client's ping, then packetizes, paces and sends access units.
//!
//! The counterpart of [`crate::session::send`], which speaks our own protocol. Once per access unit and once per pacing step.
//! Allocates nothing after warm-up: the datagrams' buffer is reused, and units go back to the encode thread.

use std::{
    net::IpAddr,
    sync::mpsc::{RecvTimeoutError, TryRecvError},
    time::{Duration, Instant},
};

use punktfunk_gamestream::video::{Frame, FrameKind, Packetizer};
use punktfunk_proto::{
    pacing::FramePace,
    session::host_control::HostCommand,
    units::{Bitrate, HostTime},
    video::{UnitKind, protection::FecController},
    wire::CloseCode,
};
use punktfunk_transport::MediaSocket;
use punktfunk_video::encode::nal_units;

use crate::{
    session::{
        encode::EncodeMessage,
        pipeline::SendEnds,
        send::{SendMessage, Unit},
    },
    supervisor::host_clock,
};

/// Everything the thread owns.
pub struct VideoSend {
    /// The session's frames and datagrams.
    pub packetizer: Packetizer,
    /// The socket the client was told of.
    pub socket: MediaSocket,
    /// What the client's pings begin with.
    pub ping: [u8; 16],
    /// The rate to pace by.
    pub bitrate: Bitrate,
    /// How much parity frames get.
    pub fec: FecController,
    /// The other threads.
    pub ends: SendEnds,
}

/// How long a client may take from its control connection to its first ping (spec section 8.1).
const PING_WITHIN: Duration = Duration::from_secs(10);
/// How long the thread waits before it looks whether it is to end.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// How long the thread sleeps when nothing is to be sent; only a bound, messages wake it.
const IDLE: Duration = Duration::from_secs(1);
/// Datagrams handed to the kernel at once.
const BATCH: usize = 64;

impl VideoSend {
    /// Runs until it is told to stop.
    pub fn run(mut self) {
        let mut datagrams = Vec::new();
        loop {
            match self.next_message() {
                Some(SendMessage::Begin { peer, .. }) => {
                    if self.begin(peer) == Begun::Stopped {
                        return;
                    }
                }
                Some(SendMessage::Unit(unit)) => self.send_unit(unit, &mut datagrams),
                Some(SendMessage::Bitrate(bitrate)) => self.bitrate = bitrate,
                Some(SendMessage::Slice(bytes)) => drop(self.ends.buffers.try_send(bytes)),
                Some(SendMessage::Stop) => return,
                Some(SendMessage::Loss { ppm }) => self.fec.on_report(ppm, f64::from(self.fec.percent()) / 100.0),
                Some(SendMessage::RecoveryRequested) => self.fec.on_recovery_request(),
                // Moonlight takes whole units, and has no speed test.
                Some(SendMessage::UnitBegins { .. } | SendMessage::UnitEnds(_) | SendMessage::Probe { .. }) | None => {}
            }
        }
    }

    fn next_message(&self) -> Option<SendMessage> {
        match self.ends.inbox.recv_timeout(IDLE) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(SendMessage::Stop),
        }
    }

    /// Waits for the client's ping, which says where it listens, then lets the encoder begin.
    fn begin(&mut self, peer: IpAddr) -> Begun {
        let deadline = Instant::now() + PING_WITHIN;
        let ping = self.ping;
        while Instant::now() < deadline {
            match self.ends.inbox.try_recv() {
                Ok(SendMessage::Stop) | Err(TryRecvError::Disconnected) => return Begun::Stopped,
                Ok(_) | Err(TryRecvError::Empty) => {}
            }
            let is_ping = |from: std::net::SocketAddr, datagram: &[u8]| {
                from.ip().to_canonical() == peer && datagram.starts_with(&ping)
            };
            match self.socket.await_greeting(is_ping, LOOK_AGAIN) {
                Ok(None) => {}
                Ok(Some(target)) => {
                    if let Err(error) = self.socket.connect(target) {
                        tracing::warn!(%target, %error, "the client's media address cannot be reached");
                    }
                    // Full or gone cannot be: this is its first message, or the session is ending.
                    let _ = self.ends.encode.try_send(EncodeMessage::Begin);
                    return Begun::Streaming;
                }
                Err(error) => {
                    tracing::warn!(%error, "waiting for the client's ping failed");
                    break;
                }
            }
        }
        let reason = "the client's ping never came; its network or a firewall keeps back UDP".into();
        let _ = self.ends.control.try_send(HostCommand::Refuse { code: CloseCode::SetupFailed, reason });
        Begun::Silent
    }

    /// Sends one unit to its last datagram. Pacing sleeps here; the next units wait in their buffers meanwhile, and with all
    /// buffers out the encoder waits too.
    fn send_unit(&mut self, unit: Unit, datagrams: &mut Vec<u8>) {
        let began = Instant::now();
        datagrams.clear();
        let frame = Frame {
            bytes: from_picture(&unit.bytes),
            kind: if unit.kind == UnitKind::Idr { FrameKind::Idr } else { FrameKind::Delta },
            timestamp: at_90_khz(unit.times.pts),
            latency: tenths_of_millis(host_clock().since(unit.times.pts)),
        };
        let percent = self.fec.percent_for(self.packetizer.blocks_of(frame.bytes.len()));
        self.packetizer.set_fec_percent(percent);
        self.ends.stats.set_fec_percent(percent);
        match self.packetizer.packetize(&frame, datagrams) {
            Ok(()) => self.pace(began, datagrams),
            Err(error) => {
                // What was not taken is missing in the stream: it goes on with a keyframe.
                tracing::error!(%error, "an access unit could not be sent");
                let _ = self.ends.encode.try_send(EncodeMessage::Keyframe);
            }
        }
        self.ends.stats.time_send(began.elapsed());
        // Gone means that the session ends.
        let _ = self.ends.buffers.try_send(unit.bytes);
    }

    fn pace(&mut self, began: Instant, datagrams: &[u8]) {
        let segment = self.packetizer.datagram_bytes();
        let mut pace = FramePace::new(began, datagrams.len(), segment, self.bitrate);
        let mut rest = datagrams;
        while !rest.is_empty() {
            let due = pace.allowance(Instant::now()).div_ceil(segment).min(BATCH) * segment;
            if due == 0 {
                std::thread::sleep(pace.next_due().saturating_duration_since(Instant::now()));
                continue;
            }
            let (batch, later) = rest.split_at(due.min(rest.len()));
            pace.sent(batch.len());
            rest = later;
            match self.socket.send_batch(batch, segment) {
                Ok(sent) => self.ends.stats.count_datagrams(sent.datagrams as u64, sent.dropped as u64),
                Err(error) => {
                    tracing::debug!(%error, "sending failed");
                    self.ends.stats.count_datagrams(0, (batch.len() / segment) as u64);
                }
            }
        }
    }
}

/// How waiting for the client ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begun {
    Streaming,
    Silent,
    Stopped,
}

/// Leaves out a delimiter and supplemental information in front: the first datagram has to hold parameter sets and the begin
/// of a picture (spec section 5.5).
fn from_picture(unit: &[u8]) -> &[u8] {
    let first = nal_units(unit).find(|nal| !matches!(nal.kind, SEI | DELIMITER));
    first.map_or(unit, |nal| &unit[nal.start..])
}

/// `nal_unit_type` of supplemental information in H.264.
const SEI: u8 = 6;
/// Of an access unit delimiter.
const DELIMITER: u8 = 9;

/// Wraps, as RTP timestamps do.
fn at_90_khz(time: HostTime) -> u32 {
    (u128::from(time.nanos()) * 90_000 / 1_000_000_000) as u32
}

fn tenths_of_millis(time: Duration) -> u16 {
    u16::try_from(time.as_micros() / 100).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::from_picture;

    #[test]
    fn what_stands_in_front_of_the_parameter_sets_is_left_out() {
        let sps: &[u8] = &[0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x65, 2];
        let delimiter: &[u8] = &[0, 0, 0, 1, 9, 0x10];
        let sei: &[u8] = &[0, 0, 1, 6, 5, 9];
        assert_eq!(from_picture(&[delimiter, sei, sps].concat()), sps);
        assert_eq!(from_picture(sps), sps);
        assert_eq!(from_picture(delimiter), delimiter, "nothing else is there");
    }
}
