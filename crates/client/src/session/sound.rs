//! The sound of a session, on a thread of its own: packets in order, decoded, played and recorded.
//!
//! It wakes for every packet. The driver of the connection hands datagrams over without waiting: beyond a second of them
//! they are dropped, and count as lost.

use std::{
    path::PathBuf,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
};

use punktfunk_audio::{
    FRAME_TIME, Layout,
    opus::Decoder,
    playback::{Player, Remote},
    receive::{Order, Piece},
    server, tone,
    wav::Wav,
};
use punktfunk_proto::wire::{Welcome, datagram::HostDatagram};
use serde::Serialize;

use super::SessionError;

/// What to do with the sound of a session.
#[derive(Clone, Debug, Default)]
pub struct SoundWish {
    /// Whether it is played.
    pub plays: Plays,
    /// Where to record it.
    pub record: Option<PathBuf>,
}

/// Whether sound is played on this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plays {
    /// If there is a PipeWire.
    #[default]
    IfPossible,
    /// Yes, and the session says when it cannot be.
    Yes,
    /// No.
    No,
}

/// What came of the sound.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SoundReport {
    /// How many channels the host says there are.
    pub channels: u8,
    /// Datagrams with sound that arrived.
    pub packets: u64,
    /// Packets that never came: each is 5 ms that were made up.
    pub lost: u64,
    /// Packets that were lost, but repeated by the next one.
    pub recovered: u64,
    /// Packets that came twice or too late.
    pub late: u64,
    /// Packets that no decoder takes.
    pub damaged: u64,
    /// How much was heard, in seconds.
    pub seconds: f64,
    /// How loud that was: the mean of the squares in dB under full scale; absent where nothing was heard.
    pub level_dbfs: Option<f64>,
    /// Whether it was played on this machine, and if not, why.
    pub playback: String,
    /// The recording.
    pub recording: Option<PathBuf>,
}

/// What the thread is told.
pub(super) enum ToSound {
    Datagram(Vec<u8>),
    Stop,
}

/// A second of packets.
const QUEUE: usize = 200;

/// Where datagrams go, and where they come out.
pub(super) fn line() -> (SyncSender<ToSound>, Receiver<ToSound>) {
    sync_channel(QUEUE)
}

/// Hands on a datagram if it is sound.
pub(super) fn overhear(line: &SyncSender<ToSound>, datagram: &[u8]) {
    if matches!(HostDatagram::decode(datagram), Ok(HostDatagram::Audio(_) | HostDatagram::AudioRedundant(_))) {
        // A full queue drops it; a thread that is gone needs it no more.
        let _ = line.try_send(ToSound::Datagram(datagram.to_vec()));
    }
}

/// The thread's own.
pub(super) struct Hearing {
    layout: Layout,
    order: Order,
    decoder: Decoder,
    pcm: Vec<f32>,
    player: Option<Player>,
    recorder: Option<(PathBuf, Wav)>,
    report: SoundReport,
    /// The squares of all samples.
    power: f64,
    pieces: u64,
}

impl Hearing {
    /// Opens decoder, player and recording for what `welcome` promises.
    pub(super) fn prepare(welcome: &Welcome, wish: &SoundWish) -> Result<Self, SessionError> {
        let layout = Layout::of_channels(welcome.audio_channels).unwrap_or_default();
        let decoder = Decoder::new(layout).map_err(|error| SessionError::Sound(error.to_string()))?;
        let recorder = wish.record.as_ref().map(|path| {
            let wav = Wav::create(path, layout);
            wav.map(|wav| (path.clone(), wav))
                .map_err(|error| SessionError::Sound(format!("cannot write {}: {error}", path.display())))
        });
        let (player, playback) = player(wish.plays, layout);
        let report = SoundReport { channels: welcome.audio_channels, playback, ..SoundReport::default() };
        let pcm = Vec::new();
        let (order, recorder) = (Order::default(), recorder.transpose()?);
        Ok(Self { layout, order, decoder, pcm, player, recorder, report, power: 0.0, pieces: 0 })
    }

    /// Runs until it is told to stop.
    pub(super) fn run(mut self, inbox: &Receiver<ToSound>) -> SoundReport {
        while let Ok(ToSound::Datagram(datagram)) = inbox.recv() {
            match HostDatagram::decode(&datagram) {
                Ok(HostDatagram::Audio(audio)) => self.order.push(audio.seq, audio.data, None),
                Ok(HostDatagram::AudioRedundant(audio)) => {
                    self.order.push(audio.seq, audio.primary, Some(audio.previous));
                }
                _ => continue,
            }
            self.hear();
        }
        self.into_report()
    }

    fn hear(&mut self) {
        while let Some(piece) = self.order.poll() {
            let packet = match piece {
                Piece::Packet(packet) => Some(packet),
                Piece::Lost => None,
            };
            if self.decoder.decode(packet, &mut self.pcm).is_err() {
                self.report.damaged += 1;
                continue;
            }
            self.pieces += 1;
            self.power += self.pcm.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
            if let Some(player) = &self.player {
                player.play(&self.pcm);
            }
            if let Some((path, wav)) = &mut self.recorder
                && let Err(error) = wav.write(&self.pcm)
            {
                tracing::warn!(path = %path.display(), %error, "the sound is recorded no further");
                self.recorder = None;
            }
        }
    }

    fn into_report(mut self) -> SoundReport {
        let counts = self.order.counts();
        let samples = self.pieces as f64 * (punktfunk_audio::FRAME * self.layout.channels()) as f64;
        if let Some((path, wav)) = self.recorder.take() {
            match wav.finish() {
                Ok(()) => self.report.recording = Some(path),
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "the recording of the sound is incomplete")
                }
            }
        }
        SoundReport {
            packets: counts.received,
            lost: counts.lost,
            recovered: counts.recovered,
            late: counts.late,
            seconds: self.pieces as f64 * FRAME_TIME.as_secs_f64(),
            level_dbfs: (self.pieces > 0).then(|| tone::dbfs(self.power / samples)),
            ..self.report
        }
    }
}

/// A player if one is wanted, and what to say of it.
fn player(plays: Plays, layout: Layout) -> (Option<Player>, String) {
    let wanted = match plays {
        Plays::Yes => true,
        Plays::IfPossible => server::is_there(),
        Plays::No => false,
    };
    if !wanted {
        let why = if plays == Plays::No { "off" } else { "there is no PipeWire on this machine" };
        return (None, why.to_owned());
    }
    match Player::start(&Remote::Session, layout, "punktfunk") {
        Ok(player) => (Some(player), "played".to_owned()),
        Err(error) => {
            tracing::warn!(%error, "the sound is not played");
            (None, error.to_string())
        }
    }
}
