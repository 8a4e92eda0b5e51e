//! Runs a control session of either side over a [`Link`].
//!
//! One task per connection. All protocol is the session's; this file only moves bytes in the order the session asks
//! for, and bounds what a peer that does not read can make it hold.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use punktfunk_proto::{
    session::{ControlSession, Transmit},
    units::Timestamp,
};
use quinn::{ReadError, RecvStream, SendStream};
use tokio::sync::mpsc;

use crate::{Ended, Link};

/// Which side this is: the client opens the control stream, the host accepts it (spec section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The client.
    Opens,
    /// The host.
    Accepts,
}

/// What was written is given this long to arrive before a close (also: a close packet to leave).
const FLUSH: Duration = Duration::from_millis(300);
/// After the end of the stream this long is waited for the close code that explains it (spec section 2.6).
const CLOSE_CODE_PATIENCE: Duration = Duration::from_millis(300);
/// Bytes written longer ago than this have arrived or will not.
const IN_FLIGHT: Duration = Duration::from_secs(1);
/// With this much unsent, no more is read: who asks without reading the answers waits for himself.
const OUTBOX_SOFT: usize = 256 * 1_024;
/// With this much unsent, the peer is given up.
const OUTBOX_HARD: usize = 4 * 1_024 * 1_024;
/// The close code for an end by error (spec section 2.6).
const FAILED: u32 = 0x01;
/// The largest piece of the stream handed to the session at once.
const READ_MAX: usize = 64 * 1_024;

/// Drives `session` over `link` until the connection ends, and says how it ended.
///
/// `clock` is the real-time clock of this side. `on_event` is called on the driver's task and must not block. When
/// the sender of `commands` is dropped the session goes on; to end it, send the command for that.
pub async fn drive<S: ControlSession>(
    session: S,
    clock: impl Fn() -> Timestamp<S::Clock> + Send,
    link: &Link,
    role: Role,
    mut commands: mpsc::Receiver<S::Command>,
    on_event: impl FnMut(S::Event) + Send,
) -> Ended {
    let mut driver = Driver {
        session,
        clock,
        on_event,
        link,
        role,
        reading: Reading::NotOpen,
        writing: None,
        outbox: Outbox::default(),
        closing: None,
    };
    let mut commands_open = true;
    driver.pump();
    loop {
        if let Some((code, reason)) = driver.closing.take() {
            return driver.close(code, &reason).await;
        }
        match driver.next_step(&mut commands, commands_open).await {
            Step::Ended(ended) => return driver.ended(ended),
            Step::CommandsGone => commands_open = false,
            step => driver.take(step),
        }
        driver.pump();
    }
}

struct Driver<'a, S, C, E> {
    session: S,
    clock: C,
    on_event: E,
    link: &'a Link,
    role: Role,
    reading: Reading,
    writing: Option<SendStream>,
    outbox: Outbox,
    closing: Option<(u32, String)>,
}

/// Our end of the peer's half of the control stream.
enum Reading {
    NotOpen,
    Open(RecvStream),
    /// It is over; the session hears of it then, unless a close code comes first.
    Over {
        report_at: Instant,
    },
    Reported,
}

/// One thing that happened.
enum Step<Command> {
    Command(Command),
    CommandsGone,
    Timeout,
    Opened(SendStream, RecvStream),
    Wrote(usize),
    /// The peer takes no more of what we write.
    WriteRefused,
    Read(Vec<u8>),
    ReadOver,
    ReportReadOver,
    Datagram(Vec<u8>),
    Ended(Ended),
}

