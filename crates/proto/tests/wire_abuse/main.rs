//! What a hostile or broken peer can put on the wire, and that nothing comes of it.

mod bytes;
mod messages;
mod names;
mod seat;
