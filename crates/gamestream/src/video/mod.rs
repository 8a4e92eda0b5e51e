//! Video: access units into datagrams with parity, and encryption where it was agreed (GameStream spec section 5).

mod layout;
mod packetizer;
mod parity;

pub use layout::{BlockLayout, FrameLayout};
pub use packetizer::{Frame, FrameError, FrameKind, Packetizer, VideoParams};
pub use parity::{MAX_SHARDS, ShardLayout, add_parity};
