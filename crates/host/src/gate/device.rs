//! A device that the host lets in once, over loopback: it connects as any does, receives frames, presses a key and sees
//! whether the picture changes.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use punktfunk_proto::{
    session::{
        Overheard,
        client_control::{ClientClosed, ClientCommand, ClientControl, ClientEvent},
        client_media::{ClientMedia, ClientMediaEvent},
        media::MediaParams,
    },
    units::{ClientTime, Mode},
    wire::{
        ClientCaps, Codec, Hello, HostCaps, Welcome,
        datagram::{HostDatagram, InputEvent},
    },
};
use punktfunk_transport::{Client, MediaSocket, RecvBuffers, Role, TlsIdentity, drive};
use punktfunk_video::decode::{Decoder, Impression};
use tokio::{sync::mpsc, time::timeout};

use super::{GateOptions, web::here};
use crate::admin::{
    client::AdminClient,
    protocol::{AdminRequest, HostStatus},
};

/// What the device saw.
pub(super) struct Visit {
    pub(super) stream: Result<String, String>,
    pub(super) input: Result<String, String>,
}

/// Packets of sound that are waited for where the host promises any: a fifth of a second.
const SOUNDS: usize = 40;
/// Frames that are waited for before a key is pressed.
const FRAMES: usize = 30;
/// A change of the picture's means that no moving band and no compression makes.
const CHANGED: f64 = 15.0;
/// A key press that is not answered by then is made again: the application may have had no focus yet.
const PRESS_AGAIN: Duration = Duration::from_secs(2);
/// The key `A`, by its Windows code (spec section 5.3).
const KEY: u8 = 0x41;

/// Visits the host.
pub(super) async fn visit(options: &GateOptions, status: &HostStatus) -> Visit {
    let stopped = |fault: String| Visit { stream: Err(fault), input: Err("not tried".into()) };
    let deadline = Instant::now() + options.stream_within;
    let left = || deadline.saturating_duration_since(Instant::now());
    let mut session = match timeout(left(), connect(options, status)).await {
        Ok(Ok(session)) => session,
        Ok(Err(fault)) => return stopped(fault),
        Err(_) => return stopped(too_late(options, "the host did not let the device in")),
    };
    let visit = match timeout(left(), session.start()).await {
        Ok(Ok(watch)) => {
            let watching = tokio::task::spawn_blocking(move || watch.run(deadline));
            watching.await.unwrap_or_else(|error| stopped(format!("the check itself failed: {error}")))
        }
        Ok(Err(fault)) => stopped(fault),
        Err(_) => stopped(too_late(options, "the host did not start the stream")),
    };
    let _ = session.commands.try_send(ClientCommand::Close { quit: true });
    // The host ends the display before it closes the connection.
    let _ = timeout(Duration::from_secs(10), async { while session.events.recv().await.is_some() {} }).await;
    visit
}

fn too_late(options: &GateOptions, what: &str) -> String {
    format!("{what} within {} s", options.stream_within.as_secs())
}

/// A control session that was welcomed.
struct Session {
    host: SocketAddr,
    commands: mpsc::Sender<ClientCommand>,
    events: mpsc::UnboundedReceiver<ClientEvent>,
    welcome: Welcome,
    /// Packets of sound so far.
    sounds: Arc<AtomicUsize>,
}

