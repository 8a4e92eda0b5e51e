//! The session's sound: from the companion's socket to datagrams on the control connection.
//!
//! The thread `pf-sound` wakes 200 times a second while something is played, and not at all while nothing is. Sockets and
//! buffers are made at the session's start; a packet allocates nothing but the datagram that the connection keeps.

mod allowance;
mod talk;

use std::{
    ffi::OsString,
    io,
    os::fd::OwnedFd,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

use punktfunk_audio::{
    FRAME_TIME, Layout,
    line::{Said, SoundFault, packet_bytes},
};
use punktfunk_proto::units::{Bitrate, HostTime};
use punktfunk_video::display::Companion;
use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll},
    io::Errno,
    net::{AddressFamily, RecvFlags, SocketFlags, SocketType, recv, socketpair},
};

use self::{allowance::Allowance, talk::Talk};
use super::stats::SessionStats;
use crate::supervisor::host_clock;

/// How a session's sound is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoundPlan {
    /// Its channels.
    pub layout: Layout,
    /// What the outlet gets.
    pub form: SoundForm,
}

/// What an outlet gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundForm {
    /// Datagrams of our own protocol.
    Datagrams {
        /// Whether each repeats the packet before its own (spec section 5.1).
        is_redundant: bool,
    },
    /// Opus packets of one length, as GameStream has them; the outlet makes datagrams of them.
    Packets {
        /// Every channel for itself, at a multiple of the rate.
        high_quality: bool,
    },
}

impl SoundPlan {
    /// Whether a client that this was agreed with can play sound of `layout`.
    pub fn is_of(&self, layout: Layout) -> bool {
        matches!(self.form, SoundForm::Datagrams { .. }) || self.layout == layout
    }

    /// Whether every datagram repeats the packet before its own.
    pub const fn is_redundant(&self) -> bool {
        matches!(self.form, SoundForm::Datagrams { is_redundant: true })
    }
}

/// What becomes of a session's sound: told by its thread when it changes.
pub type SoundWord = Result<(), SoundFault>;

/// The host's end of a companion, and what it has said of itself so far. It lives as long as the display, over sessions.
#[derive(Debug)]
pub struct SoundLine {
    socket: Arc<OwnedFd>,
    layout: Layout,
    state: LineState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineState {
    /// It was started.
    Starting { since: Instant },
    /// It captures what is played.
    Ready,
    /// There will be no more sound.
    Over(SoundFault),
}

/// How long a sound server may take to come up: longer than the companion gives it.
const READY_WITHIN: Duration = Duration::from_secs(40);

impl SoundLine {
    /// A line, and the companion for the other end: this program.
    ///
    /// # Errors
    /// The system has no sockets left, or cannot name this program.
    pub fn open(layout: Layout) -> io::Result<(Self, Companion)> {
        let this = std::env::current_exe()?;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        let socket = Arc::new(ours);
        let channels = OsString::from(layout.channels().to_string());
        let command = vec![this.into_os_string(), "session-sound".into(), "--channels".into(), channels];
        let companion = Companion { command, socket: Arc::new(theirs), ready: Some(Arc::clone(&socket)) };
        Ok((Self { socket, layout, state: LineState::Starting { since: Instant::now() } }, companion))
    }

    /// One that has nothing at its other end.
    pub fn without(layout: Layout, fault: SoundFault) -> io::Result<Self> {
        let (mut line, _companion) = Self::open(layout)?;
        line.state = LineState::Over(fault);
        Ok(line)
    }

    /// Its channels.
    pub fn layout(&self) -> Layout {
        self.layout
    }
}

/// What the thread is told.
enum SoundMessage {
    /// The client said Start.
    Begin(Outlet),
    /// The video rate.
    Bitrate(Bitrate),
    Stop,
}

/// Takes datagrams; never blocks.
pub type Outlet = Box<dyn FnMut(Vec<u8>) + Send>;

/// A way to the thread. No call blocks.
#[derive(Clone)]
pub struct SoundHandle {
    messages: SyncSender<SoundMessage>,
    wake: Arc<OwnedFd>,
}

impl SoundHandle {
    /// Send to `outlet` from now on.
    pub fn begin(&self, outlet: Outlet) {
        self.tell(SoundMessage::Begin(outlet));
    }

    /// The video rate, of which sound takes its share.
    pub fn set_bitrate(&self, bitrate: Bitrate) {
        self.tell(SoundMessage::Bitrate(bitrate));
    }

    /// End the thread.
    pub fn stop(&self) {
        // A thread that is gone already needs no message; a full queue is emptied at once.
        let _ = self.messages.send(SoundMessage::Stop);
        self.wake();
    }

    fn tell(&self, message: SoundMessage) {
        if self.messages.try_send(message).is_ok() {
            self.wake();
        }
    }

