//! The deliberately small host of wire specification section 6.4: it speaks in bytes and knows only what its ways
//! say. What it is told is kept.

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, mpsc as channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use punktfunk_proto::{
    session::{
        ControlSession, Transmit,
        host_media::{AccessUnit, HostMedia},
        media::MediaParams,
    },
    units::{Fingerprint, HostClock, HostTime},
    video::UnitKind,
    wire::{ControlMessage, FrameReader, Hello, Start, Welcome, frame},
};
use punktfunk_transport::{Link, MediaSocket, Role, Server, ServerOptions, drive};
use tokio::sync::{mpsc, oneshot};

use super::film::{self, film};
use crate::common::{identity, welcome};

/// How the host differs from a plain one.
#[derive(Clone)]
pub(super) struct Ways {
    /// Changes what Welcome says.
    pub(super) welcome: fn(&mut Welcome),
    /// Welcome is cut to so many bytes.
    pub(super) welcome_bytes: usize,
    /// Hello is answered after this.
    pub(super) hesitates: Duration,
    pub(super) echoes: bool,
    /// Something unsolicited is said before this clock round.
    pub(super) interrupts_round: Option<usize>,
    pub(super) awaits_punch: bool,
    /// Which datagrams never arrive.
    pub(super) loses: fn(Sent) -> bool,
}

/// One datagram of media; all numbers from 0.
#[derive(Clone, Copy)]
pub(super) struct Sent {
    pub(super) frame: u32,
    pub(super) within_frame: usize,
    pub(super) overall: u64,
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            welcome: |_| {},
            welcome_bytes: 68,
            hesitates: Duration::ZERO,
            echoes: true,
            interrupts_round: None,
            awaits_punch: true,
            loses: |_| false,
        }
    }
}

/// The small host, serving one client after the other until it is dropped.
pub(super) struct SmallHost {
    pub(super) address: SocketAddr,
    pub(super) fingerprint: Fingerprint,
    heard: Arc<Mutex<Vec<ControlMessage>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SmallHost {
    pub(super) fn start(ways: Ways) -> Self {
        let identity = identity();
        let (fingerprint, heard) = (identity.fingerprint(), Arc::default());
        let (stop, mut stopped) = oneshot::channel();
        let (bound, is_bound) = channel::channel();
        let keeps = Arc::clone(&heard);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let any = "127.0.0.1:0".parse().unwrap();
                let server = Server::bind(any, &identity, ServerOptions::default()).unwrap();
                bound.send(server.local_addr().unwrap()).unwrap();
                while let Some(link) = tokio::select! { link = server.accept() => link, _ = &mut stopped => None } {
                    attend(&link, &ways, &keeps).await;
                }
            });
        });
        let address = is_bound.recv().unwrap();
        Self { address, fingerprint, heard, stop: Some(stop), thread: Some(thread) }
    }

    /// Every typed message the client sent, in order.
    pub(super) fn heard(&self) -> Vec<ControlMessage> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for SmallHost {
    fn drop(&mut self) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            let _ = stop.send(());
            let _ = thread.join();
        }
    }
}

async fn attend(link: &Link, ways: &Ways, heard: &Arc<Mutex<Vec<ControlMessage>>>) {
    let socket = MediaSocket::bind(link.peer.ip(), 0).unwrap();
    let session = Session {
        peer: link.peer.ip(),
        ways: ways.clone(),
        heard: Arc::clone(heard),
        socket: Some(socket),
        state: State::AwaitingHello,
        reader: FrameReader::new(),
        outbox: VecDeque::new(),
        rounds: 0,
        alive: Arc::default(),
    };
    let (_keep, commands) = mpsc::channel(1);
    drive(session, host_now, link, Role::Accepts, commands, |()| {}).await;
}

fn host_now() -> HostTime {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    HostTime::from_nanos(since.as_nanos() as u64)
}

enum State {
    AwaitingHello,
    Hesitating { until: Instant, welcome: Vec<u8> },
    AwaitingStart(Vec<u8>),
    Streaming,
}

struct Session {
    peer: IpAddr,
    ways: Ways,
    heard: Arc<Mutex<Vec<ControlMessage>>>,
    socket: Option<MediaSocket>,
    state: State,
    reader: FrameReader,
    outbox: VecDeque<Transmit>,
    rounds: usize,
    /// Its copies are gone when the session is.
    alive: Arc<()>,
}

