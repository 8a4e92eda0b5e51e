//! A control session whose datagrams somebody else hears too.

use std::time::Instant;

use super::{ControlSession, Transmit};
use crate::units::Timestamp;

/// Hands every datagram that arrives to `heard` before the session sees it: sound is decoded where it is played, and does
/// not wait in the session's queue of events. `heard` runs on the driver's task and must not block.
#[derive(Debug)]
pub struct Overheard<S, F> {
    session: S,
    heard: F,
}

impl<S: ControlSession, F: FnMut(&[u8]) + Send> Overheard<S, F> {
    /// `session`, with `heard` beside it.
    pub fn new(session: S, heard: F) -> Self {
        Self { session, heard }
    }
}

impl<S: ControlSession, F: FnMut(&[u8]) + Send> ControlSession for Overheard<S, F> {
    type Clock = S::Clock;
    type Event = S::Event;
    type Command = S::Command;

    fn handle_stream(&mut self, now: Instant, clock: Timestamp<Self::Clock>, bytes: &[u8]) {
        self.session.handle_stream(now, clock, bytes);
    }

    fn handle_stream_end(&mut self, now: Instant) {
        self.session.handle_stream_end(now);
    }

    fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        (self.heard)(datagram);
        self.session.handle_datagram(now, datagram);
    }

    fn handle_closed(&mut self, now: Instant, close: Option<(u32, String)>) {
        self.session.handle_closed(now, close);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.session.handle_timeout(now);
    }

    fn handle_command(&mut self, now: Instant, command: Self::Command) {
        self.session.handle_command(now, command);
    }

    fn poll_transmit(&mut self, now: Instant, clock: Timestamp<Self::Clock>) -> Option<Transmit> {
        self.session.poll_transmit(now, clock)
    }

    fn poll_event(&mut self) -> Option<Self::Event> {
        self.session.poll_event()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.session.poll_timeout()
    }
}
