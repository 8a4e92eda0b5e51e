//! One session's media, top to bottom: display → encode → send.
//!
//! [`Prepared::open`] makes the parts, so that a client hears of a failure before its Welcome; [`Pipeline::start`]
//! puts them on their threads, where they wait; [`PipelineHandle::begin`] sets them going once the client said Start.

use std::{
    io,
    net::IpAddr,
    sync::{
        Arc, Weak,
        mpsc::{self, SyncSender},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use punktfunk_audio::{Layout, line::SoundFault};
use punktfunk_proto::{
    session::{host_control::HostCommand, host_media::HostMedia, media::MediaParams},
    units::{Bitrate, Mode},
    wire::{Codec, Welcome},
};
use punktfunk_transport::{MediaSocket, TransportError};
use punktfunk_video::{
    display::{Application, Backend, Controls, DisplayError, Output},
    encode::{self, EncodeError, Encoder, EncoderConfig, EncoderKind},
    frame::{FrameReceiver, Received},
};

use super::{
    encode::{EncodeLoop, EncodeMessage},
    plan::SessionPlan,
    send::{SendLoop, SendMessage},
    sound::{Outlet, SoundHandle, SoundLine, SoundLoop, SoundWord},
    stats::{SessionStats, Stages, StatsReading},
};
use crate::config::NetworkConfig;

/// Why a session could not be set up. The text is shown to the client's user.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// No display.
    #[error("the host has no display for this session: {0}")]
    Display(#[from] DisplayError),
    /// No encoder.
    #[error("the host cannot encode this session: {0}")]
    Encoder(#[from] EncodeError),
    /// No media socket.
    #[error("the host has no media socket: {0}")]
    Socket(#[from] TransportError),
    /// This build does not encode that codec.
    #[error("the host cannot encode {0:?}")]
    Codec(Codec),
    /// The negotiated parameters do not fit together. A bug on our side.
    #[error("the session's media parameters are inconsistent: {0}")]
    Media(String),
    /// The system refused a thread or a look at a socket.
    #[error("the system refused what a session needs: {0}")]
    System(#[from] io::Error),
}

/// A display with its application. Dropping it ends both; that blocks.
pub struct Display {
    frames: FrameReceiver,
    controls: Arc<dyn Controls>,
    /// What is played there, if that is captured.
    sound: Option<SoundLine>,
}

impl Display {
    /// Makes one for `plan` and starts the application.
    ///
    /// # Errors
    /// The display could not be made, or the application not started.
    pub fn open(plan: &SessionPlan, backend: &dyn Backend) -> Result<Self, DisplayError> {
        let mut application = plan.application.clone();
        let sound = plan.sound.and_then(|plan| accompany(plan.layout, backend, &mut application));
        let Output { frames, controls } = backend.open(plan.mode, &application)?;
        Ok(Self { frames, controls: Arc::from(controls), sound })
    }

    /// Takes over one that another session has left: gives it `mode` and waits for its first picture in it. `None` when
    /// its application has ended meanwhile. Blocks for some frames, at most [`RESUME_WITHIN`].
    pub fn resume(self, mode: Mode) -> Option<Self> {
        self.controls.set_mode(mode);
        let deadline = Instant::now() + RESUME_WITHIN;
        while Instant::now() < deadline {
            self.controls.repaint();
            match self.frames.recv(Duration::from_millis(100)) {
                Received::Frame(frame) if frame.info().mode == mode => {}
                Received::Frame(_) | Received::Idle => continue,
                Received::Ended(_) => return None,
            }
            return Some(self);
        }
        None
    }
}

/// Has the sound of `application` captured, where the display can. What is wrong with it is told once the session runs.
fn accompany(layout: Layout, backend: &dyn Backend, application: &mut Application) -> Option<SoundLine> {
    let line = if backend.has_companions() {
        SoundLine::open(layout).map(|(line, companion)| {
            application.companions.push(companion);
            line
        })
    } else {
        SoundLine::without(layout, SoundFault::Display)
    };
    line.inspect_err(|error| tracing::error!(%error, "there is no line for the session's sound")).ok()
}

/// How long a display that was kept may take to show itself in its new mode.
const RESUME_WITHIN: Duration = Duration::from_secs(2);

/// Where a session's pictures come from: a display, and the encoder for it.
pub struct Source {
    display: Display,
    encoder: Box<dyn Encoder>,
    kind: EncoderKind,
}

impl Source {
    /// Makes the encoder, and lets `display` make or find the display. Blocks (tens of milliseconds).
    ///
    /// # Errors
    /// Whichever could not be made, with what to do about it.
    pub fn open(
        plan: &SessionPlan,
        display: impl FnOnce() -> Result<Display, DisplayError>,
        kind: EncoderKind,
    ) -> Result<Self, SetupError> {
        let Codec::H264 = plan.codec else { return Err(SetupError::Codec(plan.codec)) };
        let config = EncoderConfig { mode: plan.mode, bitrate: plan.bitrate, codec: encode::Codec::H264 };
        let encoder = encode::open(kind, config)?;
        Ok(Self { display: display()?, encoder, kind })
    }

    /// The display's controls, for as long as the session lasts.
    pub fn display(&self) -> DisplayControls {
        DisplayControls::new(&self.display.controls)
    }
}

/// The parts of a session before it is promised to the client.
pub struct Prepared {
    source: Source,
    socket: MediaSocket,
}

impl Prepared {
    /// Makes the encoder and the media socket, and lets `display` make or find the display. Blocks (tens of
    /// milliseconds).
    ///
    /// # Errors
    /// Whichever could not be made, with what to do about it.
    pub fn open(
        plan: &SessionPlan,
        display: impl FnOnce() -> Result<Display, DisplayError>,
        kind: EncoderKind,
        network: &NetworkConfig,
    ) -> Result<Self, SetupError> {
        let socket = bind(network)?;
        Ok(Self { source: Source::open(plan, display, kind)?, socket })
    }

    /// The UDP port for the Welcome.
    ///
    /// # Errors
    /// The socket cannot be asked.
    pub fn media_port(&self) -> Result<u16, SetupError> {
        Ok(self.socket.local_addr()?.port())
    }

    /// The channels of its sound, if that is captured.
    pub fn audio_channels(&self) -> Option<u8> {
        let line = self.source.display.sound.as_ref()?;
        u8::try_from(line.layout().channels()).ok()
    }

    /// The display's controls, for as long as the session lasts.
    pub fn display(&self) -> DisplayControls {
        self.source.display()
    }
}

/// A way to the display that does not keep it alive: only the [`Display`] does, so that the application is gone when that
/// is dropped.
#[derive(Clone)]
pub struct DisplayControls(Weak<dyn Controls>);

impl DisplayControls {
    /// A way to this display.
    pub fn new(controls: &Arc<dyn Controls>) -> Self {
        Self(Arc::downgrade(controls))
    }

    /// Acts on the display if it is still there.
    pub fn with(&self, act: impl FnOnce(&dyn Controls)) {
        if let Some(controls) = self.0.upgrade() {
            act(&*controls);
        }
    }
}

/// The media socket, on the configured port or the first free one after it, else on any.
fn bind(network: &NetworkConfig) -> Result<MediaSocket, TransportError> {
    let Some(first) = network.media_port else { return MediaSocket::bind(network.listen, 0) };
    let mut ports = (0..MAX_SESSIONS).map_while(|step| first.checked_add(step));
    let attempt = |port| MediaSocket::bind(network.listen, port);
    ports.find_map(|port| attempt(port).ok()).map_or_else(|| attempt(first), Ok)
}

/// As many ports as there may be sessions (design section 8).
const MAX_SESSIONS: u16 = 4;

/// The session's threads. Dropping it does not end them: call [`Pipeline::stop`].
pub struct Pipeline {
    handle: PipelineHandle,
    controls: Arc<dyn Controls>,
    encode: JoinHandle<FrameReceiver>,
    send: JoinHandle<()>,
    sound: Option<JoinHandle<SoundLine>>,
}

/// Who the session's threads tell things.
pub struct Told {
    /// The control session.
    pub control: tokio::sync::mpsc::Sender<HostCommand>,
    /// Who wants to know what becomes of the sound.
    pub sound: Box<dyn Fn(SoundWord) + Send>,
}

impl Pipeline {
    /// Starts the threads; they wait for [`PipelineHandle::begin`].
    ///
    /// # Errors
    /// The system has no thread for us, or the parameters do not fit together.
    pub fn start(prepared: Prepared, plan: &SessionPlan, welcome: &Welcome, told: Told) -> Result<Self, SetupError> {
        let params = MediaParams::from_welcome(welcome);
        let mut media = HostMedia::new(params).map_err(|error| SetupError::Media(error.to_string()))?;
        media.set_bitrate(plan.bitrate);
        media.set_fec_percent(plan.fec_percent);
        let Prepared { source, socket } = prepared;
        let host_timing = plan.host_timing;
        Self::start_with(source, plan, told, move |ends| {
            let SendEnds { inbox, encode, buffers, control, stats } = ends;
            SendLoop { media, socket, inbox, encode, buffers, control, host_timing, stats }.run();
        })
    }

    /// As [`Pipeline::start`], with `send` for the send thread.
    ///
    /// # Errors
    /// The system has no thread for us.
    pub fn start_with(
        source: Source,
        plan: &SessionPlan,
        told: Told,
        send: impl FnOnce(SendEnds) + Send + 'static,
    ) -> Result<Self, SetupError> {
        let Told { control, sound: sound_told } = told;
        let stats = Arc::new(SessionStats::new(plan.mode));
        stats.set_fec_percent(plan.fec_percent);
        stats.set_bitrate(plan.bitrate);
        let (encode_sender, encode_inbox) = mpsc::sync_channel(MESSAGES);
        let (send_sender, send_inbox) = mpsc::sync_channel(MESSAGES);
        let (buffer_sender, buffers) = mpsc::sync_channel(UNIT_BUFFERS);
        for _ in 0..UNIT_BUFFERS {
            // The channel has room for exactly these.
            let _ = buffer_sender.try_send(Vec::new());
        }
        let display = source.display();
        let Source { display: Display { frames, controls, sound }, encoder, kind } = source;
        let encode_loop = EncodeLoop {
            display: display.clone(),
            kind,
            encoder,
            bitrate: plan.bitrate,
            inbox: encode_inbox,
            buffers,
            send: send_sender.clone(),
            control: control.clone(),
            stats: Arc::clone(&stats),
            streaming: plan.streaming,
            next_index: 0,
        };
        let ends = SendEnds {
            inbox: send_inbox,
            encode: encode_sender.clone(),
            buffers: buffer_sender,
            control,
            stats: Arc::clone(&stats),
        };
        let sound_loop = match (sound, plan.sound) {
            // A client of Moonlight's has set up its decoder by now: a kept display with other channels is not heard.
            (Some(line), Some(sound)) if sound.is_of(line.layout()) => {
                Some(SoundLoop::new(line, (sound, plan.bitrate), sound_told, Arc::clone(&stats))?)
            }
            _ => None,
        };
        let (sound_loop, sound) = sound_loop.unzip();
        let handle = PipelineHandle { encode: encode_sender, send: send_sender, sound, display, stats };
        Ok(Self {
            encode: spawn("pf-encode", move || {
                encode_loop.run(&frames);
                frames
            })?,
            send: spawn("pf-send", move || send(ends))?,
            sound: sound_loop.map(|sound| spawn("pf-sound", move || sound.run())).transpose()?,
            handle,
            controls,
        })
    }

    /// What others may ask of the threads.
    pub fn handle(&self) -> PipelineHandle {
        self.handle.clone()
    }

    /// Ends the threads; blocks until they are gone. What is left is the display; `None` if a thread failed.
    pub fn stop(self) -> Option<Display> {
        // A thread that is gone already needs no message.
        let _ = self.handle.encode.send(EncodeMessage::Stop);
        let _ = self.handle.send.send(SendMessage::Stop);
        self.handle.sound.iter().for_each(SoundHandle::stop);
        let (frames, sent, sound) =
            (self.encode.join(), self.send.join(), self.sound.map(JoinHandle::join).transpose());
        if frames.is_err() || sent.is_err() || sound.is_err() {
            tracing::error!("a media thread panicked");
        }
        Some(Display { frames: frames.ok()?, controls: self.controls, sound: sound.ok()? })
    }
}

/// What a send thread works with, whatever protocol it speaks.
pub struct SendEnds {
    /// What it is told.
    pub inbox: mpsc::Receiver<SendMessage>,
    /// The encode thread.
    pub encode: SyncSender<EncodeMessage>,
    /// Where empty buffers go.
    pub buffers: SyncSender<Vec<u8>>,
    /// The control session.
    pub control: tokio::sync::mpsc::Sender<HostCommand>,
    /// Counters for the owner.
    pub stats: Arc<SessionStats>,
}

fn spawn<T: Send + 'static>(name: &str, run: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
    std::thread::Builder::new().name(name.into()).spawn(run)
}

/// Messages between threads; more than a client can cause between two frames are dropped and asked for again.
const MESSAGES: usize = 64;
/// Access units between encoder and network: one being sent, one waiting.
const UNIT_BUFFERS: usize = 2;

/// What others may ask of a session's threads. No call blocks.
#[derive(Clone)]
pub struct PipelineHandle {
    encode: SyncSender<EncodeMessage>,
    send: SyncSender<SendMessage>,
    sound: Option<SoundHandle>,
    display: DisplayControls,
    stats: Arc<SessionStats>,
}

impl PipelineHandle {
    /// The client said Start: stream to it.
    pub fn begin(&self, peer: IpAddr, port: u16) {
        self.tell_send(SendMessage::Begin { peer: peer.to_canonical(), port });
    }

    /// Likewise: send its sound here.
    pub fn begin_sound(&self, outlet: Outlet) {
        if let Some(sound) = &self.sound {
            sound.begin(outlet);
        }
    }

    /// The next frame must be an IDR. Wakes a display whose picture does not change.
    pub fn request_keyframe(&self) {
        self.tell_encode(EncodeMessage::Keyframe);
        self.tell_send(SendMessage::RecoveryRequested);
    }

    /// The last frames did not arrive whole, whichever they are.
    pub fn request_repair(&self) {
        self.tell_encode(EncodeMessage::Repair);
        self.tell_send(SendMessage::RecoveryRequested);
    }

    /// These frames never arrived.
    pub fn frames_lost(&self, first: u32, last: u32) {
        self.tell_encode(EncodeMessage::FramesLost { first, last });
        self.tell_send(SendMessage::RecoveryRequested);
    }

    /// The client lost this much.
    pub fn report_loss(&self, ppm: u32) {
        self.stats.set_loss(ppm);
        self.tell_send(SendMessage::Loss { ppm });
    }

    /// Encode and pace at this rate.
    pub fn set_bitrate(&self, bitrate: Bitrate) {
        self.stats.set_bitrate(bitrate);
        self.tell_encode(EncodeMessage::Bitrate(bitrate));
        self.tell_send(SendMessage::Bitrate(bitrate));
        if let Some(sound) = &self.sound {
            sound.set_bitrate(bitrate);
        }
    }

    /// Give the display this mode; the encoder follows its frames.
    pub fn set_mode(&self, mode: Mode) {
        self.display.with(|controls| controls.set_mode(mode));
    }

    /// Measure the path.
    pub fn probe(&self, rate: Bitrate, duration: Duration) {
        self.tell_send(SendMessage::Probe { rate, duration });
    }

    /// The session's counters.
    pub fn stats(&self) -> StatsReading {
        self.stats.read()
    }

    /// How long frames took since the last call.
    pub fn take_stages(&self) -> Stages {
        self.stats.take_stages()
    }

    fn tell_encode(&self, message: EncodeMessage) {
        if self.encode.try_send(message).is_ok() {
            self.display.with(|controls| controls.repaint());
        }
    }

    fn tell_send(&self, message: SendMessage) {
        // Full means that the client asks faster than frames are sent; it asks again.
        let _ = self.send.try_send(message);
    }
}
