//! The sound of a session, from the application's output to a client's ear.
//!
//! - [`companion`] runs beside the application, as its user: it starts a sound server of the session's own ([`server`]),
//!   captures what is played there ([`capture`]) and hands it to the host over a socket ([`line`]).
//! - [`opus`] turns 5 ms of it into a packet and back.
//! - [`receive`] puts the packets that arrive at a client in order and says what is missing, without I/O.
//! - [`playback`] plays what was decoded.
//!
//! It knows no network and no session: the host and the client join the parts. Read [`line`] first.

pub mod capture;
pub mod companion;
mod graph;
mod layout;
pub mod line;
pub mod opus;
pub mod playback;
pub mod receive;
pub mod server;
pub mod tone;
pub mod wav;

pub use layout::Layout;

/// Samples a second, of each channel.
pub const RATE: u32 = 48_000;
/// Samples of each channel in a packet: 5 ms (spec section 5.1).
pub const FRAME: usize = 240;
/// A packet lasts this long.
pub const FRAME_TIME: std::time::Duration = std::time::Duration::from_millis(5);
