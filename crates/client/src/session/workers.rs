//! The session's three native threads and the messages between them.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    sync::mpsc as channel,
    thread::{self, JoinHandle},
};

use punktfunk_proto::{
    bitrate::Limits,
    session::{
        client_control::ClientCommand,
        client_media::{ClientMedia, FillerReceived},
        media::MediaParams,
    },
    units::{Bitrate, ClockOffset, Mode},
    wire::Welcome,
};
use punktfunk_transport::MediaSocket;
use tokio::sync::mpsc;

use super::{
    Plan, SessionError,
    decode::{Decode, Decoded, ToDecoder},
    receive::{Outlets, Receive, Received, ToReceiver},
    sound::{Hearing, SoundReport, ToSound},
};
use crate::{decode::Decoder, record::Recorder, stats::HostTimes};

/// What the threads tell the session.
#[derive(Debug)]
pub(super) enum WorkerEvent {
    /// The first picture, or one of another size than the one before.
    PictureSize {
        width: u32,
        height: u32,
    },
    /// So many pictures were decoded so far.
    Pictures(u64),
    SnapshotSaved {
        path: PathBuf,
        width: u32,
        height: u32,
    },
    SnapshotFailed {
        path: PathBuf,
        reason: String,
    },
    RecordingFailed {
        path: PathBuf,
        reason: String,
    },
    /// The probe filler received so far.
    Filler(FillerReceived),
    /// The media socket failed; the receive thread has ended.
    MediaFailed(String),
}

/// Everything that must be there before Start is sent: what fails, fails before the host goes to work.
pub(super) struct Prepared {
    pub(super) media_port: u16,
    socket: MediaSocket,
    media: ClientMedia,
    /// Between what rates to choose, and which one the host begins with.
    auto: Option<(Bitrate, Limits)>,
    decoder: Decoder,
    recorder: Option<(PathBuf, Recorder)>,
    hearing: Hearing,
}

/// Both ends of the line that sound comes in on.
pub(super) type SoundLine = (channel::SyncSender<ToSound>, channel::Receiver<ToSound>);

/// Messages that wait for the decode thread; units are bounded by their buffers, this bounds the rest.
const DECODER_QUEUE: usize = 1_024;

impl Prepared {
    /// Binds the media socket towards `peer` and opens the decoder and the recording.
    pub(super) fn new(peer: IpAddr, welcome: &Welcome, plan: &Plan) -> Result<Self, SessionError> {
        let any: IpAddr = match peer {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let failed = |source: io::Error| SessionError::Media { peer, source };
        let mut socket = MediaSocket::bind(any, 0)?;
        socket.connect(SocketAddr::new(peer, welcome.media_port)).map_err(failed)?;
        let media_port = socket.local_addr().map_err(failed)?.port();
        let media = ClientMedia::new(MediaParams::from_welcome(welcome))
            .map_err(|error| SessionError::HostMisbehaved(error.to_string()))?;
        let decoder = Decoder::open(welcome.codec)?;
        let recorder = plan
            .record
            .as_ref()
            .map(|path| Ok::<_, SessionError>((path.clone(), Recorder::create(path, welcome.codec)?)))
            .transpose()?;
        let hearing = Hearing::prepare(welcome, &plan.sound)?;
        Ok(Self { media_port, socket, media, auto: None, decoder, recorder, hearing })
    }

    /// Lets the client choose the bitrate, if the host names the one it begins with (spec section 4.7).
    pub(super) fn choosing_bitrate(mut self, welcome: &Welcome) -> Self {
        let rate = Bitrate::from_kbps(welcome.bitrate_kbps);
        let named = rate.bps() > 0;
        self.auto = Mode::try_from(welcome.mode).ok().filter(|_| named).map(|mode| (rate, limits(mode, rate)));
        self
    }
}

/// What a picture of this mode can make use of, and no less than the host thought of.
fn limits(mode: Mode, host: Bitrate) -> Limits {
    let pixels = u64::from(mode.width()) * u64::from(mode.height()) * u64::from(mode.refresh().hz());
    let enough = Bitrate::from_kbps(u32::try_from(pixels / PIXELS_PER_BIT / 1_000).unwrap_or(u32::MAX));
    Limits { least: LEAST_BITRATE, most: enough.max(host) }
}

/// With half a bit for each pixel more of them are hardly seen.
const PIXELS_PER_BIT: u64 = 2;
const LEAST_BITRATE: Bitrate = Bitrate::from_kbps(1_000);

/// The running threads.
pub(super) struct Workers {
    to_receiver: channel::Sender<ToReceiver>,
    to_decoder: channel::SyncSender<ToDecoder>,
    receive: JoinHandle<Received>,
    decode: JoinHandle<Decoded>,
    to_sound: channel::SyncSender<ToSound>,
    sound: JoinHandle<SoundReport>,
}

impl Workers {
    pub(super) fn start(
        prepared: Prepared,
        (to_sound, sound_inbox): SoundLine,
        control: mpsc::Sender<ClientCommand>,
        events: mpsc::UnboundedSender<WorkerEvent>,
    ) -> io::Result<Self> {
        let Prepared { socket, media, auto, decoder, recorder, hearing, .. } = prepared;
        let (to_receiver, receiver_inbox) = channel::channel();
        let (to_decoder, decoder_inbox) = channel::sync_channel(DECODER_QUEUE);
        let decode = Decode::new(decoder, recorder, to_receiver.clone(), events.clone());
        let receive = Receive::new(media, auto, Outlets { decoder: to_decoder.clone(), control, events });
        let decode = thread::Builder::new().name("decode".into()).spawn(move || decode.run(&decoder_inbox))?;
        let receive =
            thread::Builder::new().name("receive".into()).spawn(move || receive.run(socket, &receiver_inbox))?;
        let sound = thread::Builder::new().name("sound".into()).spawn(move || hearing.run(&sound_inbox))?;
        Ok(Self { to_receiver, to_decoder, receive, decode, to_sound, sound })
    }

    /// The clocks were compared.
    pub(super) fn clock(&self, offset: ClockOffset) {
        let _ = self.to_decoder.try_send(ToDecoder::Clock(offset));
    }

    /// The host measured a frame. Dropped when the decoder is far behind: it is only a statistic.
    pub(super) fn host_times(&self, times: HostTimes) {
        let _ = self.to_decoder.try_send(ToDecoder::HostTimes(times));
    }

    /// Saves the newest picture. Says whether the decode thread took the order.
    pub(super) fn snapshot(&self, path: PathBuf) -> bool {
        self.to_decoder.try_send(ToDecoder::Snapshot(path)).is_ok()
    }

    /// Tells the receive thread what bitrate control has to know.
    pub(super) fn tell_receiver(&self, message: ToReceiver) {
        let _ = self.to_receiver.send(message);
    }

    pub(super) fn take_filler(&self) {
        let _ = self.to_receiver.send(ToReceiver::TakeFiller);
    }

    /// Ends the threads, the receiver first, and waits for what they found. Blocks for as long as a snapshot or
    /// the recording takes to complete. `None` from a thread that panicked.
    pub(super) fn stop(self) -> (Option<Received>, Option<Decoded>, Option<SoundReport>) {
        let _ = self.to_receiver.send(ToReceiver::Stop);
        let received = self.receive.join().ok();
        let _ = self.to_decoder.send(ToDecoder::Stop);
        let _ = self.to_sound.send(ToSound::Stop);
        (received, self.decode.join().ok(), self.sound.join().ok())
    }
}
