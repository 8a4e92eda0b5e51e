//! GameStream, as stock Moonlight speaks it: a second way to the same sessions.
//!
//! [`pages`] is what clients ask for over HTTP and HTTPS, [`pairing`] the ceremony with a PIN, both without I/O; [`server`]
//! is the sockets beneath them. What a client has launched is a [`Launch`], which the streams take from there.

mod identity;
mod launch;
pub mod pages;
pub mod pairing;
pub mod server;

pub use identity::{HostKey, HostKeyError};
pub use launch::{AudioLayout, Launch, LaunchMode};