async fn connect(options: &GateOptions, status: &HostStatus) -> Result<Session, String> {
    let identity = identity().map_err(|error| format!("no key can be made: {error}"))?;
    let expect = AdminRequest::ExpectProbe { fingerprint: identity.fingerprint() };
    let asked = AdminClient::connect(&options.runtime_dir).and_then(|mut host| host.call(&expect));
    asked.map_err(|fault| format!("the host expects no device: {fault}"))?;
    let listen: SocketAddr = status.listen.parse().map_err(|_| format!("{:?} is no address", status.listen))?;
    let (host, pin) = (here(listen), Some(status.fingerprint));
    let link = Client::connect(host, Some(&identity), pin, options.stream_within).await;
    let link = link.map_err(|fault| format!("the control port does not answer: {fault}"))?;
    let mode = Mode::new(640, 360, 30).map_err(|error| error.to_string())?;
    let hello = Hello {
        name: Some("health check".into()),
        codecs: Codec::H264.as_set(),
        max_shard_payload: 1_408,
        // A host that makes sound says so only to who can use redundancy.
        client_caps: ClientCaps::AUDIO_REDUNDANCY,
        ..Hello::new(mode.into())
    };
    let (commands, inbox) = mpsc::channel(64);
    let (tell, mut events) = mpsc::unbounded_channel();
    let sounds = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sounds);
    let control = ClientControl::new(Instant::now(), &hello, options.stream_within);
    let control = Overheard::new(control, move |datagram: &[u8]| {
        if let Ok(HostDatagram::AudioRedundant(_)) = HostDatagram::decode(datagram) {
            counted.fetch_add(1, Relaxed);
        }
    });
    tokio::spawn(async move {
        let on_event = move |event| {
            let _ = tell.send(event);
        };
        drive(control, client_clock, &link, Role::Opens, inbox, on_event).await;
    });
    loop {
        match events.recv().await {
            Some(ClientEvent::Welcomed(welcome)) => {
                return Ok(Session { host, commands, events, welcome: *welcome, sounds });
            }
            Some(ClientEvent::Closed(how)) => return Err(said(how)),
            Some(_) => {}
            None => return Err("the connection ended without a word".into()),
        }
    }
}

/// A key of its own for each check.
fn identity() -> Result<TlsIdentity, rcgen::Error> {
    let key = rcgen::KeyPair::generate()?;
    let certificate = rcgen::CertificateParams::new(vec!["punktfunk-client".to_owned()])?.self_signed(&key)?;
    Ok(TlsIdentity::new(certificate.der().to_vec(), key.serialize_der()))
}

impl Session {
    /// Says Start and waits for the clock rounds.
    async fn start(&mut self) -> Result<Watch, String> {
        let failed = |error: &dyn std::fmt::Display| format!("the device's media socket failed: {error}");
        let any = if self.host.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
        let mut socket = MediaSocket::bind(any, 0).map_err(|error| failed(&error))?;
        let media_port = socket.local_addr().map_err(|error| failed(&error))?.port();
        let _ = self.commands.send(ClientCommand::Start { media_port }).await;
        loop {
            match self.events.recv().await {
                Some(ClientEvent::Ready(_)) => break,
                Some(ClientEvent::Closed(how)) => return Err(said(how)),
                Some(_) => {}
                None => return Err("the connection ended without a word".into()),
            }
        }
        let media = ClientMedia::new(MediaParams::from_welcome(&self.welcome)).map_err(|error| failed(&error))?;
        socket.connect((self.host.ip(), self.welcome.media_port).into()).map_err(|error| failed(&error))?;
        socket.punch().map_err(|error| failed(&error))?;
        let decoder = Decoder::open().map_err(|error| error.to_string())?;
        let commands = self.commands.clone();
        let promised = self.welcome.host_caps.contains(HostCaps::AUDIO_REDUNDANCY);
        let sounds = promised.then(|| Arc::clone(&self.sounds));
        Ok(Watch { socket, media, decoder, commands, sounds, frames: 0, begun: Instant::now(), press: Press::NotYet })
    }
}

/// How a host that refuses explains itself.
fn said(how: ClientClosed) -> String {
    match how {
        ClientClosed::ByHost { code, reason } => format!("the host refused the device (0x{code:02x}): {reason}"),
        ClientClosed::Lost => "the connection was lost".into(),
        ClientClosed::Misbehaved(detail) => format!("the host broke the protocol: {detail}"),
        ClientClosed::ByUs => "the device gave up".into(),
    }
}

/// The media of the session, on a thread of its own.
struct Watch {
    socket: MediaSocket,
    media: ClientMedia,
    decoder: Decoder,
    commands: mpsc::Sender<ClientCommand>,
    /// Packets of sound so far, where there is to be any.
    sounds: Option<Arc<AtomicUsize>>,
    frames: usize,
    begun: Instant,
    press: Press,
}

/// What has become of the key press.
enum Press {
    NotYet,
    Made { before: Impression, at: Instant, first: Instant },
    Answered { after: Duration },
}

