//! The state machines of both sides.
//!
//! Each side has two, because two kinds of thread run them: *control* (QUIC stream and datagrams, asynchronous)
//! and *media* (UDP, native threads). They share nothing; what one learns for the other travels as a message.
//!
//! The contract of each: after every `handle_*` or command call `poll_transmit` until `None`, then `poll_event`
//! until `None`, then wait until `poll_timeout`.

pub mod client_control;
pub mod client_media;
pub mod client_pairing;
pub mod host_control;
pub mod host_media;
pub mod media;
mod overheard;

use std::time::Instant;

pub use overheard::Overheard;

use crate::units::Timestamp;

/// What the driver of a control session does next.
#[derive(Debug)]
pub enum Transmit {
    /// Write these bytes to the control stream (framing included).
    Stream(Vec<u8>),
    /// Send one QUIC datagram.
    Datagram(Vec<u8>),
    /// Finish our half of the control stream; the connection stays.
    Finish,
    /// Close the connection with this application code, once what was written before has been given time to
    /// arrive. The session is over.
    Close {
        /// QUIC application error code (spec section 2.6).
        code: u32,
        /// Human-readable, at most 256 bytes, shown to the user by clients.
        reason: String,
    },
}

/// A control session of either side, as a driver in `punktfunk-transport` sees it.
pub trait ControlSession: Send {
    /// The real-time clock of the side that runs it.
    type Clock: Send;
    /// What the session tells its owner.
    type Event: Send;
    /// What the owner tells the session.
    type Command: Send;

    /// Bytes arrived on the control stream at `now`, which the real-time clock calls `clock`.
    fn handle_stream(&mut self, now: Instant, clock: Timestamp<Self::Clock>, bytes: &[u8]);
    /// The peer finished (or reset) its half of the control stream.
    fn handle_stream_end(&mut self, now: Instant);
    /// A QUIC datagram arrived.
    fn handle_datagram(&mut self, now: Instant, datagram: &[u8]);
    /// The connection is gone: the peer's application code and reason, or `None` when it was lost.
    fn handle_closed(&mut self, now: Instant, close: Option<(u32, String)>);
    /// [`ControlSession::poll_timeout`] has come.
    fn handle_timeout(&mut self, now: Instant);
    /// The owner wants something.
    fn handle_command(&mut self, now: Instant, command: Self::Command);
    /// The next thing to send. `clock` is read right before the call, for messages that carry their send time.
    fn poll_transmit(&mut self, now: Instant, clock: Timestamp<Self::Clock>) -> Option<Transmit>;
    /// The next thing to tell the owner.
    fn poll_event(&mut self) -> Option<Self::Event>;
    /// When [`ControlSession::handle_timeout`] is next due.
    fn poll_timeout(&self) -> Option<Instant>;
}