    fn wake(&self) {
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }
}

/// Messages on their way to the thread.
const MESSAGES: usize = 16;

/// Everything the thread owns.
pub struct SoundLoop {
    line: SoundLine,
    talk: Option<Talk>,
    outlet: Option<Outlet>,
    inbox: Receiver<SoundMessage>,
    wake: Arc<OwnedFd>,
    allowance: Allowance,
    told: Box<dyn Fn(SoundWord) + Send>,
    stats: Arc<SessionStats>,
}

impl SoundLoop {
    /// A loop over `line` beside video of `video` that tells `told` what becomes of the sound, and a way to it.
    ///
    /// # Errors
    /// The system has no descriptor left.
    pub fn new(
        line: SoundLine,
        (plan, video): (SoundPlan, Bitrate),
        told: Box<dyn Fn(SoundWord) + Send>,
        stats: Arc<SessionStats>,
    ) -> io::Result<(Self, SoundHandle)> {
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let (messages, inbox) = sync_channel(MESSAGES);
        let talk = Talk::new(SoundPlan { layout: line.layout, ..plan }, video.kbps())
            .inspect_err(|error| tracing::error!(%error, "there is no encoder for sound"))
            .ok();
        let allowance = Allowance::new(Instant::now());
        let handle = SoundHandle { messages, wake: Arc::clone(&wake) };
        Ok((Self { line, talk, outlet: None, inbox, wake, allowance, told, stats }, handle))
    }

    /// Runs until it is told to stop; what is left is the line.
    pub fn run(mut self) -> SoundLine {
        let mut packet = vec![0; packet_bytes(self.line.layout) + 1];
        if let LineState::Over(fault) = self.line.state {
            (self.told)(Err(fault));
        }
        loop {
            if self.take_messages(&mut packet) {
                return self.line;
            }
            let now = Instant::now();
            self.grow_impatient(now);
            match self.allowance.wait(now) {
                Some(pause) => self.sleep(Some(pause), false),
                None if self.is_unheard() => self.sleep(None, false),
                None => {
                    if !self.receive(&mut packet) {
                        self.sleep(self.patience(now), !self.is_over());
                    }
                }
            }
        }
    }

    /// Does what it is told; whether that is to end.
    fn take_messages(&mut self, packet: &mut [u8]) -> bool {
        let _ = rustix::io::read(&self.wake, &mut [0; 8]);
        while let Ok(message) = self.inbox.try_recv() {
            match message {
                SoundMessage::Begin(outlet) => {
                    self.forget_what_waits(packet);
                    self.outlet = Some(outlet);
                }
                SoundMessage::Bitrate(bitrate) => {
                    if let Some(talk) = &mut self.talk {
                        talk.set_video(bitrate.kbps());
                    }
                }
                SoundMessage::Stop => return true,
            }
        }
        false
    }

    /// What was played before a client listens is old by now.
    fn forget_what_waits(&mut self, packet: &mut [u8]) {
        for _ in 0..MAX_WAITING {
            if !self.receive(packet) {
                return;
            }
        }
    }

    /// Takes the next packet of the companion; `false`: there is none now.
    fn receive(&mut self, packet: &mut [u8]) -> bool {
        if self.is_over() {
            return false;
        }
        match recv(&self.line.socket, &mut *packet, RecvFlags::DONTWAIT) {
            Ok((0, _)) => self.end(SoundFault::Companion),
            Ok((length, _)) => self.hear(&packet[..length]),
            Err(Errno::AGAIN | Errno::INTR) => return false,
            Err(_) => self.end(SoundFault::Companion),
        }
        true
    }

    fn hear(&mut self, packet: &[u8]) {
        match Said::decode(packet, self.line.layout) {
            Some(Said::Sound(sound)) => {
                self.allowance.take(Instant::now());
                let (Some(talk), Some(outlet)) = (&mut self.talk, &mut self.outlet) else { return };
                let captured = HostTime::from_nanos(host_clock().nanos().saturating_sub(FRAME_TIME.as_nanos() as u64));
                if let Some(datagram) = talk.say(sound, captured) {
                    outlet(datagram.to_vec());
                    self.stats.count_sound(1);
                }
            }
            Some(Said::Listening) => self.allowance.take(Instant::now()),
            Some(Said::Ready) => {
                self.allowance.take(Instant::now());
                if matches!(self.line.state, LineState::Starting { .. }) {
                    self.line.state = LineState::Ready;
                    (self.told)(Ok(()));
                }
            }
            Some(Said::Fault(fault)) => self.end(fault),
            None => {
                self.allowance.take(Instant::now());
                self.stats.refuse_sound(1);
            }
        }
    }

    fn end(&mut self, fault: SoundFault) {
        self.line.state = LineState::Over(fault);
        (self.told)(Err(fault));
    }

    fn is_over(&self) -> bool {
        matches!(self.line.state, LineState::Over(_))
    }

    /// Nobody listens yet, and the companion has said all there is to say: its packets may wait where they are.
    fn is_unheard(&self) -> bool {
        self.outlet.is_none() && self.line.state == LineState::Ready
    }

    fn grow_impatient(&mut self, now: Instant) {
        if self.patience(now).is_some_and(|left| left.is_zero()) {
            self.end(SoundFault::Silent);
        }
    }

    /// How long the companion may still take to come up.
    fn patience(&self, now: Instant) -> Option<Duration> {
        match self.line.state {
            LineState::Starting { since } => Some((since + READY_WITHIN).saturating_duration_since(now)),
            LineState::Ready | LineState::Over(_) => None,
        }
    }

    /// Waits for a message, for `time`, or, if it listens, for the companion.
    fn sleep(&self, time: Option<Duration>, listens: bool) {
        let mut watched = [PollFd::new(&self.wake, PollFlags::IN), PollFd::new(&self.line.socket, PollFlags::IN)];
        let watched = if listens { &mut watched[..] } else { &mut watched[..1] };
        let time = time.and_then(|time| Timespec::try_from(time).ok());
        // An interrupted wait is one that ended early.
        let _ = poll(watched, time.as_ref());
    }
}

/// More packets than a socket holds.
const MAX_WAITING: usize = 4_096;
