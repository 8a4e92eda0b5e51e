//! Sound: Opus packets into datagrams with parity, encrypted where it was agreed (GameStream spec section 6).

mod opus;
mod packetizer;

pub use opus::{OpusLayout, SAMPLE_RATE};
pub use packetizer::{AudioParams, OpusError, OpusSink, Packetizer};
