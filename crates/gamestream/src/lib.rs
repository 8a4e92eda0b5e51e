//! GameStream, as stock Moonlight speaks it: a second way to the same sessions.
//!
//! [`pages`] is what clients ask for over HTTP and HTTPS, [`pairing`] the ceremony with a PIN, both without I/O; [`server`]
//! is the sockets beneath them. What a client has launched is a [`Launch`], which the streams take from there: [`rtsp`],
//! [`control`] and [`input`], [`video`] and [`audio`], bytes in, bytes and decisions out. `punktfunk-host` drives them.

pub mod audio;
pub mod control;
mod identity;
pub mod input;
mod launch;
pub mod pages;
pub mod pairing;
pub mod rtsp;
pub mod server;
pub mod video;

pub use identity::{HostKey, HostKeyError};
pub use launch::{AudioLayout, Launch, LaunchMode};
