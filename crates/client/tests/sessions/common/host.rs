//! A host for one test: it decides as the test says and keeps what it was sent.

use std::{
    net::SocketAddr,
    sync::{Arc, Condvar, Mutex, mpsc as channel},
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use punktfunk_proto::{
    session::host_control::{Admission, HostCommand, HostControl, HostEvent},
    units::{Bitrate, Fingerprint, HostTime, Mode},
    wire::{
        AudioFormat, Chroma, Cipher, CloseCode, Codec, Colour, Compositor, FecScheme, GamepadKind, Grants, Hello,
        HostCaps, Secret, VERSION, Welcome, datagram::InputEvent,
    },
};
use punktfunk_transport::{Link, MediaSocket, Role, Server, ServerOptions, TlsIdentity, drive};
use tokio::sync::{mpsc, oneshot};

use super::media::{MediaMessage, stream};

/// What the host makes of a Hello.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Admit {
    Now,
    After(Duration),
    Refuse(CloseCode, &'static str),
    /// Says nothing, for ever.
    Never,
}

/// How the host behaves.
#[derive(Clone, Debug)]
pub(crate) struct Ways {
    pub(crate) admit: Admit,
    /// The PIN or token that is armed, if any.
    pub(crate) pin: Option<&'static str>,
    /// So many connections are closed before anything is said on them.
    pub(crate) closes_first: usize,
    pub(crate) refuse_modes: bool,
    /// This frame is encoded and never sent.
    pub(crate) withhold: Option<u32>,
    /// Closes like this once so many frames were sent.
    pub(crate) close_after: Option<(u32, CloseCode)>,
    /// The identity it says it will have next.
    pub(crate) successor: Option<Fingerprint>,
    /// What the client is told about its access as soon as it streams.
    pub(crate) access: Option<(Grants, Option<Duration>)>,
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            admit: Admit::Now,
            pin: None,
            closes_first: 0,
            refuse_modes: false,
            withhold: None,
            close_after: None,
            successor: None,
            access: None,
        }
    }
}

/// What the host was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) hellos: Vec<Hello>,
    pub(crate) inputs: Vec<InputEvent>,
    pub(crate) modes: Vec<Mode>,
    pub(crate) paired: Vec<Fingerprint>,
    /// Pairing messages of clients. Each is answered by one of ours.
    pub(crate) pairing_messages: usize,
    pub(crate) connections: usize,
}

/// What was heard, and that there is more of it.
#[derive(Debug, Default)]
struct Record {
    heard: Mutex<Heard>,
    changed: Condvar,
}

impl Record {
    fn note(&self, note: impl FnOnce(&mut Heard)) {
        note(&mut self.heard.lock().unwrap());
        self.changed.notify_all();
    }
}

pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    pub(crate) fingerprint: Fingerprint,
    heard: Arc<Record>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Host {
    pub(crate) fn start(ways: Ways) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), identity(), ways)
    }

    /// At a given address with a given certificate.
    pub(crate) fn start_at(address: SocketAddr, identity: TlsIdentity, ways: Ways) -> Self {
        let heard = Arc::new(Record::default());
        let fingerprint = identity.fingerprint();
        let (stop, stopped) = oneshot::channel();
        let (bound, is_bound) = channel::channel();
        let keeps = Arc::clone(&heard);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let server = Server::bind(address, &identity, ServerOptions::default()).unwrap();
                bound.send(server.local_addr().unwrap()).unwrap();
                tokio::select! {
                    () = serve(&server, fingerprint, &ways, &keeps) => {}
                    _ = stopped => {}
                }
                server.shutdown(0, "").await;
            });
        });
        let address = is_bound.recv().unwrap();
        Self { address, fingerprint, heard, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn heard(&self) -> Heard {
        self.heard.heard.lock().unwrap().clone()
    }

    /// Waits for it.
    pub(crate) fn heard_until(&self, enough: impl Fn(&Heard) -> bool) -> Heard {
        let heard = self.heard.heard.lock().unwrap();
        self.heard.changed.wait_while(heard, |heard| !enough(heard)).unwrap().clone()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            let _ = stop.send(());
            let _ = thread.join();
        }
    }
}

/// A certificate nobody has seen before.
pub(crate) fn identity() -> TlsIdentity {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap().self_signed(&key).unwrap();
    TlsIdentity::new(certificate.der().to_vec(), key.serialize_der())
}

pub(super) fn host_now() -> HostTime {
    HostTime::from_nanos(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64)
}

async fn serve(server: &Server, fingerprint: Fingerprint, ways: &Ways, heard: &Arc<Record>) {
    let mut closes = ways.closes_first;
    while let Some(link) = server.accept().await {
        heard.note(|heard| heard.connections += 1);
        if closes > 0 {
            closes -= 1;
            link.close(0, "");
            continue;
        }
        tokio::spawn(attend(link, fingerprint, ways.clone(), Arc::clone(heard)));
    }
}

async fn attend(link: Link, fingerprint: Fingerprint, ways: Ways, heard: Arc<Record>) {
    let control = HostControl::new(Instant::now(), link.peer_fingerprint, fingerprint);
    let (commands, inbox) = mpsc::channel(1_024);
    let (outbox, mut events) = mpsc::unbounded_channel();
    let mut desk =
        Desk { ways, heard, commands, media: None, socket: None, peer: link.peer, client: link.peer_fingerprint };
    let driving = drive(control, host_now, &link, Role::Accepts, inbox, move |event| {
        let _ = outbox.send(event);
    });
    tokio::pin!(driving);
    loop {
        tokio::select! {
            _ = &mut driving => break,
            Some(event) = events.recv() => desk.take(event),
        }
    }
}