impl Watch {
    fn run(mut self, deadline: Instant) -> Visit {
        let mut buffers = RecvBuffers::new();
        let mut punched = Instant::now();
        while !self.is_done() && Instant::now() < deadline && !self.commands.is_closed() {
            if punched.elapsed() > Duration::from_millis(200) {
                let _ = self.socket.punch();
                punched = Instant::now();
            }
            if self.socket.recv_batch(&mut buffers, Duration::from_millis(20)).is_err() {
                break;
            }
            self.take(&mut buffers);
        }
        self.report()
    }

    fn is_done(&self) -> bool {
        matches!(self.press, Press::Answered { .. }) && self.heard().is_none_or(|sounds| sounds >= SOUNDS)
    }

    /// Packets of sound so far, where there is to be any.
    fn heard(&self) -> Option<usize> {
        self.sounds.as_ref().map(|sounds| sounds.load(Relaxed))
    }

    fn take(&mut self, buffers: &mut RecvBuffers) {
        for datagram in buffers.datagrams() {
            // What is refused shows as a frame that does not come.
            let _ = self.media.handle_datagram(Instant::now(), datagram);
        }
        self.media.handle_timeout(Instant::now());
        while let Some(unit) = self.media.poll_unit() {
            self.frames += 1;
            let seen = self.decoder.look(unit.bytes);
            if let Some(seen) = seen.filter(|_| self.frames >= FRAMES) {
                self.press = press(&self.commands, std::mem::replace(&mut self.press, Press::NotYet), seen);
            }
        }
        while let Some(event) = self.media.poll_event() {
            let _ = self.commands.try_send(match event {
                ClientMediaEvent::RequestKeyframe => ClientCommand::RequestKeyframe,
                ClientMediaEvent::RequestRfi { first, last } => ClientCommand::FramesLost { first, last },
                ClientMediaEvent::LossReport { ppm } => ClientCommand::ReportLoss { ppm },
                ClientMediaEvent::FrameLost { .. } => continue,
            });
        }
    }

    fn report(&self) -> Visit {
        let seconds = self.begun.elapsed().as_secs_f64();
        let frames = self.frames;
        if frames < FRAMES {
            let fault = format!("only {frames} of {FRAMES} frames arrived within {seconds:.0} s");
            return Visit { stream: Err(fault), input: Err("not tried".into()) };
        }
        let rate = frames as f64 / seconds.max(0.001);
        let input = match self.press {
            Press::Answered { after } => Ok(format!("a key press changed the picture after {} ms", after.as_millis())),
            Press::NotYet => Err(format!("{frames} frames arrived, but none could be decoded")),
            Press::Made { first, .. } => {
                Err(format!("a key press changed nothing in the picture within {:.0} s", first.elapsed().as_secs_f64()))
            }
        };
        let picture = format!("{frames} frames of 640x360 arrived, {rate:.1} a second");
        let stream = match self.heard() {
            None => Ok(picture),
            Some(sounds) if sounds >= SOUNDS => Ok(format!("{picture}, and {sounds} packets of sound")),
            Some(sounds) => {
                Err(format!("only {sounds} of {SOUNDS} packets of sound arrived within {seconds:.0} s; {picture}"))
            }
        };
        Visit { stream, input }
    }
}

/// What follows from another picture.
fn press(commands: &mpsc::Sender<ClientCommand>, press: Press, seen: Impression) -> Press {
    let make = |before, first| {
        for pressed in [true, false] {
            let _ = commands.try_send(ClientCommand::Input(InputEvent::Key { vk: KEY, pressed }));
        }
        Press::Made { before, at: Instant::now(), first }
    };
    match press {
        Press::NotYet => make(seen, Instant::now()),
        Press::Made { before, first, .. } if seen.distance(&before) > CHANGED => {
            Press::Answered { after: first.elapsed() }
        }
        Press::Made { before, at, first } if at.elapsed() > PRESS_AGAIN => make(before, first),
        other => other,
    }
}

fn client_clock() -> ClientTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    ClientTime::from_nanos(since.as_nanos() as u64)
}
