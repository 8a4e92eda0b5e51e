//! The control stream: messages over ENet, each sealed with the launch's key (GameStream spec section 4).

mod message;
mod seal;

pub use message::{ClientMessage, EndReason, FecReport, HostMessage, MessageError};
pub use seal::{ControlSeal, OpenError};

/// Channels that ENet is to offer.
pub const CHANNELS: usize = 48;
/// The channel of what the host sends.
pub const HOST_CHANNEL: u8 = 0;
/// Bytes of the longest message that is read; a client's are below 256.
pub const MAX_MESSAGE: usize = 1_024;
