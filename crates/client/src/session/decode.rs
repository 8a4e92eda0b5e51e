//! The decode thread: units to pictures, and everything that happens to a picture: measuring, recording, the
//! snapshot. It keeps the newest picture that may be shown, in the decoder's own buffer.

use std::{
    path::PathBuf,
    sync::mpsc::{Receiver, Sender},
    thread::{self, JoinHandle},
};

use punktfunk_proto::units::{ClientTime, ClockOffset};
use tokio::sync::mpsc;

use super::{
    WorkerEvent,
    receive::{STALLED_AFTER, ToReceiver, Unit},
};
use crate::{
    clock::wall_now,
    decode::{Decoder, DecoderCounts, Picture, PictureError, RgbPicture},
    record::{RecordError, Recorder},
    stats::{FrameTimes, HostTimes, StageLog, StageTable},
};

/// What the other threads tell the decode thread.
#[derive(Debug)]
pub(super) enum ToDecoder {
    /// Decode this.
    Unit(Unit),
    /// The host measured a frame.
    HostTimes(HostTimes),
    /// The clocks were compared.
    Clock(ClockOffset),
    /// Save the newest picture here.
    Snapshot(PathBuf),
    /// End.
    Stop,
}

/// What the decode thread found out.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub(super) counts: DecoderCounts,
    pub(super) unit_bytes: u64,
    /// Pictures held back between a loss and its repair.
    pub(super) hidden: u64,
    pub(super) latency: StageTable,
    pub(super) recorded: Option<(PathBuf, u64)>,
}

pub(super) struct Decode {
    decoder: Decoder,
    recorder: Option<(PathBuf, Recorder)>,
    to_receiver: Sender<ToReceiver>,
    events: mpsc::UnboundedSender<WorkerEvent>,
    latest: Option<Picture>,
    size: (u32, u32),
    fruitless: u32,
    stages: StageLog,
    snapshots: Vec<JoinHandle<()>>,
    decoded: Decoded,
}

/// The owner hears of so many pictures at once.
const PROGRESS_EVERY: u64 = 15;

impl Decode {
    pub(super) fn new(
        decoder: Decoder,
        recorder: Option<(PathBuf, Recorder)>,
        to_receiver: Sender<ToReceiver>,
        events: mpsc::UnboundedSender<WorkerEvent>,
    ) -> Self {
        Self {
            decoder,
            recorder,
            to_receiver,
            events,
            latest: None,
            size: (0, 0),
            fruitless: 0,
            stages: StageLog::default(),
            snapshots: Vec::new(),
            decoded: Decoded::default(),
        }
    }

    /// Runs until told to stop, then completes files.
    pub(super) fn run(mut self, inbox: &Receiver<ToDecoder>) -> Decoded {
        while let Ok(message) = inbox.recv() {
            match message {
                ToDecoder::Unit(unit) => self.unit(unit),
                ToDecoder::HostTimes(times) => self.stages.host(times),
                ToDecoder::Clock(offset) => self.stages.set_clock(offset),
                ToDecoder::Snapshot(path) => self.snapshot(path),
                ToDecoder::Stop => break,
            }
        }
        self.finish()
    }

    fn unit(&mut self, unit: Unit) {
        let taken = wall_now();
        let picture = self.decoder.decode(&unit.bytes, unit.idr);
        let decoded = wall_now();
        self.decoded.unit_bytes += unit.bytes.len() as u64;
        self.record(&unit);
        match picture {
            Some(picture) => {
                self.fruitless = 0;
                self.measure(&unit, taken, decoded);
                self.present(picture, unit.shown);
            }
            None => self.no_picture(),
        }
        let _ = self.to_receiver.send(ToReceiver::Buffer(unit.bytes));
    }

    fn measure(&mut self, unit: &Unit, taken: ClientTime, decoded: ClientTime) {
        let (pts, first_packet, complete) = (unit.pts, unit.first_packet, unit.complete);
        self.stages.frame(FrameTimes { pts, first_packet, complete, taken, decoded });
    }

    fn present(&mut self, picture: Picture, shown: bool) {
        if !shown {
            self.decoded.hidden += 1;
            return;
        }
        let size = (picture.width(), picture.height());
        self.latest = Some(picture);
        if size != self.size {
            self.size = size;
            self.tell(WorkerEvent::PictureSize { width: size.0, height: size.1 });
        }
        let pictures = self.decoder.counts().pictures;
        if pictures.is_multiple_of(PROGRESS_EVERY) {
            self.tell(WorkerEvent::Pictures(pictures));
        }
    }

    fn no_picture(&mut self) {
        self.fruitless += 1;
        if self.fruitless.is_multiple_of(STALLED_AFTER) {
            let _ = self.to_receiver.send(ToReceiver::DecoderStalled);
        }
    }

    fn record(&mut self, unit: &Unit) {
        let Some((path, recorder)) = &mut self.recorder else { return };
        if let Err(error) = recorder.write(&unit.bytes, unit.idr, unit.pts) {
            let path = path.clone();
            self.recorder = None;
            self.recording_failed(path, &error);
        }
    }

    /// Compressing a picture takes longer than a frame: a thread of its own does it.
    fn snapshot(&mut self, path: PathBuf) {
        let rgb = match self.latest.as_ref().map(Picture::to_rgb) {
            Some(Ok(rgb)) => rgb,
            Some(Err(error)) => return self.tell(saved(path, Err(error))),
            None => return self.tell(WorkerEvent::SnapshotFailed { path, reason: "no picture has come yet".into() }),
        };
        let events = self.events.clone();
        self.snapshots.push(thread::spawn(move || {
            let outcome = rgb.save_png(&path).map(|()| rgb);
            let _ = events.send(saved(path, outcome));
        }));
    }

    fn finish(mut self) -> Decoded {
        for snapshot in self.snapshots.drain(..) {
            // A thread that panicked has told nothing, and its snapshot is missed in the report.
            let _ = snapshot.join();
        }
        if let Some((path, recorder)) = self.recorder.take() {
            match recorder.finish() {
                Ok(units) => self.decoded.recorded = Some((path, units)),
                Err(error) => self.recording_failed(path, &error),
            }
        }
        Decoded { counts: self.decoder.counts(), latency: self.stages.table(), ..self.decoded }
    }

    fn recording_failed(&self, path: PathBuf, error: &RecordError) {
        self.tell(WorkerEvent::RecordingFailed { path, reason: error.to_string() });
    }

    fn tell(&self, event: WorkerEvent) {
        // An owner that is gone wants nothing told.
        let _ = self.events.send(event);
    }
}

fn saved(path: PathBuf, outcome: Result<RgbPicture, PictureError>) -> WorkerEvent {
    match outcome {
        Ok(rgb) => WorkerEvent::SnapshotSaved { path, width: rgb.width, height: rgb.height },
        Err(error) => WorkerEvent::SnapshotFailed { path, reason: error.to_string() },
    }
}
