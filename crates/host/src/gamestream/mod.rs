//! GameStream, so that stock Moonlight streams from this host: the pages over HTTP and HTTPS on one side, the streams on
//! the other. They meet at the [`Desk`].

mod desk;

pub use desk::{Desk, End, Full, Orders, Running, Slot, SlotNumber};
