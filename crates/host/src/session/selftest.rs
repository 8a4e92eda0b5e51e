//! A whole session with itself: display, encoder, parity, sealing, a UDP socket on loopback, and at its other end the
//! client's media session. Nothing of it is different from a stream to a device but the network and the picture, which
//! is the test picture: what the owner's application would do is nobody's to try.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

use punktfunk_proto::{
    session::{client_media::ClientMedia, media::MediaParams},
    units::{Bitrate, Mode, ModeError},
    wire::{Codec, Grants},
};
use punktfunk_transport::{MediaSocket, RecvBuffers, TransportError};
use punktfunk_video::{
    display::{Application, synthetic::Synthetic},
    encode::EncoderKind,
};

use super::{
    pipeline::{Display, Pipeline, Prepared, SetupError},
    plan::{HostPorts, SessionKeys, SessionPlan},
    stats::Stages,
};
use crate::{config::NetworkConfig, supervisor::host_clock};

/// What a self test came to.
#[derive(Clone, Copy, Debug)]
pub struct Streamed {
    /// Frames that arrived whole.
    pub frames: u64,
    /// From the first to the last of them.
    pub within: Duration,
    /// From captured to whole at the client: half of the frames at most.
    pub p50: Duration,
    /// 95 of 100 at most.
    pub p95: Duration,
    /// Video that arrived, in bytes.
    pub bytes: u64,
    /// Frames that did not come.
    pub lost: u64,
    /// How long frames took in each stage.
    pub stages: Stages,
}

/// Why nothing was streamed.
#[derive(Debug, thiserror::Error)]
pub enum SelfTestError {
    /// The session could not be set up.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A socket failed.
    #[error("the loopback socket failed: {0}")]
    Socket(#[from] TransportError),
    /// Likewise.
    #[error("the loopback socket failed: {0}")]
    Io(#[from] std::io::Error),
    /// A bug on our side.
    #[error("the test session is inconsistent: {0}")]
    Parameters(String),
    /// Too few frames in time.
    #[error("only {frames} of {wanted} frames arrived within {} s", LIMIT.as_secs())]
    Starved {
        /// So many did.
        frames: u64,
        /// So many were waited for.
        wanted: u64,
    },
}

/// Frames that are waited for.
pub const FRAMES: u64 = 90;
/// Longer than they take on any machine that could stream.
const LIMIT: Duration = Duration::from_secs(6);

/// Streams [`FRAMES`] frames of 1280x720@60 to itself. Blocks for two seconds, eight at most.
///
/// # Errors
/// What failed, as a client would have been told.
pub fn stream(encoder: EncoderKind, bitrate: Bitrate) -> Result<Streamed, SelfTestError> {
    let plan = plan(bitrate).map_err(|error| SelfTestError::Parameters(error.to_string()))?;
    let network = NetworkConfig { listen: LOOPBACK, ..NetworkConfig::default() };
    let prepared = Prepared::open(&plan, || Display::open(&plan, &Synthetic), encoder, &network)?;
    let ports = HostPorts { media: prepared.media_port()?, console: None };
    let welcome = plan.welcome(ports, SessionKeys::draw(&mut rand::rng()), Grants::default(), None);
    let parameters = |error: &dyn std::fmt::Display| SelfTestError::Parameters(error.to_string());
    let media = ClientMedia::new(MediaParams::from_welcome(&welcome)).map_err(|error| parameters(&error))?;
    let mut socket = MediaSocket::bind(LOOPBACK, 0)?;
    socket.connect((LOOPBACK, welcome.media_port).into())?;
    socket.punch()?;
    // Nobody listens to the control session of a test: what is said there is dropped.
    let (control, _) = tokio::sync::mpsc::channel(1);
    let pipeline = Pipeline::start(prepared, &plan, &welcome, control)?;
    pipeline.handle().begin(LOOPBACK, socket.local_addr()?.port());
    let mut receiver = Receiver { media, socket, arrivals: Vec::with_capacity(FRAMES as usize), bytes: 0 };
    let received = receiver.run();
    let stages = pipeline.handle().take_stages();
    pipeline.stop();
    received?;
    receiver.report(stages)
}

fn plan(bitrate: Bitrate) -> Result<SessionPlan, ModeError> {
    Ok(SessionPlan {
        mode: Mode::new(1_280, 720, 60)?,
        codec: Codec::H264,
        bitrate,
        default_bitrate: bitrate,
        bitrate_ceiling: bitrate,
        fec_percent: 10,
        shard_payload: 1_408,
        chacha: false,
        host_timing: false,
        streaming: None,
        application: Application::default(),
        audio_channels: 2,
    })
}

struct Receiver {
    media: ClientMedia,
    socket: MediaSocket,
    /// When each frame was whole, and how long after it was captured.
    arrivals: Vec<(Instant, Duration)>,
    bytes: u64,
}

impl Receiver {
    fn run(&mut self) -> std::io::Result<()> {
        let deadline = Instant::now() + LIMIT;
        let mut buffers = RecvBuffers::new();
        while self.arrivals.len() < FRAMES as usize && Instant::now() < deadline {
            self.socket.recv_batch(&mut buffers, Duration::from_millis(50))?;
            let now = Instant::now();
            for datagram in buffers.datagrams() {
                // What is refused shows as a frame that does not come.
                let _ = self.media.handle_datagram(now, datagram);
            }
            self.media.handle_timeout(now);
            while let Some(unit) = self.media.poll_unit() {
                self.arrivals.push((unit.last_at, host_clock().since(unit.pts)));
                self.bytes += unit.bytes.len() as u64;
            }
            while self.media.poll_event().is_some() {}
        }
        Ok(())
    }

    fn report(&self, stages: Stages) -> Result<Streamed, SelfTestError> {
        let frames = self.arrivals.len() as u64;
        let (Some((first, _)), Some((last, _))) = (self.arrivals.first(), self.arrivals.last()) else {
            return Err(SelfTestError::Starved { frames: 0, wanted: FRAMES });
        };
        if frames < FRAMES {
            return Err(SelfTestError::Starved { frames, wanted: FRAMES });
        }
        let mut took: Vec<Duration> = self.arrivals.iter().map(|(_, took)| *took).collect();
        took.sort_unstable();
        let percentile = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)];
        Ok(Streamed {
            frames,
            within: last.saturating_duration_since(*first),
            p50: percentile(50),
            p95: percentile(95),
            bytes: self.bytes,
            lost: self.media.stats().frames_lost,
            stages,
        })
    }
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