/// Answers one connection.
struct Desk {
    ways: Ways,
    heard: Arc<Record>,
    commands: mpsc::Sender<HostCommand>,
    media: Option<channel::Sender<MediaMessage>>,
    socket: Option<(MediaSocket, Welcome)>,
    peer: SocketAddr,
    client: Option<Fingerprint>,
}

impl Desk {
    fn take(&mut self, event: HostEvent) {
        match event {
            HostEvent::PairingRequested { .. } => {
                self.heard.note(|heard| heard.pairing_messages += 1);
                match self.ways.pin {
                    Some(pin) => self.say(HostCommand::BeginPairing { secret: pin.parse().unwrap(), seed: [7; 64] }),
                    None => self.refuse(CloseCode::PairingNotArmed, ""),
                }
            }
            HostEvent::PairingAnswered => self.say(HostCommand::SendChallenge),
            HostEvent::PairingProven { .. } => {
                self.heard.note(|heard| {
                    heard.pairing_messages += 1;
                    heard.paired.extend(self.client);
                });
                self.say(HostCommand::PairingStored { ok: true });
            }
            HostEvent::Hello(hello) => self.admit(*hello),
            HostEvent::Started { media_port } => self.start(media_port),
            HostEvent::ModeChanged(mode) => {
                self.heard.note(|heard| heard.modes.push(mode));
                self.media(MediaMessage::Mode(mode));
            }
            HostEvent::KeyframeRequested | HostEvent::FramesLost { .. } => self.media(MediaMessage::Keyframe),
            HostEvent::Input(event) => {
                self.heard.note(|heard| heard.inputs.push(event));
                self.media(MediaMessage::Input(event));
            }
            HostEvent::ProbeRequested { rate, duration } => self.media(MediaMessage::Probe { rate, duration }),
            HostEvent::PairingMalformed
            | HostEvent::PairingFailed
            | HostEvent::Loss { .. }
            | HostEvent::BitrateChanged(_)
            | HostEvent::Closed(_) => {}
        }
    }

    fn admit(&mut self, hello: Hello) {
        self.heard.note(|heard| heard.hellos.push(hello.clone()));
        let delay = match self.ways.admit {
            Admit::Now => Duration::ZERO,
            Admit::After(delay) => delay,
            Admit::Refuse(code, reason) => return self.refuse(code, reason),
            Admit::Never => return,
        };
        let socket = MediaSocket::bind("127.0.0.1".parse().unwrap(), 0).unwrap();
        let welcome = welcome(&hello, socket.local_addr().unwrap().port());
        self.socket = Some((socket, welcome.clone()));
        let (default_bitrate, bitrate_ceiling) = (Bitrate::from_mbps(10), Bitrate::from_mbps(100));
        let admission = Admission { welcome, default_bitrate, bitrate_ceiling, mode_is_fixed: false };
        let commands = self.commands.clone();
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let _ = commands.send(HostCommand::Accept(Box::new(admission))).await;
        });
    }

    fn start(&mut self, media_port: u16) {
        let (socket, welcome) = self.socket.take().expect("a socket was bound before Welcome");
        if let Some(successor) = self.ways.successor {
            self.say(HostCommand::AnnounceSuccessor(successor));
        }
        if let Some((grants, remaining)) = self.ways.access {
            self.say(HostCommand::AccessChanged { grants, remaining });
        }
        let (messages, inbox) = channel::channel();
        self.media = Some(messages);
        let (ways, commands) = (self.ways.clone(), self.commands.clone());
        let announced = SocketAddr::new(self.peer.ip(), media_port);
        std::thread::spawn(move || stream(socket, &welcome, announced, &ways, &inbox, &commands));
    }

    fn refuse(&self, code: CloseCode, reason: &str) {
        self.say(HostCommand::Refuse { code, reason: reason.into() });
    }

    fn say(&self, command: HostCommand) {
        self.commands.try_send(command).expect("the queue is long");
    }

    fn media(&self, message: MediaMessage) {
        // The stream may have ended.
        let _ = self.media.as_ref().map(|media| media.send(message));
    }
}

/// A Welcome with everything as the client asked, media on `media_port`.
pub(crate) fn welcome(hello: &Hello, media_port: u16) -> Welcome {
    Welcome {
        version: VERSION,
        media_port,
        mode: hello.mode,
        fec_scheme: FecScheme::Gf16,
        fec_percent: 10,
        max_block_shards: 4_096,
        shard_payload: 1_408,
        encrypted: true,
        aes_key: Secret::from([3; 16]),
        salt: [1, 2, 3, 4],
        frames: 0,
        compositor: Compositor::Auto,
        gamepad: GamepadKind::Auto,
        bitrate_kbps: 10_000,
        bit_depth: 8,
        colour: Colour::BT709,
        chroma: Chroma::default(),
        audio_channels: 2,
        codec: Codec::H264,
        host_caps: HostCaps::NONE,
        cipher: Cipher::Aes128Gcm,
        mgmt_port: 0,
        grants: Grants::ALL,
        access_expires_s: 0,
        audio: AudioFormat::default(),
    }
}
