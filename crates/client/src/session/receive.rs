//! The receive thread: datagrams in, access units to the decode thread, requests to the control session.
//!
//! Allocates nothing per datagram or frame once its buffers have grown to the stream's frames: a unit goes to the decode
//! thread in the buffer it was put together in, and one that came back from there takes its place. When none is left
//! the decoder is behind: units are dropped and counted until the next IDR, which is asked for.

use std::{
    io,
    sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError},
    time::{Duration, Instant},
};

use punktfunk_proto::{
    bitrate::{BitrateController, BitrateRequest, Limits},
    session::{
        client_control::ClientCommand,
        client_media::{ClientMedia, ClientMediaEvent, ClientMediaStats, ReceivedUnit},
    },
    units::{Bitrate, ClientTime, HostTime},
    video::flags,
};
use punktfunk_transport::{MediaSocket, RecvBuffers, media::PunchSchedule};
use tokio::sync::mpsc;

use super::{WorkerEvent, decode::ToDecoder, report::BitrateReport};
use crate::clock::ClockAnchor;

/// Units on their way to the decoder and back.
const BUFFERS: usize = 16;
/// The longest wait, so that messages from the other threads are heard in time.
const PATIENCE: Duration = Duration::from_millis(20);
/// A decoder that shows nothing for so many units has lost its way (spec section 4.7).
pub(super) const STALLED_AFTER: u32 = 3;

/// A complete access unit on its way to the decoder.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) bytes: Vec<u8>,
    pub(super) pts: HostTime,
    pub(super) idr: bool,
    /// Whether its picture may be shown, or the last good one stays.
    pub(super) shown: bool,
    pub(super) first_packet: ClientTime,
    pub(super) complete: ClientTime,
}

/// What the other threads tell the receive thread.
#[derive(Debug)]
pub(super) enum ToReceiver {
    /// A unit's buffer comes back.
    Buffer(Vec<u8>),
    /// [`STALLED_AFTER`] units gave no picture.
    DecoderStalled,
    /// Report the probe filler received so far.
    TakeFiller,
    /// The host streams at this rate from now on.
    BitrateInForce(Bitrate),
    /// The host has tested the path.
    Probed,
    /// The host stood still: what was measured meanwhile means nothing.
    PipelineGap,
    /// Somebody else chooses the bitrate from now on.
    BitrateFixed,
    /// End.
    Stop,
}

/// What the receive thread counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Received {
    pub(super) stats: ClientMediaStats,
    pub(super) keyframe_requests: u64,
    pub(super) reference_requests: u64,
    pub(super) loss_reports: u64,
    /// Units dropped because the decoder was behind.
    pub(super) skipped: u64,
    /// What bitrate control did, where it was on to the end.
    pub(super) bitrate: Option<BitrateReport>,
}

/// Where the receive thread's results go.
pub(super) struct Outlets {
    pub(super) decoder: SyncSender<ToDecoder>,
    pub(super) control: mpsc::Sender<ClientCommand>,
    pub(super) events: mpsc::UnboundedSender<WorkerEvent>,
}

/// Where a unit went.
enum Handed {
    /// To the decoder.
    On,
    /// Nowhere: it refers to one that was dropped.
    PassedOver,
    /// Nowhere: the decoder is behind.
    Dropped,
}

pub(super) struct Receive {
    media: ClientMedia,
    bitrate: Option<BitrateController>,
    anchor: ClockAnchor,
    outlets: Outlets,
    free: Vec<Vec<u8>>,
    skipping: bool,
    counts: Received,
}

impl Receive {
    /// `auto` is the rate the host begins with and what the client may choose; `None` where it does not choose.
    pub(super) fn new(media: ClientMedia, auto: Option<(Bitrate, Limits)>, outlets: Outlets) -> Self {
        let free = (0..BUFFERS).map(|_| Vec::new()).collect();
        let bitrate = auto.map(|(rate, limits)| BitrateController::new(Instant::now(), rate, limits));
        Self { media, bitrate, anchor: ClockAnchor::now(), outlets, free, skipping: false, counts: Received::default() }
    }

    /// Runs until told to stop, or until the socket fails, which is told to the owner.
    pub(super) fn run(mut self, mut socket: MediaSocket, inbox: &Receiver<ToReceiver>) -> Received {
        let mut buffers = RecvBuffers::new();
        let mut punches = PunchSchedule::new(Instant::now());
        self.media.handle_timeout(Instant::now());
        while self.hear(inbox) {
            if let Err(error) = self.step(&mut socket, &mut buffers, &mut punches) {
                let _ = self.outlets.events.send(WorkerEvent::MediaFailed(error.to_string()));
                break;
            }
        }
        self.counts.stats = self.media.stats();
        self.counts.bitrate = self.bitrate.as_ref().map(|control| BitrateReport {
            changes: control.changes(),
            kbps: control.bitrate().kbps(),
            path_kbps: control.link(Instant::now()).map(Bitrate::kbps),
        });
        self.counts
    }

    fn step(
        &mut self,
        socket: &mut MediaSocket,
        buffers: &mut RecvBuffers,
        punches: &mut PunchSchedule,
    ) -> io::Result<()> {
        let now = Instant::now();
        if punches.take_due(now) {
            socket.punch()?;
        }
        let control = self.bitrate.as_ref().map(BitrateController::poll_timeout);
        let due = self.media.poll_timeout().into_iter().chain(control).chain([punches.due(), now + PATIENCE]).min();
        let timeout = due.unwrap_or(now).saturating_duration_since(now);
        socket.recv_batch(buffers, timeout)?;
        let now = Instant::now();
        for datagram in buffers.datagrams() {
            // What is refused is counted in the statistics.
            let _ = self.media.handle_datagram(now, datagram);
            if let (Some(control), Some(begun)) = (&mut self.bitrate, self.media.take_begun()) {
                control.on_begun(begun);
            }
            self.hand_on();
        }
        self.media.handle_timeout(now);
        self.hand_on();
        self.control_bitrate(now);
        Ok(())
    }