impl<S, C, E> Driver<'_, S, C, E>
where
    S: ControlSession,
    C: Fn() -> Timestamp<S::Clock> + Send,
    E: FnMut(S::Event) + Send,
{
    /// Does what the session asks for and tells the owner what it has to tell.
    fn pump(&mut self) {
        while self.closing.is_none() {
            match self.session.poll_transmit(Instant::now(), (self.clock)()) {
                None => break,
                Some(Transmit::Stream(bytes)) => self.outbox.push(bytes),
                Some(Transmit::Datagram(bytes)) => self.link.send_datagram(bytes),
                Some(Transmit::Finish) => self.outbox.finish = true,
                Some(Transmit::Close { code, reason }) => self.closing = Some((code, reason)),
            }
        }
        self.finish_when_written();
        self.tell_events();
        if self.closing.is_none() && self.outbox.bytes > OUTBOX_HARD {
            tracing::warn!(peer = %self.link.peer, "given up: it does not read what it is sent");
            self.closing = Some((FAILED, "control messages are not being read".to_owned()));
        }
    }

    fn tell_events(&mut self) {
        while let Some(event) = self.session.poll_event() {
            (self.on_event)(event);
        }
    }

    /// Waits for the next thing to happen. Dropping the future loses nothing: every part is cancel-safe.
    ///
    /// The order matters: our own timers and commands are never starved by a peer, and what a peer wrote before it
    /// closed is read before the close is reported.
    async fn next_step(&mut self, commands: &mut mpsc::Receiver<S::Command>, commands_open: bool) -> Step<S::Command> {
        let connection = self.link.connection();
        let timeout = self.session.poll_timeout();
        let may_read = self.outbox.bytes < OUTBOX_SOFT;
        let not_open = matches!(self.reading, Reading::NotOpen);
        tokio::select! {
            biased;
            command = commands.recv(), if commands_open => command.map_or(Step::CommandsGone, Step::Command),
            () = until(timeout) => Step::Timeout,
            wrote = write(self.writing.as_mut(), self.outbox.front()) => wrote.map_or(Step::WriteRefused, Step::Wrote),
            step = read(&mut self.reading, may_read) => step,
            Ok(datagram) = connection.read_datagram() => Step::Datagram(datagram.into()),
            Ok((send, recv)) = control_stream(self.link, self.role), if not_open => Step::Opened(send, recv),
            ended = self.link.closed() => Step::Ended(ended),
        }
    }

    fn take(&mut self, step: Step<S::Command>) {
        let now = Instant::now();
        match step {
            Step::Command(command) => self.session.handle_command(now, command),
            Step::Timeout => self.session.handle_timeout(now),
            Step::Opened(send, recv) => (self.writing, self.reading) = (Some(send), Reading::Open(recv)),
            Step::Wrote(bytes) => self.outbox.written(now, bytes),
            Step::WriteRefused => {
                self.outbox = Outbox::default();
                self.writing = None;
                self.read_over(now);
            }
            Step::Read(bytes) => self.session.handle_stream(now, (self.clock)(), &bytes),
            Step::ReadOver => self.read_over(now),
            Step::ReportReadOver => {
                self.reading = Reading::Reported;
                self.session.handle_stream_end(now);
            }
            Step::Datagram(bytes) => self.session.handle_datagram(now, &bytes),
            Step::CommandsGone | Step::Ended(_) => {}
        }
    }

    fn read_over(&mut self, now: Instant) {
        if matches!(self.reading, Reading::NotOpen | Reading::Open(_)) {
            self.reading = Reading::Over { report_at: now + CLOSE_CODE_PATIENCE };
        }
    }

    fn finish_when_written(&mut self) {
        if let Some(stream) = self.writing.as_mut().filter(|_| self.outbox.finish && self.outbox.is_empty()) {
            // Only a stream that was finished before refuses, and that is what is wanted.
            let _ = stream.finish();
        }
    }

    /// The session ends the connection.
    async fn close(mut self, code: u32, reason: &str) -> Ended {
        let _ = tokio::time::timeout(FLUSH, self.flush()).await;
        self.link.close(code, reason);
        let ended = self.link.closed().await;
        if self.role == Role::Opens {
            self.link.drained(FLUSH).await;
        }
        self.tell_events();
        ended
    }

    /// Writes what is left and waits for the peer's acknowledgement, unless nothing can be under way.
    async fn flush(&mut self) {
        let mut stream = match self.writing.take() {
            Some(stream) => stream,
            None if self.outbox.is_empty() => return,
            None => match control_stream(self.link, self.role).await {
                Ok((stream, _)) => stream,
                Err(_) => return,
            },
        };
        while !self.outbox.is_empty() {
            match stream.write(self.outbox.front()).await {
                Ok(bytes) => self.outbox.written(Instant::now(), bytes),
                Err(_) => return,
            }
        }
        if self.outbox.last_write.is_some_and(|at| at.elapsed() < IN_FLIGHT) {
            let _ = stream.finish();
            let _ = stream.stopped().await;
        }
    }

    /// The connection is gone.
    fn ended(mut self, ended: Ended) -> Ended {
        let close = match &ended {
            Ended::Peer { code, reason } => Some((*code, reason.clone())),
            Ended::Ours { .. } | Ended::Lost(_) => None,
        };
        self.session.handle_closed(Instant::now(), close);
        self.tell_events();
        ended
    }
}

/// What is to be written, in order.
#[derive(Default)]
struct Outbox {
    queue: VecDeque<Vec<u8>>,
    /// How much of the first entry is written.
    offset: usize,
    bytes: usize,
    last_write: Option<Instant>,
    finish: bool,
}

impl Outbox {
    fn push(&mut self, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.bytes += bytes.len();
            self.queue.push_back(bytes);
        }
    }

    fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    fn front(&self) -> &[u8] {
        self.queue.front().map_or(&[], |front| &front[self.offset..])
    }

    fn written(&mut self, now: Instant, bytes: usize) {
        self.last_write = Some(now);
        self.offset += bytes;
        self.bytes -= bytes;
        if self.front().is_empty() {
            self.queue.pop_front();
            self.offset = 0;
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// Writes some of `bytes`; never ready without a stream or bytes, nor once the connection is gone.
async fn write(stream: Option<&mut SendStream>, bytes: &[u8]) -> Result<usize, ()> {
    match stream {
        Some(stream) if !bytes.is_empty() => match stream.write(bytes).await {
            Ok(written) => Ok(written),
            Err(quinn::WriteError::ConnectionLost(_)) => std::future::pending().await,
            Err(_) => Err(()),
        },
        _ => std::future::pending().await,
    }
}

/// Reads some of the stream, or waits for the moment to report that it is over.
async fn read<Command>(reading: &mut Reading, may_read: bool) -> Step<Command> {
    match reading {
        Reading::Open(stream) if may_read => match stream.read_chunk(READ_MAX, true).await {
            Ok(Some(chunk)) => Step::Read(chunk.bytes.into()),
            Err(ReadError::ConnectionLost(_)) => std::future::pending().await,
            Ok(None) | Err(_) => Step::ReadOver,
        },
        Reading::Over { report_at } => {
            tokio::time::sleep_until((*report_at).into()).await;
            Step::ReportReadOver
        }
        Reading::NotOpen | Reading::Open(_) | Reading::Reported => std::future::pending().await,
    }
}

async fn control_stream(link: &Link, role: Role) -> Result<(SendStream, RecvStream), quinn::ConnectionError> {
    match role {
        Role::Opens => link.connection().open_bi().await,
        Role::Accepts => link.connection().accept_bi().await,
    }
}
