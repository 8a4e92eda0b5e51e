//! Sound: Opus packets into datagrams with parity, encrypted where it was agreed (GameStream spec section 6). How they are
//! encoded is `punktfunk-audio`'s affair.

mod packetizer;

pub use packetizer::{AudioParams, OpusError, Packetizer};
