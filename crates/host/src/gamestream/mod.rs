//! GameStream, so that stock Moonlight streams from this host: the pages over HTTP and HTTPS on one side, the streams on
//! the other. They meet at the [`Desk`].

pub mod control;
mod desk;
pub mod rtsp_server;
pub mod send;
pub mod session;
pub mod streams;

pub use desk::{Desk, End, Full, Orders, Running, Slot, SlotNumber};
pub use streams::Streams;