    /// Asks the host for another rate where the path wants one. What finds the queue full is asked for again.
    fn control_bitrate(&mut self, now: Instant) {
        let Some(control) = &mut self.bitrate else { return };
        if now < control.poll_timeout() {
            return;
        }
        control.handle_timeout(now, self.media.stats().totals());
        while let Some(request) = control.poll_request() {
            let command = match request {
                BitrateRequest::Set(rate) => ClientCommand::SetBitrate(rate),
                BitrateRequest::Probe { rate, duration } => {
                    self.media.take_filler();
                    ClientCommand::Probe { rate, duration }
                }
            };
            tracing::debug!(?request, link = ?control.link(now), "bitrate control");
            let _ = self.outlets.control.try_send(command);
        }
    }

    /// Takes in what the other threads said; `false` to stop.
    fn hear(&mut self, inbox: &Receiver<ToReceiver>) -> bool {
        loop {
            match inbox.try_recv() {
                Ok(ToReceiver::Buffer(buffer)) => self.free.push(buffer),
                Ok(ToReceiver::DecoderStalled) => self.media.decoder_stalled(Instant::now()),
                Ok(ToReceiver::TakeFiller) => {
                    let filler = self.media.take_filler();
                    let _ = self.outlets.events.send(WorkerEvent::Filler(filler));
                }
                Ok(ToReceiver::BitrateInForce(rate)) => {
                    self.with_control(|control, _| control.on_bitrate_changed(rate))
                }
                Ok(ToReceiver::Probed) => {
                    self.with_control(|control, media| control.on_probed(Instant::now(), media.take_filler().rate()));
                }
                Ok(ToReceiver::PipelineGap) => self.with_control(|control, _| control.on_pipeline_gap(Instant::now())),
                Ok(ToReceiver::BitrateFixed) => self.bitrate = None,
                Ok(ToReceiver::Stop) | Err(TryRecvError::Disconnected) => return false,
                Err(TryRecvError::Empty) => return true,
            }
        }
    }

    fn with_control(&mut self, act: impl FnOnce(&mut BitrateController, &mut ClientMedia)) {
        if let Some(control) = &mut self.bitrate {
            act(control, &mut self.media);
        }
    }

    fn hand_on(&mut self) {
        let mut behind = false;
        while let Some(handed) = self.hand_on_next() {
            behind |= matches!(handed, Handed::Dropped);
        }
        if behind {
            self.media.decoder_stalled(Instant::now());
        }
        while let Some(event) = self.media.poll_event() {
            self.request(event);
        }
    }

    /// Moves one unit to the decoder in a free buffer, without copying it; `None` when there is no unit.
    fn hand_on_next(&mut self) -> Option<Handed> {
        let Some(mut bytes) = self.free.pop() else {
            self.media.poll_unit()?;
            return Some(self.drop_unit());
        };
        let Some(unit) = self.media.poll_unit_into(&mut bytes) else {
            self.free.push(bytes);
            return None;
        };
        if let Some(control) = &mut self.bitrate {
            control.on_unit(&unit.arrival());
        }
        let unit = Unit::received(&unit, &self.anchor);
        if self.skipping && !unit.idr {
            self.counts.skipped += 1;
            self.free.push(bytes);
            return Some(Handed::PassedOver);
        }
        self.skipping = false;
        if let Err(refused) = self.outlets.decoder.try_send(ToDecoder::Unit(Unit { bytes, ..unit })) {
            self.free.extend(refused_buffer(refused));
            return Some(self.drop_unit());
        }
        Some(Handed::On)
    }

    /// The decoder is behind: what comes is of no use to it until the next IDR.
    fn drop_unit(&mut self) -> Handed {
        self.counts.skipped += 1;
        self.skipping = true;
        Handed::Dropped
    }

    /// Requests are repeated by the media session until answered: one that finds the queue full is not missed.
    fn request(&mut self, event: ClientMediaEvent) {
        let (counter, command) = match event {
            ClientMediaEvent::RequestKeyframe => (&mut self.counts.keyframe_requests, ClientCommand::RequestKeyframe),
            ClientMediaEvent::RequestRfi { first, last } => {
                (&mut self.counts.reference_requests, ClientCommand::FramesLost { first, last })
            }
            ClientMediaEvent::LossReport { ppm } => (&mut self.counts.loss_reports, ClientCommand::ReportLoss { ppm }),
            ClientMediaEvent::FrameLost { first, last } => {
                tracing::debug!(first, last, "frames lost");
                return;
            }
        };
        *counter += 1;
        let _ = self.outlets.control.try_send(command);
    }
}

impl Unit {
    /// What is known of a unit; its bytes are not in it.
    fn received(unit: &ReceivedUnit<'_>, anchor: &ClockAnchor) -> Self {
        Self {
            bytes: Vec::new(),
            pts: unit.pts,
            idr: unit.user_flags & flags::IDR != 0,
            shown: unit.shown,
            first_packet: anchor.wall_at(unit.first_at),
            complete: anchor.wall_at(unit.last_at),
        }
    }
}

fn refused_buffer(refused: TrySendError<ToDecoder>) -> Option<Vec<u8>> {
    match refused {
        TrySendError::Full(ToDecoder::Unit(unit)) => Some(unit.bytes),
        TrySendError::Full(_) | TrySendError::Disconnected(_) => None,
    }
}