impl Session {
    fn handle_message(&mut self, now: Instant, clock: HostTime, payload: &[u8]) {
        match std::mem::replace(&mut self.state, State::Streaming) {
            State::AwaitingHello => {
                let hello = Hello::decode(payload).unwrap();
                let port = self.socket.as_ref().expect("kept until Start").local_addr().unwrap().port();
                let mut welcome = welcome(&hello, port);
                (self.ways.welcome)(&mut welcome);
                let mut welcome = welcome.encode();
                welcome.truncate(self.ways.welcome_bytes);
                self.state = State::Hesitating { until: now + self.ways.hesitates, welcome };
                self.handle_timeout(now);
            }
            State::AwaitingStart(welcome) => self.roll(&welcome, Start::decode(payload).unwrap().media_port),
            State::Streaming => self.handle_typed(clock, ControlMessage::decode(payload).unwrap()),
            State::Hesitating { .. } => panic!("a client waits for its Welcome"),
        }
    }

    fn handle_typed(&mut self, clock: HostTime, message: ControlMessage) {
        if let ControlMessage::ClockProbe { t1 } = message {
            if self.ways.interrupts_round == Some(self.rounds) {
                self.say(&ControlMessage::BitrateChanged { kbps: 4_321 }.encode());
            }
            self.rounds += 1;
            if self.ways.echoes {
                self.say(&ControlMessage::ClockEcho { t1, t2: clock, t3: clock }.encode());
            }
        }
        self.heard.lock().unwrap().push(message);
    }

    fn say(&mut self, payload: &[u8]) {
        self.outbox.push_back(Transmit::Stream(frame(payload)));
    }

    /// Streams the film to `port` on a thread of its own, for as long as the session lives.
    fn roll(&mut self, welcome: &[u8], port: u16) {
        let welcome = Welcome::decode(welcome).unwrap();
        let mut projector = Projector {
            media: HostMedia::new(MediaParams::from_welcome(&welcome)).unwrap(),
            socket: self.socket.take().expect("kept until Start"),
            loses: self.ways.loses,
            sent: 0,
        };
        let (awaits_punch, alive) = (self.ways.awaits_punch, Arc::downgrade(&self.alive));
        let announced = SocketAddr::new(self.peer, port);
        std::thread::spawn(move || {
            if awaits_punch {
                projector.socket.await_punch(announced, Duration::from_secs(10)).unwrap().expect("a punch");
            }
            projector.socket.connect(announced).unwrap();
            for (number, unit) in (0..).zip(film(welcome.codec).iter().cycle()) {
                if alive.strong_count() == 0 {
                    return;
                }
                projector.show(number, unit);
                std::thread::sleep(Duration::from_secs(1) / film::FPS);
            }
        });
    }
}

impl ControlSession for Session {
    type Clock = HostClock;
    type Event = ();
    type Command = ();

    fn handle_stream(&mut self, now: Instant, clock: HostTime, bytes: &[u8]) {
        self.reader.push(bytes);
        while let Some(payload) = self.reader.next_frame().map(<[u8]>::to_vec) {
            self.handle_message(now, clock, &payload);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if let State::Hesitating { until, welcome } = &mut self.state
            && now >= *until
        {
            let welcome = std::mem::take(welcome);
            self.say(&welcome);
            self.state = State::AwaitingStart(welcome);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Hesitating { until, .. } => Some(until),
            _ => None,
        }
    }

    fn poll_transmit(&mut self, _now: Instant, _clock: HostTime) -> Option<Transmit> {
        self.outbox.pop_front()
    }

    fn poll_event(&mut self) -> Option<()> {
        None
    }

    fn handle_stream_end(&mut self, _now: Instant) {}
    fn handle_datagram(&mut self, _now: Instant, _datagram: &[u8]) {}
    fn handle_closed(&mut self, _now: Instant, _close: Option<(u32, String)>) {}
    fn handle_command(&mut self, _now: Instant, (): ()) {}
}

struct Projector {
    media: HostMedia,
    socket: MediaSocket,
    loses: fn(Sent) -> bool,
    /// Datagrams, the lost ones too.
    sent: u64,
}

impl Projector {
    fn show(&mut self, number: u32, unit: &film::Unit) {
        let kind = if unit.is_idr { UnitKind::Idr } else { UnitKind::Delta };
        self.media.submit(Instant::now(), AccessUnit { bytes: &unit.bytes, pts: host_now(), kind }).unwrap();
        let mut out = Vec::new();
        let mut within_frame = 0;
        loop {
            out.clear();
            if let Some(batch) = self.media.poll_transmit(Instant::now(), &mut out) {
                for datagram in out.chunks(batch.segment) {
                    if !(self.loses)(Sent { frame: number, within_frame, overall: self.sent }) {
                        // The client may be gone.
                        let _ = self.socket.send_batch(datagram, datagram.len());
                    }
                    self.sent += 1;
                    within_frame += 1;
                }
            } else if let Some(due) = self.media.poll_timeout() {
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            } else {
                return;
            }
        }
    }
}
