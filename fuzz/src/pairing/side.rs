//! One side of a connection, and what every session promises its driver.

use std::{collections::VecDeque, time::Instant};

use punktfunk_proto::session::{ControlSession, Transmit};
use punktfunk_proto::units::Timestamp;
use punktfunk_proto::wire::{CloseCode, FrameReader};

use super::super::script::Step;

/// A session with the owner it has in a fuzzed world.
pub(super) trait Actor: ControlSession {
    /// What the owner says to this event, if it answers at once.
    fn answer(event: &Self::Event) -> Option<Self::Command>;
    /// The command that a step names.
    fn command(step: &Step) -> Option<Self::Command>;
    /// Whether no event may come after this one.
    fn is_last(event: &Self::Event) -> bool;
}

/// Something on its way to a side.
#[derive(Debug)]
pub(super) enum Carried {
    Stream(Vec<u8>),
    Datagram(Vec<u8>),
    End,
    Close(u32, String),
}

impl Carried {
    pub(super) fn bytes(&mut self) -> Option<&mut Vec<u8>> {
        match self {
            Self::Stream(bytes) | Self::Datagram(bytes) => Some(bytes),
            Self::End | Self::Close(..) => None,
        }
    }
}

/// Time, and what the side's real-time clock calls it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) at: Instant,
    pub(super) clock_nanos: u64,
}

pub(super) struct Side<S: Actor> {
    pub(super) session: S,
    /// What the peer and the fuzzer sent.
    pub(super) inbox: VecDeque<Carried>,
    closed: bool,
    ended: bool,
    frames: FrameReader,
}

/// What a session said since it was last asked.
pub(super) struct Said<E> {
    pub(super) payloads: Vec<Vec<u8>>,
    pub(super) events: Vec<E>,
}

impl<S: Actor> Side<S> {
    pub(super) fn new(session: S) -> Self {
        Self { session, inbox: VecDeque::new(), closed: false, ended: false, frames: FrameReader::new() }
    }

    /// Takes in what waits first.
    pub(super) fn receive(&mut self, now: Now, cut: usize) {
        match self.inbox.pop_front() {
            Some(Carried::Stream(bytes)) => {
                let clock = || Timestamp::from_nanos(now.clock_nanos);
                bytes.chunks(cut).for_each(|piece| self.session.handle_stream(now.at, clock(), piece));
            }
            Some(Carried::Datagram(bytes)) => self.session.handle_datagram(now.at, &bytes),
            Some(Carried::End) => self.session.handle_stream_end(now.at),
            Some(Carried::Close(code, reason)) => self.session.handle_closed(now.at, Some((code, reason))),
            None => {}
        }
    }

    /// The owner says something, if it has something to say.
    pub(super) fn command(&mut self, now: Instant, command: Option<S::Command>) {
        command.into_iter().for_each(|command| self.session.handle_command(now, command));
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.session.poll_timeout()
    }

    /// Whether the session said that it is over.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Goes on to the session's timeout, if it has one, and returns that.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Instant> {
        let due = self.session.poll_timeout()?.max(now);
        self.session.handle_timeout(due);
        Some(due)
    }

    /// Asks the session until it has no more to say, and sends the peer what it said.
    pub(super) fn drain(&mut self, now: Now, peer: &mut VecDeque<Carried>) -> Said<S::Event> {
        let mut said = Said { payloads: Vec::new(), events: Vec::new() };
        while let Some(transmit) = self.session.poll_transmit(now.at, Timestamp::from_nanos(now.clock_nanos)) {
            assert!(!self.closed, "{transmit:?} after the connection was closed");
            peer.push_back(self.carry(transmit, &mut said.payloads));
            assert!(said.payloads.len() < 10_000, "a session never stops talking");
        }
        assert!(self.frames.is_at_boundary(), "a frame was sent in part");
        while let Some(event) = self.session.poll_event() {
            assert!(!self.ended, "an event after the last one");
            self.ended = S::is_last(&event);
            said.events.push(event);
        }
        said
    }

    fn carry(&mut self, transmit: Transmit, payloads: &mut Vec<Vec<u8>>) -> Carried {
        match transmit {
            Transmit::Stream(bytes) => {
                self.frames.push(&bytes);
                while let Some(payload) = self.frames.next_frame() {
                    payloads.push(payload.to_vec());
                }
                Carried::Stream(bytes)
            }
            Transmit::Datagram(bytes) => Carried::Datagram(bytes),
            Transmit::Finish => Carried::End,
            Transmit::Close { code, reason } => {
                assert!(CloseCode::try_from(code).is_ok(), "close code {code:#x}");
                assert!(reason.len() <= 256, "a reason of {} bytes", reason.len());
                self.closed = true;
                Carried::Close(code, reason)
            }
        }
    }
}
