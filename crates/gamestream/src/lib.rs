//! GameStream, as stock Moonlight speaks it: a second way to the same sessions.
//!
//! No I/O here: bytes in, bytes and decisions out. `punktfunk-host` drives it. Of the streams read [`rtsp::Handshake`] first,
//! then [`control`], [`video::Packetizer`] and [`audio::Packetizer`].

pub mod audio;
pub mod control;
pub mod input;
mod launch;
pub mod rtsp;
pub mod video;

pub use launch::{AudioLayout, Launch, LaunchMode};
