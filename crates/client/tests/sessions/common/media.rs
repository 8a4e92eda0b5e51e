//! The test host's pictures: one colour over all, another after each key that goes down.

use std::{
    net::SocketAddr,
    sync::mpsc::{Receiver, TryRecvError},
    time::{Duration, Instant},
};

use punktfunk_proto::{
    session::{
        host_control::HostCommand,
        host_media::{AccessUnit, HostMedia},
        media::MediaParams,
    },
    units::{Bitrate, Mode},
    video::UnitKind,
    wire::{
        ProbeResult, Welcome,
        datagram::{HostDatagram, HostTiming, InputEvent, TimingStages},
    },
};
use punktfunk_transport::MediaSocket;
use punktfunk_video::{
    encode::{self, Encoder as _, EncoderConfig, FrameRequest, X264},
    frame::Pixels,
};
use tokio::sync::mpsc::Sender;

use super::host::{Ways, host_now};

pub(super) enum MediaMessage {
    Mode(Mode),
    Keyframe,
    Input(InputEvent),
    Probe { rate: Bitrate, duration: Duration },
}

/// Blue, green, red before the first key; every key shifts them round.
const COLOUR: [u8; 3] = [200, 60, 60];

struct Studio {
    media: HostMedia,
    socket: MediaSocket,
    encoder: X264,
    pixels: Pixels,
    mode: Mode,
    colour: [u8; 3],
    keyframe: bool,
    sent: u32,
    batch: Vec<u8>,
}

/// Streams until the connection is gone.
pub(super) fn stream(
    mut socket: MediaSocket,
    welcome: &Welcome,
    announced: SocketAddr,
    ways: &Ways,
    inbox: &Receiver<MediaMessage>,
    commands: &Sender<HostCommand>,
) {
    let Ok(Some(client)) = socket.await_punch(announced, Duration::from_secs(10)) else { return };
    socket.connect(client).unwrap();
    let mode = Mode::try_from(welcome.mode).unwrap();
    let media = HostMedia::new(MediaParams::from_welcome(welcome)).unwrap();
    let mut studio = Studio {
        media,
        socket,
        encoder: encoder(mode),
        pixels: Pixels::default(),
        mode,
        colour: COLOUR,
        keyframe: true,
        sent: 0,
        batch: Vec::new(),
    };
    loop {
        let next = Instant::now() + studio.mode.refresh().period();
        if !studio.hear(inbox, ways, commands) {
            return;
        }
        let timing = studio.frame(ways);
        let _ = commands.try_send(HostCommand::Datagram(HostDatagram::HostTiming(timing).encode()));
        if let Some((_, code)) = ways.close_after.filter(|(after, _)| studio.sent >= *after) {
            let _ = commands.try_send(HostCommand::Refuse { code, reason: "as the test says".into() });
            return;
        }
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

impl Studio {
    fn hear(&mut self, inbox: &Receiver<MediaMessage>, ways: &Ways, commands: &Sender<HostCommand>) -> bool {
        loop {
            match inbox.try_recv() {
                Ok(MediaMessage::Mode(_)) if ways.refuse_modes => {
                    let _ = commands.try_send(HostCommand::ModeInForce(self.mode));
                }
                Ok(MediaMessage::Mode(mode)) => {
                    self.mode = mode;
                    self.encoder = encoder(mode);
                    self.keyframe = true;
                }
                Ok(MediaMessage::Keyframe) => self.keyframe = true,
                Ok(MediaMessage::Input(InputEvent::Key { pressed: true, .. })) => self.colour.rotate_right(1),
                Ok(MediaMessage::Input(_)) => {}
                Ok(MediaMessage::Probe { rate, duration }) => self.burst(rate, duration, commands),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn frame(&mut self, ways: &Ways) -> HostTiming {
        let (captured, started) = (host_now(), Instant::now());
        self.pixels.resize(self.mode.width(), self.mode.height());
        let [blue, green, red] = self.colour;
        self.pixels.bytes.chunks_exact_mut(4).for_each(|pixel| pixel.copy_from_slice(&[blue, green, red, 0]));
        let request = if self.keyframe { FrameRequest::Idr } else { FrameRequest::Delta };
        let unit = self.encoder.encode(&self.pixels, request, captured).unwrap().unwrap();
        let kind = if unit.is_idr { UnitKind::Idr } else { UnitKind::Delta };
        let access = AccessUnit { bytes: unit.bytes, pts: captured, kind };
        let index = self.media.submit(Instant::now(), access).unwrap();
        self.keyframe = false;
        let encoded = started.elapsed();
        self.send(ways.withhold == Some(index));
        self.sent += 1;
        let total = started.elapsed();
        let micros = |duration: Duration| duration.as_micros() as u32;
        let stages = TimingStages {
            queue_us: 0,
            encode_us: micros(encoded),
            pace_us: micros(total - encoded),
            applied_phase_ns: None,
        };
        HostTiming { pts: captured, total_us: micros(total), stages: Some(stages) }
    }

    /// Sends what is due, or lets it vanish.
    fn send(&mut self, withheld: bool) {
        loop {
            self.batch.clear();
            match self.media.poll_transmit(Instant::now(), &mut self.batch) {
                Some(_) if withheld => {}
                Some(batch) => {
                    self.socket.send_batch(&self.batch, batch.segment).unwrap();
                }
                None => match self.media.poll_timeout() {
                    Some(due) => std::thread::sleep(due.saturating_duration_since(Instant::now())),
                    None => return,
                },
            }
        }
    }

    /// Filler at about `rate`.
    fn burst(&mut self, rate: Bitrate, duration: Duration, commands: &Sender<HostCommand>) {
        let zeros = [0; 8_192];
        let (started, before) = (Instant::now(), self.media.stats());
        while started.elapsed() < duration {
            self.media.submit_filler(Instant::now(), host_now(), &zeros).unwrap();
            self.send(false);
            std::thread::sleep(rate.time_for(zeros.len()));
        }
        let after = self.media.stats();
        let result = ProbeResult {
            bytes: after.filler_bytes - before.filler_bytes,
            units: (after.filler_units - before.filler_units) as u32,
            duration_ms: started.elapsed().as_millis() as u32,
            wire_packets: (after.datagrams - before.datagrams) as u32,
            send_dropped: 0,
        };
        let _ = commands.try_send(HostCommand::ProbeDone(result));
    }
}

fn encoder(mode: Mode) -> X264 {
    X264::open(EncoderConfig { mode, bitrate: Bitrate::from_mbps(10), codec: encode::Codec::H264 }).unwrap()
}
